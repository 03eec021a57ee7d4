"""Samples for distinct elements and membership: repeated, all different, NaN, booleans, complex numbers, nothing."""

from __future__ import annotations

import numpy as np

from kbplug.testing.samples import Sample, sample

DISTINCT = np.array([[0.7, -1.2, 2.1], [1.6, 0.4, -0.9]])
REPEATED = np.array([2.0, 1.0, 2.0, -3.0, 1.0, 2.0])
COUNTS = np.array([[3, 0, 4], [0, 5, 3]], dtype="int32")
PLANE = np.array([1 + 2j, 1 - 1j, 1 + 2j, 0.5 + 3j])


def _distinct() -> list[Sample]:
    return [
        sample(DISTINCT),
        sample(REPEATED, smooth=False, label="repeated"),
        sample(COUNTS, label="int32"),
        sample(np.array([True, False, True]), label="bool"),
        sample(np.array([200, 3, 200], dtype="uint8"), label="uint8"),
        sample(PLANE, smooth=False, label="complex"),
        sample(np.array([np.nan, 1.0, np.nan, -0.0, 0.0]), smooth=False, label="NaN and signed zeros"),
        sample(np.float64(1.5), label="0-d"),
        sample(np.zeros((0, 2)), label="nothing"),
    ]


SAMPLES: dict[str, list[Sample]] = {
    "unique_all": _distinct(),
    "unique_counts": _distinct(),
    "unique_inverse": _distinct(),
    "unique_values": _distinct(),
    "isin": [
        sample(COUNTS, np.array([3, 5], dtype="int32")),
        sample(COUNTS, np.array([[3], [0]]), invert=True, label="inverted, promotes"),
        sample(REPEATED, np.array([2.0, np.nan]), label="floats"),
        sample(np.array([np.nan, 9.0]), np.array([np.nan, 1.0]), label="NaN"),
        sample(np.int64(4), COUNTS, label="0-d"),
        sample(COUNTS, np.int64(4), label="in 0-d"),
        sample(COUNTS, np.zeros(0, dtype="int32"), label="in nothing"),
        sample(COUNTS, np.zeros(0, dtype="int32"), invert=True, label="not in nothing"),
        sample(np.zeros((0, 2), dtype="int64"), np.array([1]), label="nothing"),
    ],
}
