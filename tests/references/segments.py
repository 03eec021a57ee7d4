"""Reductions over segments, one id at a time."""

import numpy as np


def by_id(reduce, empty):
    def reference(data, ids, *sizes, shape):
        (count,) = sizes or shape
        groups = [data[ids == i] for i in range(int(count))]
        nothing = np.full(data.shape[ids.ndim :], empty(data.dtype), data.dtype)
        rows = [reduce(g).astype(data.dtype) if len(g) else nothing for g in groups]
        return np.stack(rows) if rows else np.zeros((0, *nothing.shape), data.dtype)

    return reference


def bound(end):
    return lambda dtype: getattr(np.iinfo(dtype), end) if dtype.kind == "i" else {"min": -np.inf, "max": np.inf}[end]


REFERENCES = {
    "segment_sum": by_id(lambda g: np.sum(g, axis=0), lambda dtype: 0),
    "segment_mean": by_id(lambda g: np.mean(g, axis=0), lambda dtype: 0),
    "segment_max": by_id(lambda g: np.max(g, axis=0), bound("min")),
    "segment_min": by_id(lambda g: np.min(g, axis=0), bound("max")),
}
