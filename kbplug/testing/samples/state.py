"""Samples for reading cells, and for what is there for its effect."""

from __future__ import annotations

import numpy as np

from kbplug.runtime.cells import Cell
from kbplug.testing.samples import Sample, sample

MATRIX = np.array([[0.7, -1.2, 2.1], [1.6, 0.4, -0.9]])
COUNTS = np.array([3, -1, 4], dtype="int32")

SAMPLES: dict[str, list[Sample]] = {
    "read": [sample(cell=Cell(MATRIX, "matrix")), sample(cell=Cell(COUNTS, "counts"), label="int32")],
    "stop_gradient": [
        sample(MATRIX, smooth=False, label="its gradient is none by design"),
        sample(COUNTS, label="int32"),
    ],
    "print": [sample(MATRIX, message="matrix"), sample(np.float64(2.5), label="0-d")],
}
