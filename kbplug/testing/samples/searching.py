"""Samples for searching: ties, nothing found, every axis, a search on both sides of equals and through a sorter."""

from __future__ import annotations

import numpy as np

from kbplug.testing.samples import Sample, sample

MATRIX = np.array([[0.7, -1.2, 2.1], [1.6, 0.4, -0.9]])
CUBE = np.array([[[0.5, -1.1], [1.3, 0.8], [-0.4, 2.2]], [[1.7, 0.2], [-0.6, 0.9], [1.1, -1.5]]])
COUNTS = np.array([[3, 0, 4], [0, 5, -2]], dtype="int32")
TIED = np.array([[2.0, 1.0, 2.0], [1.0, 1.0, 3.0]])
WITH_NAN = np.array([1.0, np.nan, 7.0])
FLAGS = np.array([[True, False, True], [False, True, False]])
PLANE = np.array([[0j, -1.1 + 0.3j], [0.6 - 1.2j, 0j]])
RISING = np.array([-1.5, 0.2, 0.2, 1.7])
SOUGHT = np.array([[0.2, -2.0, 5.0], [1.0, 1.7, -1.5]])


def _places() -> list[Sample]:
    return [
        sample(MATRIX),
        sample(MATRIX, axis=0),
        sample(CUBE, axis=-2, keepdims=True),
        sample(CUBE, keepdims=True, label="flat, kept"),
        sample(TIED, axis=1, label="ties"),
        sample(COUNTS, axis=1, label="int32"),
        sample(WITH_NAN, label="NaN"),
        sample(np.float64(1.5), label="0-d"),
        sample(np.zeros((0, 2)), axis=1, label="empty result"),
    ]


SAMPLES: dict[str, list[Sample]] = {
    "argmax": _places(),
    "argmin": _places(),
    "count_nonzero": [
        sample(COUNTS),
        sample(COUNTS, axis=0),
        sample(CUBE, axis=(0, -1), keepdims=True),
        sample(FLAGS, axis=-1, label="bool"),
        sample(PLANE, axis=0, label="complex"),
        sample(np.array([0.0, -0.0, np.nan]), axis=0, label="signed zeros and NaN"),
        sample(np.zeros((2, 0)), axis=1, label="over nothing"),
    ],
    "nonzero": [
        sample(COUNTS),
        sample(FLAGS, label="bool"),
        sample(PLANE, label="complex"),
        sample(np.array([0.0, 1.5, -0.0, 2.0]), label="one dimension"),
        sample(np.zeros((2, 3)), label="none"),
        sample(np.zeros((2, 0)), label="nothing"),
    ],
    "searchsorted": [
        sample(RISING, SOUGHT),
        sample(RISING, SOUGHT, side="right"),
        sample(RISING[[1, 3, 0, 2]], SOUGHT[0], np.array([2, 0, 3, 1]), label="sorter"),
        sample(
            RISING[[1, 3, 0, 2]], SOUGHT[0], np.array([2, 0, 3, 1], dtype="uint8"), side="right", label="uint8 sorter"
        ),
        sample(np.array([1, 3, 5]), np.array([4, 5]), label="integers"),
        sample(np.array([1, 3, 5]), np.array([2.5, 6.0]), label="promotes"),
        sample(RISING, np.float64(0.2), label="0-d"),
        sample(np.zeros(0), SOUGHT, label="in nothing"),
        sample(RISING, np.zeros((0, 2)), label="for nothing"),
    ],
}
