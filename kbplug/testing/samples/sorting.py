"""Samples for sorting: both directions, every axis, ties, NaN, nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from kbplug.testing.samples import Sample, sample

ROW = np.array([0.7, -1.2, 2.1, 0.4])
MATRIX = np.array([[0.7, -1.2, 2.1], [1.6, 0.4, -0.9]])
CUBE = np.array([[[0.5, -1.1], [1.3, 0.8], [-0.4, 2.2]], [[1.7, 0.2], [-0.6, 0.9], [1.1, -1.5]]])
COUNTS = np.array([[3, 0, 4], [0, 5, -2]], dtype="int32")
TIED = np.array([2.0, 1.0, 2.0, 1.0, 3.0])


def _orders(**params: Any) -> list[Sample]:
    return [
        sample(ROW, **params),
        sample(CUBE, axis=1, **params),
        sample(MATRIX, axis=0, **params),
        sample(TIED, smooth=False, label="ties", **params),
        sample(COUNTS, label="int32", **params),
        sample(np.array([200, 3, 100], dtype="uint8"), label="uint8", **params),
        sample(np.zeros((2, 0)), label="nothing", **params),
        sample(ROW[:1], label="one", **params),
        sample(np.array([np.inf, -np.inf, 0.5]), smooth=False, label="infinite", **params),
    ]


def _sorts() -> list[Sample]:
    distinct = [sample(ROW, stable=False), sample(MATRIX, stable=False, descending=True)]
    return [
        *_orders(),
        *_orders(descending=True),
        *distinct,
        sample(np.array([1.0, np.nan, 0.5]), label="NaN", smooth=False),
    ]


SAMPLES: dict[str, list[Sample]] = {
    "sort": _sorts(),
    "argsort": _sorts(),
    "top_k": [
        sample(ROW, k=2),
        sample(ROW, k=3, largest=False),
        sample(MATRIX, k=1, axis=0),
        sample(CUBE, k=2, axis=-2, largest=False),
        sample(TIED, k=3, smooth=False, label="ties"),
        sample(TIED, k=3, largest=False, smooth=False, label="ties, smallest"),
        sample(COUNTS, k=2, label="int32"),
        sample(MATRIX, k=0, label="none"),
        sample(MATRIX, k=3, label="all"),
    ],
}
