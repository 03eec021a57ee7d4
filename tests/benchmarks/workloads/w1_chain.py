"""W1: a chain of elementwise functions, four of them transcendental."""

from __future__ import annotations

import numpy as np

import kbplug.array_api as kxp
from kbplug import backend as K
from workloads import Program

TITLE = "tanh(a x + b) exp(-x x) + log1p(abs(x)), 1e7 elements"
TOLERANCE = 1e-6


def arrays(rng, quick):
    """Return x, and a and b as 0-d arrays."""
    x = rng.standard_normal(10**5 if quick else 10**7, dtype=np.float32)
    return x, np.asarray(1.5, np.float32), np.asarray(-0.25, np.float32)


def by_hand(x, a, b):
    """Compute it in NumPy."""
    return [np.tanh(a * x + b) * np.exp(-x * x) + np.log1p(np.abs(x))]


def in_k(x, a, b):
    """Return it in K, which has no word for log1p."""
    given = [K.placeholder(v.shape) for v in (x, a, b)]
    p, q, r = given
    return Program(K.function(given, [K.tanh(q * p + r) * K.exp(-p * p) + kxp.log1p(K.abs(p))]), [x, a, b])


def body(words, x, a, b):
    """Compute it in a peer's words."""
    return [words.tanh(a * x + b) * words.exp(-x * x) + words.log1p(words.abs(x))]


def by_numba():
    """Return it as one parallel loop."""
    import numba

    @numba.njit(parallel=True, fastmath=True)
    def run(x, a, b):
        y = np.empty_like(x)
        p, q = np.float32(a), np.float32(b)
        for i in numba.prange(x.size):
            v = x[i]
            y[i] = np.tanh(p * v + q) * np.exp(-v * v) + np.log1p(np.abs(v))
        return y

    return lambda x, a, b: [run(x, a.item(), b.item())]
