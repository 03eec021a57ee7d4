"""Convolution by PyTorch: padding by its ``pad``, transposes by its automatic differentiation."""

import torch
from torch.nn import functional

from references.pytorch import to_numpy, to_torch

CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}


def per_dimension(value, count):
    return (value,) * count if isinstance(value, int) else tuple(value)


def widths(sizes, window, strides, padding, dilation):
    """Return the widths before and after each dimension, by the rules of TensorFlow's documentation."""
    if not isinstance(padding, str):
        return padding
    spans = [d * (k - 1) + 1 for k, d in zip(window, dilation, strict=True)]
    if padding == "valid":
        return [(0, 0) for _ in sizes]
    if padding == "causal":
        return [(k - 1, 0) for k in spans]
    found = []
    for n, k, s in zip(sizes, spans, strides, strict=True):
        total = max(k - s, 0) if n % s == 0 else max(k - n % s, 0)
        found.append((total // 2, total - total // 2))
    return found


def padded(x, around, fill=0.0):
    """Return a channels-first tensor with its spatial dimensions padded."""
    return functional.pad(x, [n for pair in reversed(list(around)) for n in pair], value=fill)


def first(x, data_format):
    return x if data_format == "channels_first" else x.movedim(-1, 1)


def back(x, data_format):
    return x if data_format == "channels_first" else x.movedim(1, -1)


def convolve(x, kernel, *, strides=1, padding="valid", dilation=1, groups=1, data_format="channels_last"):
    count = kernel.ndim - 2
    x = first(x, data_format)
    strides, dilation = per_dimension(strides, count), per_dimension(dilation, count)
    x = padded(x, widths(x.shape[2:], kernel.shape[:-2], strides, padding, dilation))
    weight = kernel.movedim((-1, -2), (0, 1))
    y = CONVOLUTIONS[count](x, weight, stride=strides, dilation=dilation, groups=groups)
    return back(y, data_format)


def conv(x, kernel, **params):
    return to_numpy(convolve(to_torch(x), to_torch(kernel), **params))


def filled(shape, sizes):
    rest = iter(sizes)
    return tuple(int(next(rest)) if n is None else n for n in shape)


def conv_input(y, kernel, *sizes, shape, groups=1, data_format="channels_last", **params):
    y, kernel = to_torch(y), to_torch(kernel)
    channels = kernel.shape[-2] * groups
    around = (channels, *filled(shape, sizes)) if data_format == "channels_first" else (*filled(shape, sizes), channels)
    x = torch.zeros(y.shape[0], *around, dtype=y.dtype, requires_grad=True)
    found = convolve(x, kernel, groups=groups, data_format=data_format, **params)
    return to_numpy(transposed(found, x, y))


def conv_kernel(x, y, *sizes, shape, groups=1, data_format="channels_last", **params):
    x, y = to_torch(x), to_torch(y)
    axis = 1 if data_format == "channels_first" else -1
    kernel = torch.zeros(
        *filled(shape, sizes), x.shape[axis] // groups, y.shape[axis], dtype=x.dtype, requires_grad=True
    )
    found = convolve(x, kernel, groups=groups, data_format=data_format, **params)
    return to_numpy(transposed(found, kernel, y))


def transposed(linear, of, y):
    """Return the transpose of a linear function applied to ``y``; PyTorch gives the adjoint, hence the conjugates."""
    (found,) = torch.autograd.grad(linear, of, y.conj())
    return found.conj()


REFERENCES = {"conv": conv, "conv_input": conv_input, "conv_kernel": conv_kernel}
