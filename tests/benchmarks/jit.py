"""What ``kbplug.array_api.jit`` gains or costs beside the function itself: ten operations on NumPy arrays, in turns."""

from __future__ import annotations

import argparse
import statistics
import timeit

import numpy as np
from rich.console import Console
from rich.table import Table

import kbplug.array_api as kxp

SIZES = (10**2, 10**4, 10**6)
ROUNDS = 40
SECONDS = 0.02
"""What the calls of one candidate take in one round."""


def ten_operations(x, y):
    """Compute ten elementwise operations and no more, as code written for the standard does."""
    xp = x.__array_namespace__()
    a = xp.tanh(x * y)
    b = xp.exp(a - x)
    return xp.sqrt(b * b + y) / (1.0 + xp.abs(a))


def measure(size: int, rounds: int) -> dict[str, list[float]]:
    """Return microseconds per call, round by round, the candidates taking turns."""
    rng = np.random.default_rng(0)
    x, y = rng.random(size), rng.random(size)
    compiled = kxp.jit(ten_operations)
    np.testing.assert_array_equal(compiled(x, y), ten_operations(x, y))
    candidates = {"function": lambda: ten_operations(x, y), "jit": lambda: compiled(x, y)}
    once = min(timeit.repeat(candidates["function"], number=1, repeat=5))
    calls = max(3, int(SECONDS / once))
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, call in candidates.items():
            times[name].append(timeit.timeit(call, number=calls) / calls * 1e6)
    return times


def main() -> None:
    """Print medians, and the ratio of each round: its median and quartiles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    rounds = 5 if parser.parse_args().quick else ROUNDS
    table = Table("elements", "function, microseconds", "jit, microseconds", "ratio", "its middle half")
    for size in SIZES:
        times = measure(size, rounds)
        function, jit = (statistics.median(times[name]) for name in ("function", "jit"))
        ratios = [b / a for a, b in zip(times["function"], times["jit"], strict=True)]
        low, _, high = statistics.quantiles(ratios, n=4)
        table.add_row(
            f"{size:,}", f"{function:.2f}", f"{jit:.2f}", f"{statistics.median(ratios):.2f}", f"{low:.2f} to {high:.2f}"
        )
    Console().print(table)


if __name__ == "__main__":
    main()
