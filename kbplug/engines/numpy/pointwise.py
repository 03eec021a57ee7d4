"""Convolution with a kernel of one element and one group: a single product, of what may be a view."""

from __future__ import annotations

from typing import Any

import numpy as np

from kbplug.engines.numpy.windows import Array, offsets, padded, widths

Slides = tuple[Any, ...]


def fits(slides: Slides, groups: int) -> bool:
    """Say whether this module knows the convolution."""
    return groups == 1 and all(w.size == 1 for w in slides)


def conv(x: Array, kernel: Array, slides: Slides, out: Array) -> None:
    """Write the convolution of ``x``, not padded yet, into ``out``."""
    np.matmul(_taken(x, slides), kernel.reshape(kernel.shape[-2:]), out=out.reshape(-1, out.shape[-1]))


def conv_input(y: Array, kernel: Array, slides: Slides, out: Array) -> None:
    """Write the transpose of ``conv`` in the array into ``out``, padding included; the rest of it holds zeros."""
    ((_, index),) = offsets(slides)
    target, flat, weights = out[index], y.reshape(-1, y.shape[-1]), kernel.reshape(kernel.shape[-2:]).T
    if target.flags.c_contiguous:
        np.matmul(flat, weights, out=target.reshape(-1, out.shape[-1]))
    else:
        target[...] = (flat @ weights).reshape(target.shape)


def conv_kernel(x: Array, y: Array, slides: Slides, out: Array) -> None:
    """Write the transpose of ``conv`` in the kernel into ``out``."""
    np.matmul(_taken(x, slides).T, y.reshape(-1, y.shape[-1]), out=out.reshape(out.shape[-2:]))


def _taken(x: Array, slides: Slides) -> Array:
    """Return the positions as rows."""
    ((_, index),) = offsets(slides)
    return padded(x, widths(slides))[index].reshape(-1, x.shape[-1])
