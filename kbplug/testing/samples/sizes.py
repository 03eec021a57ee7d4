"""Samples for the ops that turn sizes into values."""

from __future__ import annotations

import numpy as np

from kbplug.testing.samples import Sample, sample

CUBE = np.arange(12.0).reshape(2, 3, 2)
MATRIX = np.array([[0.7, -1.2, 2.1], [1.6, 0.4, -0.9]])

SAMPLES: dict[str, list[Sample]] = {
    "dim": [sample(CUBE, axis=1), sample(np.zeros((4, 0)), axis=-1, label="empty")],
    "shape": [sample(CUBE), sample(np.float64(1.0), label="0-d"), sample(np.zeros((4, 0)), label="empty")],
    "sum_like": [
        sample(MATRIX, MATRIX[:1], label="a row"),
        sample(MATRIX, MATRIX[:, :1], label="a column"),
        sample(CUBE, MATRIX[0, :, None], label="fewer dimensions"),
        sample(MATRIX, np.float64(0.0), label="0-d"),
        sample(MATRIX, MATRIX + 1, label="itself"),
        sample(np.zeros((0, 3)), np.zeros((1, 3)), label="over nothing"),
        sample(np.array([[1, 2], [3, 4]], dtype="int8"), np.array([[0], [0]], dtype="int8"), label="int8"),
    ],
}
