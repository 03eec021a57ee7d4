"""Pooling one window at a time: plain loops, and PyTorch's gradient of ``amax``, which shares ties evenly."""

import itertools

import torch

from references.conv import back, filled, first, per_dimension, widths
from references.pytorch import to_numpy, to_torch


def taken(sizes, window, strides=None, padding="valid"):
    """Yield each position of the window with the slices of the array that it covers, padding left out."""
    count = len(sizes)
    window = per_dimension(window, count)
    strides = window if strides is None else per_dimension(strides, count)
    around = widths(sizes, window, strides, padding, (1,) * count)
    steps = [(n + a + b - k) // s + 1 for n, k, s, (a, b) in zip(sizes, window, strides, around, strict=True)]
    for place in itertools.product(*map(range, steps)):
        starts = [p * s - a for p, s, (a, _) in zip(place, strides, around, strict=True)]
        yield place, tuple(slice(max(s, 0), s + k) for s, k in zip(starts, window, strict=True))


def pooled(x, reduce, data_format="channels_last", **params):
    x = first(x, data_format)
    places = list(taken(x.shape[2:], **params))
    sizes = [1 + n for n in places[-1][0]]
    axes = tuple(range(2, x.ndim))
    y = torch.stack([reduce(x[(..., *index)], axes) for _, index in places], -1)
    return back(y.reshape(*x.shape[:2], *sizes), data_format)


def mean(x, axes):
    return x.mean(axes)


def largest(x, axes):
    return x.amax(axes)


def avg_pool(x, **params):
    return to_numpy(pooled(to_torch(x), mean, **params))


def max_pool(x, **params):
    return to_numpy(pooled(to_torch(x), largest, **params))


def avg_pool_input(y, *sizes, shape, data_format="channels_last", **params):
    y, shape = to_torch(y), filled(shape, sizes)
    axis = 1 if data_format == "channels_first" else -1
    channels = y.shape[axis]
    lead = (y.shape[0], channels, *shape) if axis == 1 else (y.shape[0], *shape, channels)
    x = torch.zeros(*lead, dtype=y.dtype, requires_grad=True)
    (found,) = torch.autograd.grad(pooled(x, mean, data_format=data_format, **params), x, y)
    return to_numpy(found)


def shares(window):
    """Return what part of its window's gradient each element gets: NaN is the largest of all."""
    hit = window.isnan() if window.isnan().any() else window == window.amax()
    return hit.to(window.dtype) / hit.sum()


def each_window(x, data_format, params):
    """Yield position, channels-first index and shares for each window of each sample and channel."""
    for lead in itertools.product(range(x.shape[0]), range(x.shape[1])):
        for place, index in taken(x.shape[2:], **params):
            yield (*lead, *place), (*lead, *index), shares(x[(*lead, *index)])


def max_pool_input(g, x, y, data_format="channels_last", **params):
    g, x = (first(to_torch(a), data_format) for a in (g, x))
    found = torch.zeros_like(x)
    for place, index, share in each_window(x, data_format, params):
        found[index] += torch.where(share > 0, g[place] * share, 0.0)
    return to_numpy(back(found, data_format))


def max_pool_pick(u, x, y, data_format="channels_last", **params):
    u, x, y = (first(to_torch(a), data_format) for a in (u, x, y))
    found = torch.zeros_like(y)
    for place, index, share in each_window(x, data_format, params):
        found[place] = torch.where(share > 0, u[index] * share, 0.0).sum()
    return to_numpy(back(found, data_format))


REFERENCES = {
    "avg_pool": avg_pool,
    "avg_pool_input": avg_pool_input,
    "max_pool": max_pool,
    "max_pool_input": max_pool_input,
    "max_pool_pick": max_pool_pick,
}
