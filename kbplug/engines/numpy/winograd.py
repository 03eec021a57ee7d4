"""Convolution with kernels of three by three in fewer products: Winograd's filtering ``F(4x4, 3x3)``.

Tiles of four by four results need 36 products for each pair of channel and filter, where sliding needs 144. Tiles and
kernels are transformed by products with constant matrices, the transforms multiplied by one small product for each of
the 36 elements, and the result transformed back: Lavin and Gray, "Fast algorithms for convolutional neural networks",
2016, equations 8 to 14. The transposes of the three steps are the two derivatives.

In float32 a result is off by at most 2e-5 of the largest one, in float64 by 2e-14: about eight times what sliding is.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from kbplug.engines.numpy.batches import blocks
from kbplug.engines.numpy.scratch import carve
from kbplug.engines.numpy.windows import Array, framed, padded, patches
from kbplug.graph.window import Window

Slides = tuple[Any, ...]

TILE, REACH = 4, 6
"""Results along a side of a tile, and elements that they see."""

NARROW = 32
"""With fewer channels or filters the transforms cost more than the products that they save."""

_BUDGET = 4 << 20
"""Bytes of transforms at a time: about a cache of the second level, in calls long enough for two threads to rarely meet
between them."""

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


@functools.cache
def _square(transform: Any, dtype: Any, *, transposed: bool = False) -> Array:
    """Return a transform of both dimensions at once, as a matrix."""
    found = np.kron(transform, transform).astype(dtype)
    return np.ascontiguousarray(found.T) if transposed else found


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
    for part, rows, room, other in _places(slides, x, kernel.shape[-1], rooms=2):
        seen = _seen(x, slides, part, rows, room, other)
        _write(_product(back, _filtered(seen, weights, room), other), out[part, _results(rows)])


def conv_input(y: Array, kernel: Array, slides: Slides, out: Array) -> None:
    """Write the transpose of ``conv`` in the array into ``out``, which has room for ``whole`` windows."""
    weights = np.ascontiguousarray(_weights(kernel).transpose(0, 2, 1))
    back = _square(_INPUT, y.dtype, transposed=True)
    for part, rows, room, other in _places(slides, y, kernel.shape[-2], rooms=2):
        made = _made(y[part, _results(rows)], room, other)
        found = _product(back, _filtered(made, weights, room), other)
        block = out[part, rows.start * TILE : rows.stop * TILE + REACH - TILE]
        above = block[:, : REACH - TILE].copy() if rows.start else None
        _fold(found, block)
        if above is not None:
            block[:, : REACH - TILE] += above


def conv_kernel(x: Array, y: Array, slides: Slides, out: Array) -> None:
    """Write the transpose of ``conv`` in the kernel into ``out``, for ``x`` not padded yet."""
    total = np.zeros((REACH**2, x.shape[-1], y.shape[-1]), dtype=x.dtype)
    found = np.empty_like(total)
    for part, rows, room, other, third in _places(slides, x, y.shape[-1], rooms=3):
        made = _made(y[part, _results(rows)], room, other)
        seen = _seen(x, slides, part, rows, room, third)
        total += np.matmul(seen.transpose(1, 2, 0), made.transpose(1, 0, 2), out=found)
    np.matmul(_square(_KERNEL, x.dtype, transposed=True), total.reshape(REACH**2, -1), out=out.reshape(9, -1))


def _weights(kernel: Array) -> Array:
    """Return the transform of a kernel, (36, channels, filters)."""
    flat = _square(_KERNEL, kernel.dtype) @ kernel.reshape(9, -1)
    return flat.reshape(REACH**2, *kernel.shape[2:])


def _places(slides: Slides, x: Array, others: int, rooms: int) -> Iterator[tuple[Any, ...]]:
    """Yield blocks of samples and of rows of tiles, whose transforms fit the budget, and room for any one of them."""
    down, along = (w.count // TILE for w in whole(slides))
    weight = REACH**2 * along * x.itemsize
    places = list(blocks(len(x), down, weight * (x.shape[-1] + others), _BUDGET))
    most = max(((part.stop - part.start) * (rows.stop - rows.start) for part, rows in places), default=0)
    room = (most * REACH**2 * along * max(x.shape[-1], others),)
    kept = list(carve([(room, x.dtype)] * rooms))
    for part, rows in places:
        yield part, rows, *kept


def _results(rows: slice) -> slice:
    """Return the rows of results in rows of tiles; beyond the last result there are none."""
    return slice(rows.start * TILE, rows.stop * TILE)


def _placed(room: Array, *shape: int) -> Array:
    """Return an array at the beginning of a room."""
    return room[: prod(shape)].reshape(shape)


def _product(transform: Array, tiles: Array, room: Array) -> Array:
    """Return the transform of (tiles, elements, channels), written into a room.

    One small product for each tile: BLAS copies the operands of large ones, and clears what they go to.
    """
    found: Array = np.matmul(transform, tiles, out=_placed(room, len(tiles), len(transform), tiles.shape[-1]))
    return found


def _filtered(tiles: Array, weights: Array, room: Array) -> Array:
    """Return (tiles, 36, channels) by the weights of each element, written into a room."""
    found = _placed(room, *tiles.shape[:-1], weights.shape[-1])
    np.matmul(tiles.transpose(1, 0, 2), weights, out=found.transpose(1, 0, 2))
    return found


def _seen(x: Array, slides: Slides, part: slice, rows: slice, room: Array, into: Array) -> Array:
    """Return the transform of what tiles see of ``x``, (tiles, 36, channels), by way of a room."""
    tiles = _tiles(framed(x, whole(slides), part, _results(rows)))
    flat = _placed(room, *tiles.shape)
    flat[...] = tiles
    return _product(_square(_INPUT, x.dtype), flat.reshape(-1, REACH**2, x.shape[-1]), into)


def _made(y: Array, room: Array, into: Array) -> Array:
    """Return the transform of tiles of ``y``, (tiles, 36, filters), by way of a room."""
    y = padded(y, [(0, -y.shape[1] % TILE), (0, -y.shape[2] % TILE)])
    samples, down, along, filters = y.shape
    flat = _placed(room, samples, down // TILE, along // TILE, TILE, TILE, filters)
    flat[...] = y.reshape(samples, down // TILE, TILE, along // TILE, TILE, filters).transpose(0, 1, 3, 2, 4, 5)
    return _product(_square(_OUTPUT, y.dtype, transposed=True), flat.reshape(-1, TILE**2, filters), into)


def _write(found: Array, out: Array) -> None:
    """Write tiles of results, (tiles, 16, filters), where they belong; what hangs over is dropped."""
    samples, down, along, filters = out.shape
    sizes = -(-down // TILE), -(-along // TILE)
    tiles = found.reshape(samples, *sizes, TILE, TILE, filters).transpose(0, 1, 3, 2, 4, 5)
    if (down % TILE, along % TILE) == (0, 0):
        out.reshape(tiles.shape)[...] = tiles
    else:
        out[...] = tiles.reshape(samples, sizes[0] * TILE, sizes[1] * TILE, filters)[:, :down, :along]


def _fold(found: Array, out: Array) -> None:
    """Write the sums of tiles of what results saw, (tiles, 36, channels), where they overlap."""
    targets = _tiles(out)
    tiles = found.reshape(targets.shape)
    tiles[:, 1:, :, : REACH - TILE] += tiles[:, :-1, :, TILE:]
    tiles[:, :, 1:, :, : REACH - TILE] += tiles[:, :, :-1, :, TILE:]
    own, beyond = (slice(None), slice(TILE)), (slice(-1, None), slice(TILE, REACH))  # the last reach beyond their own
    for (down, i), (along, j) in itertools.product((own, beyond), repeat=2):
        targets[:, down, along, i, j] = tiles[:, down, along, i, j]


def _tiles(x: Array) -> Array:
    """Return what tiles see of a padded ``x``, (samples, down, along, 6, 6, channels), as a view."""
    slides = [Window(REACH, TILE, 1, count=(n - REACH) // TILE + 1) for n in x.shape[1:-1]]
    return patches(x, slides, writeable=True)
