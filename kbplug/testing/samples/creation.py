"""Samples for arrays made of numbers alone, with sizes given and found when run, and for triangles and grids."""

from __future__ import annotations

import numpy as np

from kbplug.testing.samples import Sample, sample

MATRIX = np.array([[0.7, -1.2, 2.1], [1.6, 0.4, -0.9]])
CUBE = np.arange(12.0).reshape(2, 3, 2) - 5.5
PLANE = np.array([[0.4 + 0.7j, -1.1 + 0.3j], [0.6 - 1.2j, -0.5 - 0.8j]])
ROW = np.array([0.7, -1.2, 2.1])
PAIR = np.array([1.5, -0.5])
TWO, THREE = np.int64(2), np.int64(3)


def _triangles() -> list[Sample]:
    return [
        sample(MATRIX),
        sample(MATRIX, k=1),
        sample(CUBE, k=-1),
        sample(MATRIX, k=-9, label="far below"),
        sample(MATRIX, k=9, label="far above"),
        sample(PLANE, label="complex"),
        sample(MATRIX > 0, label="bool"),
        sample(np.zeros((0, 3)), label="nothing"),
    ]


SAMPLES: dict[str, list[Sample]] = {
    "arange": [
        sample(shape=(4,)),
        sample(shape=(3,), start=5, step=-2),
        sample(THREE, shape=(None,), start=2, label="sized"),
        sample(shape=(3,), start=0.5, step=0.25, dtype="float64", label="fractions"),
        sample(shape=(3,), dtype="float32", label="float32"),
        sample(shape=(0,), label="none"),
    ],
    "eye": [
        sample(shape=(3, 3)),
        sample(shape=(2, 3), k=1, dtype="int64"),
        sample(THREE, TWO, shape=(None, None), k=-1, label="sized"),
        sample(shape=(0, 2), label="nothing"),
    ],
    "linspace": [
        sample(np.float64(-1.0), np.float64(2.0), num=5),
        sample(np.float64(0.5), np.float64(2.5), num=4, endpoint=False),
        sample(np.float64(3.0), np.float64(1.0), num=1, label="one"),
        sample(np.float64(3.0), np.float64(1.0), num=0, label="none"),
        sample(np.complex128(1j), np.complex128(2.0), num=3, label="complex"),
    ],
    "meshgrid": [
        sample(ROW, PAIR),
        sample(ROW, PAIR, indexing="ij"),
        sample(ROW, PAIR, ROW * 2),
        sample(ROW, label="one"),
        sample(ROW, np.float64(1.5), PAIR, indexing="ij", label="0-d"),
        sample(ROW, np.zeros(0), label="nothing"),
        sample(PLANE[0], PLANE[1], label="complex"),
    ],
    "tril": _triangles(),
    "triu": _triangles(),
}
