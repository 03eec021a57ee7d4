"""Samples of random draws: states of a stream, and the shapes drawn."""

from __future__ import annotations

import numpy as np

from kbplug.testing.samples import Sample, sample

_state = np.array([42, 7, 3], dtype=np.int64)


def _draws(**params: object) -> list[Sample]:
    shapes = [(), (5,), (2, 3), (0, 2)]
    return [sample(_state, shape=s, label=str(s), smooth=False, unknown=False, **params) for s in shapes]


SAMPLES: dict[str, list[Sample]] = {
    "random.advance": [sample(_state, unknown=False)],
    "random.bits": _draws(),
    "random.integers": [*_draws(low=-3, high=9, dtype="int32"), *_draws(low=0, high=2, dtype="uint8")],
    "random.normal": [*_draws(dtype="float64"), *_draws(dtype="float32")],
    "random.split": [sample(_state, shape=(n,), label=str(n), unknown=False) for n in (0, 1, 5)],
    "random.truncated_normal": [*_draws(dtype="float64"), *_draws(dtype="float32")],
    "random.uniform": [*_draws(dtype="float64"), *_draws(dtype="float32")],
}
