"""W10: one step of Newton's method for logistic regression."""

from __future__ import annotations

import numpy as np

import kbplug.array_api as kxp
from kbplug import backend as K
from workloads import Program

TITLE = "logistic regression, 100000 x 50: gradient, Hessian and a step of Newton's method"
TOLERANCE = 1e-3
RIDGE = 1e-3


def arrays(rng, quick):
    """Return x, targets of 0 and 1, and weights."""
    rows, width = (500, 5) if quick else (100_000, 50)
    x = rng.standard_normal((rows, width), dtype=np.float32)
    true = rng.standard_normal(width, dtype=np.float32) / width**0.5
    y = (x @ true + rng.logistic(size=rows) > 0).astype(np.float32)
    return x, y, 0.1 * rng.standard_normal(width, dtype=np.float32)


def by_hand(x, y, w):
    """Compute it in NumPy."""
    logits = x @ w
    p = 1 / (1 + np.exp(-logits))
    loss = (np.maximum(logits, 0) - logits * y + np.log1p(np.exp(-np.abs(logits)))).mean() + RIDGE / 2 * (w @ w)
    slope = x.T @ (p - y) / len(x) + RIDGE * w
    hessian = (x * (p * (1 - p))[:, None]).T @ x / len(x) + RIDGE * np.eye(len(w), dtype=x.dtype)
    return [loss, w - np.linalg.solve(hessian, slope)]


def in_k(x, y, w):
    """Return it in K; solving is a word of kbplug.array_api."""
    data, targets, weights = given = [K.placeholder(v.shape) for v in (x, y, w)]
    logits = kxp.matmul(data, weights)
    loss = K.mean(K.binary_crossentropy(targets, logits, from_logits=True)) + RIDGE / 2 * K.sum(K.square(weights))
    (slope,) = K.gradients(loss, [weights])
    p = K.sigmoid(logits)
    curved = K.transpose(data * K.expand_dims(p * (1 - p), -1)) @ data / len(x) + RIDGE * K.eye(len(w))
    return Program(K.function(given, [loss, weights - kxp.linalg.solve(curved, slope)]), [x, y, w])


def body(words, x, y, w):
    """Compute it in a peer's words."""

    def loss(w):
        logits = words.matmul(x, w)
        heights = words.maximum(logits, 0.0) - logits * y + words.log1p(words.exp(-words.abs(logits)))
        return words.mean(heights) + RIDGE / 2 * words.sum(w * w)

    value, (slope,) = words.value_and_grad(loss, w)
    p = words.sigmoid(words.matmul(x, w))
    weighted = words.transpose(x * words.reshape(p * (1 - p), (-1, 1)), (1, 0))
    curved = words.matmul(weighted, x) / x.shape[0] + RIDGE * words.eye(w.shape[0])
    return [value, w - words.solve(curved, slope)]
