"""Samples for reductions and cumulative functions: every axis, ties, zeros, nothing at all."""

from __future__ import annotations

import numpy as np

from kbplug.testing.samples import Sample, sample

MATRIX = np.array([[0.7, -1.2, 2.1], [1.6, 0.4, -0.9]])
CUBE = np.array([[[0.5, -1.1], [1.3, 0.8], [-0.4, 2.2]], [[1.7, 0.2], [-0.6, 0.9], [1.1, -1.5]]])
PLANE = np.array([[0.4 + 0.7j, -1.1 + 0.3j], [0.6 - 1.2j, -0.5 - 0.8j]])
COUNTS = np.array([[3, -1, 4], [1, 5, -2]], dtype="int32")
BYTES = np.array([[200, 100, 3], [7, 250, 90]], dtype="uint8")
FLAGS = np.array([[True, False, True], [True, True, True]])
NOTHING = np.zeros((2, 0, 3))
WITH_NAN = np.array([[1.0, np.nan, -2.0], [np.inf, 0.0, 3.0]])


def _reductions(empty: bool = True) -> list[Sample]:
    found = [
        sample(MATRIX),
        sample(np.float64(1.3), label="0-d"),
        sample(MATRIX, axis=-1, keepdims=True),
        sample(MATRIX, axis=(), label="no axis"),
        sample(CUBE, axis=(0, -1)),
        sample(CUBE, axis=1),
        sample(WITH_NAN, axis=0, smooth=False, label="NaN"),
        sample(NOTHING, axis=0, label="empty result"),
    ]
    return [*found, sample(NOTHING, axis=1, label="over nothing")] if empty else found


def _totals() -> list[Sample]:
    return [
        *_reductions(),
        sample(PLANE, axis=0, label="complex"),
        sample(COUNTS, axis=1, label="int32 widens"),
        sample(BYTES, label="uint8 widens"),
        sample(COUNTS, axis=0, dtype="float64", label="int32 as float64"),
        sample(MATRIX, dtype="complex128", label="as complex"),
    ]


def _extrema() -> list[Sample]:
    return [
        *_reductions(empty=False),
        sample(COUNTS, axis=0, label="int32"),
        sample(np.array([[2.0, 2.0, 1.0]]), axis=1, smooth=False, label="ties"),
    ]


def _spreads() -> list[Sample]:
    return [
        sample(MATRIX),
        sample(MATRIX, correction=1.0, axis=1),
        sample(CUBE, correction=0.5, axis=(0, 2), keepdims=True),
        sample(CUBE, axis=-2),
        sample(NOTHING, axis=0, label="empty result"),
        sample(NOTHING, axis=1, smooth=False, label="over nothing"),
        sample(MATRIX[:1], axis=0, correction=1.0, smooth=False, label="no degree of freedom"),
    ]


def _cumulative() -> list[Sample]:
    return [
        sample(MATRIX[0]),
        sample(MATRIX, axis=0),
        sample(CUBE, axis=-2),
        sample(MATRIX, axis=1, include_initial=True),
        sample(PLANE, axis=1, label="complex"),
        sample(COUNTS, axis=1, label="int32 widens"),
        sample(BYTES, axis=0, dtype="float64", label="uint8 as float64"),
        sample(np.zeros((2, 0)), axis=1, label="empty"),
        sample(np.zeros((2, 0)), axis=1, include_initial=True, label="initial alone"),
    ]


def _truth() -> list[Sample]:
    return [
        sample(FLAGS),
        sample(FLAGS, axis=0),
        sample(FLAGS, axis=(0, 1), keepdims=True),
        sample(np.bool_(False), label="0-d"),
        sample(np.array([[0, 3], [0, 0]]), axis=1, label="integers"),
        sample(np.array([0.0, -0.0, np.nan]), axis=-1, label="floats"),
        sample(np.array([0j, 1j]), label="complex"),
        sample(np.zeros((2, 0), dtype="bool"), axis=1, label="over nothing"),
    ]


ZERO_AMONG = np.array([[2.0, 0.0, 3.0], [0.0, 4.0, 0.0]])

SAMPLES: dict[str, list[Sample]] = {
    "sum": _totals(),
    "prod": [*_totals(), sample(ZERO_AMONG, axis=1, label="zeros")],
    "max": _extrema(),
    "min": _extrema(),
    "mean": [*_reductions(empty=False), sample(PLANE, axis=-1, label="complex")],
    "var": [*_spreads(), sample(np.full(3, 1.5), label="constant")],
    "std": [*_spreads(), sample(np.full(3, 1.5), smooth=False, label="constant")],
    "cumulative_sum": _cumulative(),
    "cumulative_prod": [*_cumulative(), sample(ZERO_AMONG, axis=1, label="zeros")],
    "all": _truth(),
    "any": _truth(),
    "diff": [
        sample(MATRIX),
        sample(MATRIX, axis=0),
        sample(CUBE, axis=1, n=2),
        sample(MATRIX, n=0, label="none taken"),
        sample(MATRIX, np.array([[0.1], [0.2]]), np.array([[0.3, -0.4], [1.5, 0.6]]), label="both ends"),
        sample(MATRIX, None, MATRIX[:1], axis=0, label="appended"),
        sample(PLANE, axis=0, label="complex"),
        sample(COUNTS, label="int32"),
        sample(FLAGS, label="bool"),
    ],
}
