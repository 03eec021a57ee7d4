"""W2: the mean crossentropy of a softmax, and its gradient."""

from __future__ import annotations

import numpy as np

from kbplug import backend as K
from workloads import Program

TITLE = "softmax, crossentropy and gradient, (4096, 1000)"
TOLERANCE = 1e-5


def arrays(rng, quick):
    """Return logits and classes."""
    rows, classes = (256, 100) if quick else (4096, 1000)
    return rng.standard_normal((rows, classes), dtype=np.float32), rng.integers(0, classes, rows)


def by_hand(logits, labels):
    """Compute it in NumPy."""
    rows = np.arange(len(labels))
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(p[rows, labels]).mean()
    p[rows, labels] -= 1
    return [loss, p / len(labels)]


def in_k(logits, labels):
    """Return it in K."""
    x, y = K.placeholder(logits.shape), K.placeholder(labels.shape, dtype="int64")
    loss = K.mean(K.sparse_categorical_crossentropy(y, x, from_logits=True))
    return Program(K.function([x, y], [loss, *K.gradients(loss, [x])]), [logits, labels])


def body(words, logits, labels):
    """Compute it in a peer's words."""
    loss, slopes = words.value_and_grad(lambda x: words.cross_entropy(x, labels), logits)
    return [loss, *slopes]


def by_numba():
    """Return it as one parallel loop over rows."""
    import numba

    @numba.njit(parallel=True, fastmath=True)
    def run(logits, labels):
        rows = len(logits)
        slope, losses = np.empty_like(logits), np.empty(rows, logits.dtype)
        for i in numba.prange(rows):
            top = logits[i].max()
            e = np.exp(logits[i] - top)
            total = e.sum()
            losses[i] = np.log(total) + top - logits[i, labels[i]]
            slope[i] = e / (total * rows)
            slope[i, labels[i]] -= np.float32(1.0 / rows)
        return losses.mean(), slope

    return run
