"""Samples for reductions over segments: empty ones, ids outside, ties, and numbers too far apart to be summed."""

from __future__ import annotations

import numpy as np

from kbplug.testing.samples import Sample, sample
from kbplug.testing.samples.indexing import COUNTS, CUBE, PLANE, ROW

IDS = np.array([2, 0, 2, 1])
IDS_OUTSIDE = np.array([3, -1, 0, 0], dtype="int32")
ROWS = np.array([[0.7, -1.2], [1.6, 0.4], [-0.9, 2.3], [0.2, 1.1]])


def _segments(smooth_if_empty: bool = True) -> list[Sample]:
    return [
        sample(ROWS, IDS, shape=(3,)),
        sample(ROW, IDS, shape=(4,), smooth=smooth_if_empty, label="an empty one"),
        sample(ROWS, IDS_OUTSIDE, shape=(2,), smooth=smooth_if_empty, label="ids outside"),
        sample(ROWS, IDS, np.int64(3), shape=(None,), label="sized"),
        sample(CUBE, np.array([[0, 1, 0], [1, 1, 1]]), shape=(2,), label="ids of two dimensions"),
        sample(np.zeros((0, 2)), np.zeros(0, dtype="int64"), shape=(2,), label="no rows"),
        sample(ROWS, IDS, shape=(0,), label="no segments"),
        sample(
            np.array([1e20, 1.0, np.inf, np.nan, 2.0]),
            np.array([0, 1, 2, 3, 4]),
            shape=(5,),
            smooth=False,
            label="apart",
        ),
    ]


INTEGER_ROWS = sample(COUNTS, np.array([1, 1]), shape=(3,), label="int32")
TIED = sample(np.array([2.0, 1.0, 2.0, 0.5]), np.array([0, 0, 0, 1]), shape=(2,), smooth=False, label="ties")

SAMPLES: dict[str, list[Sample]] = {
    "segment_sum": [*_segments(), INTEGER_ROWS, sample(PLANE, np.array([1, 1]), shape=(2,), label="complex")],
    "segment_mean": [*_segments(), sample(PLANE, np.array([1, 1]), shape=(2,), label="complex")],
    "segment_max": [*_segments(False), INTEGER_ROWS, TIED],
    "segment_min": [*_segments(False), INTEGER_ROWS, TIED],
}
