"""W8: Lloyd's iterations of k-means."""

from __future__ import annotations

import numpy as np

import kbplug.array_api as kxp
from kbplug import backend as K
from workloads import Program

TITLE = "k-means, 200000 points of 32 dimensions, 64 means, 10 iterations"
TOLERANCE = 1e-3
ITERATIONS = 10


def arrays(rng, quick):
    """Return points in well-separated heaps, so that rounding moves none from one mean to another, and means."""
    points, width, count = (2000, 8, 4) if quick else (200_000, 32, 64)
    heaps = 8 * rng.standard_normal((count, width), dtype=np.float32)
    x = heaps[rng.integers(0, count, points)] + rng.standard_normal((points, width), dtype=np.float32)
    return x, heaps + rng.standard_normal((count, width), dtype=np.float32)


def by_hand(x, means):
    """Compute it in NumPy."""
    for _ in range(ITERATIONS):
        near = ((means * means).sum(axis=1) - 2 * (x @ means.T)).argmin(axis=1)
        chosen = (near[:, None] == np.arange(len(means))).astype(x.dtype)
        means = (chosen.T @ x) / np.maximum(chosen.sum(axis=0), 1)[:, None]
    return [means]


def in_k(x, means):
    """Return it in K; sums over heaps are a word of kbplug.array_api."""
    points, first = K.placeholder(x.shape), K.placeholder(means.shape)
    new, ones = first, K.ones((len(x), 1))
    for _ in range(ITERATIONS):
        near = K.argmin(K.sum(K.square(new), axis=1) - 2 * K.dot(points, K.transpose(new)), axis=1)
        total, count = (kxp.segment_sum(v, near, num_segments=len(means)) for v in (points, ones))
        new = total / K.maximum(count, 1)
    return Program(K.function([points, first], [new]), [x, means])


def body(words, x, means):
    """Compute it in a peer's words."""
    count = means.shape[0]
    for _ in range(ITERATIONS):
        near = words.argmin(words.sum(means * means, 1) - 2 * words.matmul(x, words.transpose(means, (1, 0))))
        total, many = words.sums_by_id(x, near, count)
        means = total / words.maximum(many, 1.0)
    return [means]


def by_numba():
    """Return it as one parallel loop over points in each iteration."""
    import numba

    @numba.njit(parallel=True, fastmath=True)
    def run(x, means):
        points, width = x.shape
        count, parts = len(means), numba.get_num_threads()
        for _ in range(ITERATIONS):
            totals = np.zeros((parts, count, width), x.dtype)
            many = np.zeros((parts, count), x.dtype)
            for p in numba.prange(parts):
                for i in range(p * points // parts, (p + 1) * points // parts):
                    best, least = 0, np.float32(np.inf)
                    for j in range(count):
                        distance = np.float32(0)
                        for d in range(width):
                            distance += (x[i, d] - means[j, d]) ** 2
                        if distance < least:
                            best, least = j, distance
                    many[p, best] += 1
                    for d in range(width):
                        totals[p, best, d] += x[i, d]
            counts = np.maximum(many.sum(axis=0), np.float32(1))
            means = totals.sum(axis=0) / counts.reshape((count, 1))
        return means

    return lambda x, means: [run(x, means)]
