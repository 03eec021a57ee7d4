"""What a call costs beside the same NumPy calls written by hand: three ops on 16 x 16 arrays, in alternation."""

from __future__ import annotations

import argparse
import statistics
import timeit

import numpy as np
from rich.console import Console
from rich.table import Table

from kbplug import backend as K

ROUNDS, CALLS = 15, 5_000


def by_hand(a, w):
    """Compute the three ops with NumPy."""
    return [np.exp(np.tanh(np.multiply(a, w)))]


def by_kbplug():
    """Return the same three ops as a function of K."""
    a, w = K.placeholder((16, 16)), K.placeholder((16, 16))
    return K.function([a, w], [K.exp(K.tanh(a * w))])


def measure(rounds: int) -> dict[str, list[float]]:
    """Return microseconds per call, round by round, the candidates taking turns."""
    rng = np.random.default_rng(0)
    a, w = (rng.random((16, 16), dtype=np.float32) for _ in range(2))
    function = by_kbplug()
    candidates = {"NumPy by hand": lambda: by_hand(a, w), "K.function": lambda: function([a, w])}
    np.testing.assert_array_equal(candidates["NumPy by hand"]()[0], candidates["K.function"]()[0])
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, call in candidates.items():
            times[name].append(timeit.timeit(call, number=CALLS) / CALLS * 1e6)
    return times


def main() -> None:
    """Print medians, spread and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    times = measure(5 if parser.parse_args().quick else ROUNDS)
    hand = statistics.median(times["NumPy by hand"])
    table = Table("candidate", "median, microseconds", "lowest to highest", "ratio", "more than by hand, microseconds")
    for name, found in times.items():
        median = statistics.median(found)
        spread = f"{min(found):.2f} to {max(found):.2f}"
        table.add_row(name, f"{median:.2f}", spread, f"{median / hand:.2f}", f"{median - hand:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
