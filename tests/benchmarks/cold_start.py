"""How long a new process takes to its first results: loading, then building and calling each workload once.

Python's bytecode has been written before, as it is when a package is installed or used for the second time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from statistics import median

import numpy as np
import page
from workloads import NAMES, named

IMPORTS = ("import kbplug", "import numpy", "from kbplug import backend")
COLUMNS = ("workload", "build, ms", "first call, ms", "second call, ms", "what beginning costs, ms")
ROUNDS, QUICK_ROUNDS = 5, 2


def fresh(*arguments):
    """Return what a process of its own writes."""
    command = [sys.executable, *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def loading(statement, rounds):
    """Return the median of the seconds that an import takes in a new process."""
    code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    fresh("-c", code)
    return median(fresh("-c", code) for _ in range(rounds))


def once(name):
    """Return the seconds of building a workload, of its first call and of its second, in this process."""
    from kbplug import backend  # noqa: F401 -- loading it is timed apart

    workload = named(name)
    arrays = workload.arrays(np.random.default_rng(0), False)
    times = [time.perf_counter()]
    program = workload.in_k(*arrays)
    times.append(time.perf_counter())
    for _ in range(2):
        program.function(program.feeds)
        times.append(time.perf_counter())
    return [b - a for a, b in pairwise(times)]


def started(name, rounds):
    """Return the medians of ``once`` over new processes, after one that is not counted."""
    fresh(__file__, "--once", name)
    return [median(s) for s in zip(*(fresh(__file__, "--once", name) for _ in range(rounds)), strict=True)]


def rows(rounds):
    """Yield each workload's cells; the last is what it takes beyond a call."""
    for name in NAMES:
        build, first, second = started(name, rounds)
        yield [name.split("_")[0].upper(), *(f"{1e3 * s:.1f}" for s in (build, first, second, build + first - second))]


def main():
    """Print both tables, and write them where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--write", action="store_true", help="write docs/results/cold-start.md")
    parser.add_argument("--once", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.once:
        print(json.dumps(once(given.once)))
        return
    rounds = QUICK_ROUNDS if given.quick else ROUNDS
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # of the processes that this one starts
    with tempfile.TemporaryDirectory() as os.environ["PYTHONPYCACHEPREFIX"]:
        imports = [[statement, f"{1e3 * loading(statement, rounds):.0f}"] for statement in IMPORTS]
        tables = {("import", "ms"): imports, COLUMNS: list(rows(rounds))}
    page.show(tables)
    if given.write:
        page.write("cold-start", "Cold start", "python tests/benchmarks/cold_start.py --write", __doc__, tables)


if __name__ == "__main__":
    main()
