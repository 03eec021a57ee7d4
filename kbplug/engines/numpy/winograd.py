"""Convolution with kernels of three by three in fewer products: Winograd's filtering ``F(4x4, 3x3)``.

Tiles of four by four results need 36 products for each pair of channel and filter, where sliding needs 144. Tiles and
kernels are transformed by products with constant matrices, the transforms multiplied by one small product for each of
the 36 elements, and the result transformed back: Lavin and Gray, "Fast algorithms for convolutional neural networks",
2016, equations 8 to 14. The transposes of the three steps are the two derivatives.

In float32 a result is off by at most 2e-5 of the largest one, in float64 by 2e-14: about eight times what sliding is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from kbplug.engines.numpy.batches import blocks
from kbplug.engines.numpy.windows import Array, framed, padded, patches
from kbplug.graph.window import Window

Slides = tuple[Any, ...]

TILE, REACH = 4, 6
"""Results along a side of a tile, and elements that they see."""

NARROW = 32
"""With fewer channels or filters the transforms cost more than the products that they save."""

_BUDGET = 3 << 19
"""Bytes of transforms at a time, which stay in the second-level cache."""

_INPUT = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
_KERNEL = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
_OUTPUT = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))
"""The transforms of one dimension, for the points 0, 1, -1, 2, -2 and infinity."""


def _square(transform: Any, dtype: Any) -> Array:
    """Return a transform of both dimensions at once, as a matrix."""
    return np.kron(transform, transform).astype(dtype)


def fits(slides: Slides, channels: int, filters: int, dtype: Any) -> bool:
    """Say whether a convolution without groups is faster this way."""
    plain = len(slides) == 2 and all((w.size, w.stride, w.dilation) == (3, 1, 1) for w in slides)
    wide = min(channels, filters) >= NARROW and dtype in (np.float32, np.float64)
    return plain and wide and prod(w.count for w in whole(slides)) <= 1.5 * prod(w.count for w in slides)


def whole(slides: Slides) -> Slides:
    """Return windows whose results fill whole tiles, with as much more padding after."""
    counts = [-(-w.count // TILE) * TILE for w in slides]
    return tuple(replace(w, count=n, after=w.after + n - w.count) for w, n in zip(slides, counts, strict=True))


def conv(x: Array, kernel: Array, slides: Slides, out: Array) -> None:
    """Write the convolution of ``x``, not padded yet, into ``out``."""
    weights, back = _weights(kernel), _square(_OUTPUT, x.dtype)
    for part, rows in _places(slides, x, kernel.shape[-1]):
        seen = _seen(x, slides, part, rows)
        found = np.matmul(back, np.matmul(seen, weights).reshape(REACH**2, -1))
        _write(found, out[part, _results(rows)])


def conv_input(y: Array, kernel: Array, slides: Slides, out: Array) -> None:
    """Add the transpose of ``conv`` in the array to ``out``, which has room for ``whole`` windows."""
    weights = np.ascontiguousarray(_weights(kernel).transpose(0, 2, 1))
    back = np.ascontiguousarray(_square(_INPUT, y.dtype).T)
    for part, rows in _places(slides, y, kernel.shape[-2]):
        made = _made(y[part, _results(rows)])
        found = np.matmul(back, np.matmul(made, weights).reshape(REACH**2, -1))
        _fold(found, out[part, rows.start * TILE : rows.stop * TILE + REACH - TILE])


def conv_kernel(x: Array, y: Array, slides: Slides, out: Array) -> None:
    """Write the transpose of ``conv`` in the kernel into ``out``, for ``x`` not padded yet."""
    total = np.zeros((REACH**2, x.shape[-1], y.shape[-1]), dtype=x.dtype)
    for part, rows in _places(slides, x, y.shape[-1]):
        made = _made(y[part, _results(rows)])
        total += np.matmul(_seen(x, slides, part, rows).transpose(0, 2, 1), made)
    np.matmul(_square(_KERNEL, x.dtype).T, total.reshape(REACH**2, -1), out=out.reshape(9, -1))


def _weights(kernel: Array) -> Array:
    """Return the transform of a kernel, (36, channels, filters)."""
    flat = _square(_KERNEL, kernel.dtype) @ kernel.reshape(9, -1)
    return flat.reshape(REACH**2, *kernel.shape[2:])


def _places(slides: Slides, x: Array, others: int) -> Iterator[tuple[slice, slice]]:
    """Yield blocks of samples and of rows of tiles, whose transforms fit the budget."""
    down, along = (w.count // TILE for w in whole(slides))
    return blocks(len(x), down, REACH**2 * along * (x.shape[-1] + others) * x.itemsize, _BUDGET)


def _results(rows: slice) -> slice:
    """Return the rows of results in rows of tiles; beyond the last result there are none."""
    return slice(rows.start * TILE, rows.stop * TILE)


def _seen(x: Array, slides: Slides, part: slice, rows: slice) -> Array:
    """Return the transform of what tiles see of ``x``, (36, tiles, channels)."""
    block = framed(x, whole(slides), part, _results(rows))
    found = patches(block, [Window(REACH, TILE, 1, count=n // TILE) for n in block.shape[1:-1]])
    flat = np.ascontiguousarray(found.transpose(3, 4, 0, 1, 2, 5)).reshape(REACH**2, -1)
    made: Array = np.matmul(_square(_INPUT, x.dtype), flat)
    return made.reshape(REACH**2, -1, x.shape[-1])


def _made(y: Array) -> Array:
    """Return the transform of tiles of ``y``, (36, tiles, filters)."""
    y = padded(y, [(0, -y.shape[1] % TILE), (0, -y.shape[2] % TILE)])
    samples, down, along, filters = y.shape
    tiles = y.reshape(samples, down // TILE, TILE, along // TILE, TILE, filters).transpose(2, 4, 0, 1, 3, 5)
    flat = np.ascontiguousarray(tiles).reshape(TILE**2, -1)
    back = np.ascontiguousarray(_square(_OUTPUT, y.dtype).T)
    made: Array = np.matmul(back, flat)
    return made.reshape(REACH**2, -1, filters)


def _write(found: Array, out: Array) -> None:
    """Write tiles of results, (16, tiles * filters), where they belong; what hangs over is dropped."""
    samples, down, along, filters = out.shape
    sizes = -(-down // TILE), -(-along // TILE)
    tiles = found.reshape(TILE, TILE, samples, *sizes, filters).transpose(2, 3, 0, 4, 1, 5)
    if (down % TILE, along % TILE) == (0, 0):
        out.reshape(tiles.shape)[...] = tiles
    else:
        out[...] = tiles.reshape(samples, sizes[0] * TILE, sizes[1] * TILE, filters)[:, :down, :along]


def _fold(found: Array, out: Array) -> None:
    """Add tiles of what results saw, (36, tiles * channels), where they overlap."""
    down, along = (n // TILE for n in out.shape[1:-1])
    tiles = found.reshape(REACH, REACH, len(out), down, along, out.shape[-1])
    for i, j in np.ndindex(REACH, REACH):
        target = out[:, i : i + TILE * down - TILE + 1 : TILE, j : j + TILE * along - TILE + 1 : TILE]
        np.add(target, tiles[i, j], out=target)
