"""Samples for activations, normalised exponentials and crossentropies: numbers of any size, kinks apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from kbplug.testing.samples import Sample, sample

MATRIX = np.array([[0.7, -1.2, 2.1], [1.6, 0.4, -0.9]])
CUBE = np.array([[[0.5, -1.1], [1.3, 0.8], [-0.4, 2.2]], [[1.7, 0.2], [-0.6, 0.9], [1.1, -1.5]]])
FAR = np.array([-800.0, -30.0, 0.3, 40.0, 900.0])
ODD = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0])
COUNTS = np.array([[3, -1, 4], [0, 5, -2]], dtype="int32")
TARGETS = np.array([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0]])


def _elementwise(**params: Any) -> list[Sample]:
    return [
        sample(MATRIX, **params),
        sample(np.float64(-0.6), label="0-d", **params),
        sample(FAR, smooth=False, label="far", **params),
        sample(ODD, smooth=False, label="odd", **params),
        sample(np.zeros((0, 2)), label="empty", **params),
    ]


def _over_axes() -> list[Sample]:
    return [
        sample(MATRIX),
        sample(CUBE, axis=1),
        sample(CUBE, axis=(0, -1)),
        sample(CUBE, axis=None),
        sample(np.array([[900.0, 900.5, -1e4], [-900.0, 3.0, 4.0]]), smooth=False, label="far"),
        sample(np.zeros((0, 2)), label="empty"),
    ]


SAMPLES: dict[str, list[Sample]] = {
    "elu": [*_elementwise(), sample(MATRIX, alpha=0.5)],
    "hard_sigmoid": _elementwise(),
    "leaky_relu": [*_elementwise(), sample(MATRIX, negative_slope=0.01)],
    "log_softmax": _over_axes(),
    "logsumexp": [
        sample(MATRIX),
        sample(CUBE, axis=1, keepdims=True),
        sample(CUBE, axis=(0, -1)),
        sample(np.array([[900.0, 901.0], [-900.0, -901.0]]), axis=1, label="far"),
        sample(np.array([[np.inf, 1.0], [-np.inf, -np.inf], [np.nan, 1.0]]), axis=1, smooth=False, label="odd"),
    ],
    "relu": [*_elementwise(), sample(COUNTS, label="int32")],
    "scaled_softmax": [
        sample(MATRIX, np.array([[0.5], [-2.0]])),
        sample(CUBE, np.array([[[0.5, -2.0]], [[3.0, 0.2]]]), axis=1),
        sample(CUBE, np.float64(0.7), axis=None, label="one for all"),
        sample(np.array([[900.0, 900.5, -1e4]]), np.array([[1e30]]), smooth=False, label="far"),
        sample(np.zeros((0, 2)), np.zeros((0, 1)), label="empty"),
    ],
    "selu": _elementwise(),
    "sigmoid_cross_entropy": [
        sample(MATRIX, TARGETS),
        sample(np.float64(0.4), np.float64(0.3), label="0-d"),
        sample(np.array([-800.0, -40.0, 40.0, 800.0]), np.array([0.0, 0.0, 1.0, 0.5]), smooth=False, label="far"),
    ],
    "softmax": _over_axes(),
    "softmax_cross_entropy": [
        sample(MATRIX, np.array([[0.2, 0.5, 0.3], [0.7, 0.1, 0.4]])),
        sample(CUBE, np.abs(CUBE) + 0.1, axis=1),
        sample(MATRIX, np.array([[0.2], [0.7]]), label="one target for a row"),
        sample(MATRIX, np.array([0.2, 0.5, 0.3]), label="one row of targets"),
        sample(MATRIX, np.float64(0.3), label="one target for all"),
        sample(MATRIX[0], np.abs(MATRIX) + 0.1, label="one row of logits"),
        sample(MATRIX[:, :1], np.abs(MATRIX) + 0.1, label="one logit for a row"),
        sample(np.array([[900.0, -900.0, 0.0]]), np.array([[0.5, 0.0, 0.5]]), smooth=False, label="far"),
        sample(np.array([[-np.inf, 1.0, 0.0]]), np.array([[0.0, 0.5, 0.5]]), smooth=False, label="shut out"),
    ],
    "softplus": _elementwise(),
    "softsign": _elementwise(),
}
