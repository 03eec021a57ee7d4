"""The handwritten digits that ship with kbplug, as plain lists; ``kbplug/data/README.md`` names source and licence."""

from __future__ import annotations

import csv
import gzip
from importlib.resources import files
from typing import NamedTuple

Rows = list[list[float]]


class Digits(NamedTuple):
    """Images as rows of 64 brightnesses from 0 to 1, and the digits written, 0 to 9."""

    images: Rows
    labels: list[int]

    def take(self, indices: list[int]) -> Digits:
        """Return some of the digits."""
        return Digits([self.images[i] for i in indices], [self.labels[i] for i in indices])

    def one_hot(self) -> Rows:
        """Return the labels as rows of ten numbers, a one among zeros."""
        return [[float(label == digit) for digit in range(10)] for label in self.labels]


def load() -> Digits:
    """Return all 1,797 digits, in the order of the file."""
    packed = files("kbplug.data").joinpath("digits.csv.gz").read_bytes()
    rows = list(csv.reader(gzip.decompress(packed).decode("ascii").splitlines()))
    return Digits([[int(v) / 16.0 for v in row[:-1]] for row in rows], [int(row[-1]) for row in rows])


def split(digits: Digits, every: int = 5) -> tuple[Digits, Digits]:
    """Return the digits to train on and those to test on: each ``every``-th one."""
    held_out = list(range(0, len(digits.labels), every))
    kept = [i for i in range(len(digits.labels)) if i % every]
    return digits.take(kept), digits.take(held_out)
