"""Run data-apis/array-api-tests, from a checkout, on ``kbplug.array_api`` over every installed engine.

    python suite.py --checkout PATH [--examples N] [--engines NAME ...] [--raw] [--keep FOLDER] [--write]

The checkout holds its submodule ``array-api`` too. A failure that ``exceptions/ENGINE.toml`` does not name is an error,
and so is a named one that passes or that is no test. With ``--raw`` the engine's own library is run beside it. With
``--keep`` each file of the suite is run by itself and its report kept, so that a run of hours can be broken off.
"""

from __future__ import annotations

import argparse
import functools
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

import kbplug
from kbplug.engine import STANDARD_DTYPES

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
EXCEPTIONS = HERE / "exceptions"
PAGE = ROOT / "docs" / "results" / "array-api.md"
OURS = "kbplug.array_api"


@dataclass(frozen=True)
class Counts:
    """What one run of the suite came to.

    Attributes
    ----------
    passed, skipped
        The ids of tests.
    failed
        The id of each failed test, and the first line of why.
    seconds
        How long it took.
    examples
        How many Hypothesis drew for each test.
    """

    passed: frozenset[str]
    skipped: frozenset[str]
    failed: Mapping[str, str]
    seconds: float
    examples: int

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.passed | other.passed,
            self.skipped | other.skipped,
            {**self.failed, **other.failed},
            self.seconds + other.seconds,
            self.examples,
        )


def run(module: str, engine: str, given: argparse.Namespace) -> Counts:
    """Run the suite on ``module`` while ``engine`` is the active one."""
    variables = environment(module, engine)
    if given.keep is None:
        with tempfile.TemporaryDirectory() as folder:
            return report(Path(folder, "report.xml"), given.only or ["array_api_tests/"], variables, given)
    every = sorted(f"array_api_tests/{file.name}" for file in given.checkout.glob("array_api_tests/test_*.py"))
    kept = given.keep / f"{module}-{engine}-{given.examples}"
    kept.mkdir(parents=True, exist_ok=True)
    parts = [report(kept / f"{Path(file).name}.xml", [file], variables, given) for file in given.only or every]
    return functools.reduce(Counts.__add__, parts)


def report(to: Path, parts: list[str], variables: dict[str, str], given: argparse.Namespace) -> Counts:
    """Return what parts of the suite come to, from the report at ``to`` if a run before this one ended there."""
    if not to.exists():
        unfinished = to.with_suffix(".unfinished")
        command = [sys.executable, "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider", "-W", "ignore"]
        command += ["--max-examples", str(given.examples), "--derandomize", "--disable-deadline"]
        command += ["-n", str(given.processes)] if given.processes else []
        command += [f"--rootdir={given.checkout}", f"--junitxml={unfinished}", *parts]
        done = subprocess.run(command, cwd=given.checkout, env=variables, stdout=sys.stderr, check=False)
        if done.returncode not in (0, 1) or not unfinished.exists():  # 1: some tests failed
            sys.exit(f"The suite did not run on {variables['ARRAY_API_TESTS_MODULE']}; pytest says why above.")
        unfinished.rename(to)
    return read(to, given.examples)


def environment(module: str, engine: str) -> dict[str, str]:
    """Return the variables under which the suite runs; dtypes that an engine lacks are left out."""
    lacking = STANDARD_DTYPES - kbplug.engine(engine).capabilities.dtypes
    own = {
        "ARRAY_API_TESTS_MODULE": module,
        "ARRAY_API_TESTS_SKIP_DTYPES": ",".join(sorted(lacking)),
        "ARRAY_API_TESTS_VERSION": "2025.12",
        "JAX_ENABLE_X64": "1",
        "KBPLUG_BACKEND": engine,
        "OMP_NUM_THREADS": "1",
    }
    return {**os.environ, **own}


def read(report: Path, examples: int) -> Counts:
    """Return what a JUnit report says."""
    passed, skipped, failed = set(), set(), {}
    root = ElementTree.parse(report)
    seconds = sum(float(suite.get("time", "0")) for suite in root.iter("testsuite"))
    for case in root.iter("testcase"):
        fault = next((part for part in case if part.tag in ("failure", "error")), None)
        if fault is not None:
            failed[name_of(case)] = fault.get("message", "").partition("\n")[0][:200]
        elif case.find("skipped") is not None:
            skipped.add(name_of(case))
        else:
            passed.add(name_of(case))
    return Counts(frozenset(passed), frozenset(skipped), failed, seconds, examples)


def name_of(case: ElementTree.Element) -> str:
    """Return a test's id as pytest takes it."""
    folder, module, *classes = case.get("classname", "").split(".")
    return "::".join([f"{folder}/{module}.py", *classes, case.get("name", "")])


def exceptions(engine: str) -> dict[str, str]:
    """Return the ids that may fail on an engine, each with its reason."""
    file = EXCEPTIONS / f"{engine}.toml"
    return tomllib.loads(file.read_text()) if file.exists() else {}


def complaints(engine: str, found: Counts, excused: Mapping[str, str]) -> list[str]:
    """Return what should not be: failures without a reason, and lines that excuse nothing."""
    wrong = [f"{engine}: {name}: {why}" for name, why in found.failed.items() if name not in excused]
    for name, reason in excused.items():
        if not reason.strip():
            wrong.append(f"{engine}: {name} is excused without a reason.")
        if name in found.passed | found.skipped:
            wrong.append(f"{engine}: {name} does not fail; strike it from exceptions/{engine}.toml.")
        elif name not in found.failed:
            wrong.append(f"{engine}: {name} is no test of the suite; strike it from exceptions/{engine}.toml.")
    return wrong


def library_of(engine: str) -> str:
    """Return the name of the namespace that an engine computes with, as the suite imports it."""
    return "array_api_compat.numpy" if engine == "numpy" else str(kbplug.engine(engine).xp.__name__)


def table(found: Mapping[str, Counts], raw: Mapping[str, Counts]) -> str:
    """Return the counts as a table in Markdown."""
    counted = ["examples", "passed", "failed", "skipped", "seconds"]
    head = ["engine", *counted, "its library alone", *counted]
    rows = [head, ["---"] * len(head)]
    for engine, counts in found.items():
        beside = (
            [f"`{library_of(engine)}`", *shown(raw[engine])] if engine in raw else ["not run", *[""] * len(counted)]
        )
        rows.append([engine, *shown(counts), *beside])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def shown(counts: Counts) -> list[str]:
    """Return the numbers of a row."""
    numbers = [len(part) for part in (counts.passed, counts.failed, counts.skipped)]
    return [str(n) for n in (counts.examples, *numbers, round(counts.seconds))]


def page(found: Mapping[str, Counts], raw: Mapping[str, Counts], versions: str) -> str:
    """Return the page of results: the table, each exception with its reason, what the library alone fails."""
    lines = [f"- {e}: `{name}`: {why}" for e in found for name, why in exceptions(e).items()]
    return f"""# The Array API's own tests

[data-apis/array-api-tests](https://github.com/data-apis/array-api-tests), for the standard of 2025.12, on
`kbplug.array_api` over each engine, and on the engine's library alone. `examples` is how many Hypothesis drew for each
test. Dtypes that an engine does not promise are left out, for kbplug and for the library alone. What is skipped the
suite skips for every library. `nox -s array-api -- --checkout PATH --examples 200 --raw --write` makes this page.

{versions}

{table(found, raw)}

## What fails, and why

{chr(10).join(lines) or "Nothing."}
"""


def versions_of(engines: Iterable[str], checkout: Path) -> str:
    """Return the versions of what ran, and the day."""
    libraries = {name: version(name) for name in ("array-api-compat", "hypothesis")}
    for engine in engines:
        libraries |= kbplug.engine(engine).probe().versions
    command = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    of = [*([f"array-api-tests {commit}"] if commit else []), *(f"{n} {v}" for n, v in sorted(libraries.items()))]
    return f"Of {date.today().isoformat()}: {', '.join(of)}."


def usable() -> list[str]:
    """Return the engines that are installed and can run here."""
    return [info.name for info in kbplug.engines() if kbplug.engine(info.name).probe().ok]


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkout", type=Path, required=True, help="folder of array-api-tests, submodule included")
    parser.add_argument("--examples", type=int, default=20, help="Hypothesis's examples for each test")
    parser.add_argument("--engines", nargs="+", metavar="NAME", help="by default every installed one")
    parser.add_argument("--only", nargs="+", metavar="FILE", help="parts of the suite, as pytest takes them")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="0 runs the suite in one")
    parser.add_argument("--raw", action="store_true", help="run each engine's library too")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="run file by file, and not those reported there")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    given = parser.parse_args()
    if not (given.checkout / "array-api" / "src").is_dir():
        parser.error(f"{given.checkout} holds no array-api-tests with its submodule array-api.")
    given.checkout = given.checkout.resolve()
    given.keep = given.keep and given.keep.resolve()
    found: dict[str, Counts] = {}
    raw: dict[str, Counts] = {}
    wrong = []
    for engine in given.engines or usable():
        found[engine] = run(OURS, engine, given)
        excused = exceptions(engine)
        if given.only:  # the other lines are not judged
            ran = found[engine].passed | found[engine].skipped | found[engine].failed.keys()
            excused = {name: why for name, why in excused.items() if name in ran}
        wrong += complaints(engine, found[engine], excused)
        if given.raw:
            raw[engine] = run(library_of(engine), engine, given)
        print(table(found, raw), flush=True)
    if given.write:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page(found, raw, versions_of(found, given.checkout)))
    sys.exit("\n".join(wrong) or None)


if __name__ == "__main__":
    main()
