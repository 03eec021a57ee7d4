"""Reductions and cumulative functions by PyTorch, over axes brought together by hand."""

import math

import torch

from references.pytorch import by_torch


def over_axes(reduce):
    """Return a reduction over any axes from one over the last dimension."""

    def reference(x, *, axis=None, keepdims=False, **params):
        axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
        gone = sorted(a % x.ndim for a in axes)
        kept = [i for i in range(x.ndim) if i not in gone]
        flat = x.permute((*kept, *gone)).reshape(*(x.shape[i] for i in kept), math.prod(x.shape[i] for i in gone))
        result = reduce(flat, **params)
        return result.reshape([1 if i in gone else n for i, n in enumerate(x.shape)]) if keepdims else result

    return by_torch(reference)


def accumulated(x, dtype):
    """Return ``x`` in the dtype that its totals are taken in."""
    if dtype is not None:
        return x.to(getattr(torch, dtype))
    return x.to(torch.uint64) if x.dtype is torch.uint8 else x if x.is_floating_point() or x.is_complex() else x.long()


def total(function):
    def reduce(x, dtype=None):
        wide = accumulated(x, dtype)
        return function(wide.long(), -1).to(wide.dtype) if wide.dtype is torch.uint64 else function(wide, -1)

    return over_axes(reduce)


def cumulative(function, initial):
    def reference(x, *, axis=None, dtype=None, include_initial=False):
        axis = 0 if axis is None else axis
        wide = accumulated(x, dtype)
        if include_initial:
            wide = torch.cat([torch.full_like(wide.narrow(axis, 0, 0).sum(axis, keepdim=True), initial), wide], axis)
        return function(wide, axis)

    return by_torch(reference)


def diff(x, prepend=None, append=None, *, axis=-1, n=1):
    return torch.diff(x, n=n, dim=axis, prepend=prepend, append=append)


def variance(x, correction=0.0):
    """Return the mean of squared deviations by its definition, also of no rows at all."""
    return ((x - x.mean(-1, keepdim=True)) ** 2).sum(-1) / (x.shape[-1] - correction)


REFERENCES = {
    "sum": total(torch.sum),
    "prod": total(torch.prod),
    "max": over_axes(lambda x: torch.amax(x, -1)),
    "min": over_axes(lambda x: torch.amin(x, -1)),
    "mean": over_axes(lambda x: torch.mean(x, -1)),
    "var": over_axes(variance),
    "std": over_axes(lambda x, correction=0.0: torch.sqrt(variance(x, correction))),
    "all": over_axes(lambda x: torch.all(x != 0, -1)),
    "any": over_axes(lambda x: torch.any(x != 0, -1)),
    "cumulative_sum": cumulative(torch.cumsum, 0),
    "cumulative_prod": cumulative(torch.cumprod, 1),
    "diff": by_torch(diff),
}
