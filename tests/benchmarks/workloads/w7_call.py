"""W7: what a call costs: three functions on arrays so small that they take no time."""

from __future__ import annotations

import numpy as np

from kbplug import backend as K
from workloads import Program

TITLE = "sum(tanh(x @ w)), (1, 16) and (16, 16)"
TOLERANCE = 1e-5


def arrays(rng, quick):
    """Return x and w."""
    return tuple(rng.standard_normal(s, dtype=np.float32) for s in ((1, 16), (16, 16)))


def by_hand(x, w):
    """Compute it in NumPy."""
    return [np.sum(np.tanh(x @ w))]


def in_k(x, w):
    """Return it in K."""
    given = [K.placeholder(v.shape) for v in (x, w)]
    return Program(K.function(given, [K.sum(K.tanh(K.dot(*given)))]), [x, w])


def body(words, x, w):
    """Compute it in a peer's words."""
    return [words.sum(words.tanh(words.matmul(x, w)))]


def by_numba():
    """Return it compiled."""
    import numba

    @numba.njit
    def run(x, w):
        total = np.float32(0)
        for j in range(w.shape[1]):
            dot = np.float32(0)
            for i in range(w.shape[0]):
                dot += x[0, i] * w[i, j]
            total += np.tanh(dot)
        return total

    return lambda x, w: [run(x, w)]
