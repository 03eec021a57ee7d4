"""How an index is read and written with nothing but the standard: slices, masks and ``take``.

The functions take arrays of any namespace and the template of ``kbplug.graph.index``. None changes its operands.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from kbplug.graph.index import ARRAY, WHOLE, Template, adjacent, complete
from kbplug.ops.patches import device_of
from kbplug.ops.segments import combined_by_id, last_of_each

Array = Any


def getitem(xp: Any, x: Array, /, *operands: Array, index: Template) -> Array:
    """Return ``x[index]``."""
    entries = _entries(xp, x, operands, index)
    if not any(map(_is_array, entries)):
        return _basic(xp, x, entries)
    if index == (ARRAY,) and _is_mask(xp, operands[0]):
        return x[operands[0]] if 0 not in operands[0].shape else _nothing(xp, x, operands[0].ndim)
    return _advanced(xp, x, entries, adjacent(index))


def setitem(xp: Any, x: Array, value: Array, /, *operands: Array, index: Template) -> Array:
    """Return ``x`` after ``x[index] = value``; of several values for one element the last counts."""
    entries = _entries(xp, x, operands, index)
    if index == (ARRAY,) and _is_mask(xp, operands[0]):
        y = xp.asarray(x, copy=True)
        if 0 not in operands[0].shape:
            y[operands[0]] = value
        return y
    if not any(map(_is_array, entries)):
        return _basic_set(xp, x, value, entries)
    places = _positions(xp, x, operands, index)
    if 0 in places.shape or 0 in x.shape:
        return xp.asarray(x, copy=True)
    values = xp.reshape(xp.broadcast_to(value, places.shape), (-1,))
    order, last, hit = last_of_each(xp, xp.reshape(places, (-1,)), prod(x.shape))
    chosen = xp.take(values, xp.take(order, last))
    return xp.reshape(xp.where(hit, chosen, xp.reshape(x, (-1,))), x.shape)


def scatter_add(xp: Any, x: Array, updates: Array, /, *operands: Array, index: Template) -> Array:
    """Return ``x`` with ``updates`` added at ``index``; several for one element accumulate."""
    arrays = [o for o in operands if _is_array(o)]
    if all(_is_mask(xp, a) for a in arrays):  # no element is named twice
        return setitem(xp, x, getitem(xp, x, *operands, index=index) + updates, *operands, index=index)
    places = _positions(xp, x, operands, index)
    values = xp.reshape(xp.broadcast_to(updates, places.shape), (prod(places.shape),))
    total = combined_by_id(xp, values, xp.reshape(places, (-1,)), prod(x.shape), xp.add, 0)
    return x + xp.reshape(total, x.shape)


def _nothing(xp: Any, x: Array, ndim: int) -> Array:
    """Return what a mask of ``ndim`` dimensions without elements picks."""
    return xp.zeros((0, *x.shape[ndim:]), dtype=x.dtype, device=device_of(x))


def _positions(xp: Any, x: Array, operands: Sequence[Array], index: Template) -> Array:
    """Return where in the flat ``x`` the elements of ``x[index]`` stand."""
    return getitem(xp, xp.reshape(xp.arange(prod(x.shape), device=device_of(x)), x.shape), *operands, index=index)


def _is_array(entry: Any) -> bool:
    return hasattr(entry, "dtype")


def _is_mask(xp: Any, array: Array) -> bool:
    return _is_array(array) and bool(xp.isdtype(array.dtype, "bool"))


def _entries(xp: Any, x: Array, operands: Sequence[Array], index: Template) -> list[Any]:
    found = complete(index, operands, x.ndim, lambda a: a.ndim if _is_mask(xp, a) else 1)
    return [slice(_bound(e.start), _bound(e.stop), e.step) if isinstance(e, slice) else e for e in found]


def _basic(xp: Any, x: Array, entries: Sequence[Any]) -> Array:
    """Index by integers, slices and new axes; a negative step becomes a flip, which more libraries have."""
    key, flipped = _forward(x, entries)
    y = x[tuple(key)]
    return xp.flip(y, axis=flipped) if flipped else y


def _basic_set(xp: Any, x: Array, value: Array, entries: Sequence[Any]) -> Array:
    key, flipped = _forward(x, entries)
    found = x[tuple(key)].shape
    value = xp.broadcast_to(value, found)
    if flipped:
        value = xp.flip(value, axis=flipped)
    if None in key:  # the standard sets no new axes
        new = [i for i, k in enumerate(k for k in key if not isinstance(k, int)) if k is None]
        value = xp.reshape(value, tuple(n for i, n in enumerate(found) if i not in new))
    y = xp.asarray(x, copy=True)
    y[tuple(k for k in key if k is not None)] = value
    return y


def _forward(x: Array, entries: Sequence[Any]) -> tuple[list[Any], tuple[int, ...]]:
    """Return the index with slices that are in bounds and go forward, and the axes of the result to be flipped."""
    key: list[Any] = []
    flipped = []
    axis = place = 0
    for entry in entries:
        if isinstance(entry, slice) and entry != WHOLE:
            taken = range(x.shape[axis])[entry]
            if taken.step < 0:
                flipped.append(place)
                taken = taken[::-1]
            key.append(slice(taken[0], taken[-1] + 1, taken.step) if taken else slice(0, 0))
        else:
            key.append(entry)
        axis += entry is not None
        place += not isinstance(entry, int)
    return key, tuple(flipped)


def _bound(bound: Any) -> int | None:
    return None if bound is None else int(bound)


def _advanced(xp: Any, x: Array, entries: Sequence[Any], together: bool) -> Array:
    """Index by arrays too: everything else first, then one ``take``, then what it took goes to its place."""
    rest = [[e] if not _is_array(e) else [WHOLE] * (e.ndim if _is_mask(xp, e) else 1) for e in entries]
    y = _basic(xp, x, [e for part in rest for e in part])
    axes: list[int] = []
    indices: list[Array] = []
    at = 0
    for entry in entries:
        if _is_array(entry):
            found = xp.nonzero(entry) if _is_mask(xp, entry) else (entry,)
            indices.extend(_wrapped(xp, f, y.shape[at + i]) for i, f in enumerate(found))
            axes.extend(range(at, at + len(found)))
            at += len(found)
        else:
            at += not isinstance(entry, int)
    if len(axes) == y.ndim:
        return y[tuple(indices)]
    taken, ndim = _taken(xp, y, axes, indices)
    return _moved(xp, taken, ndim, axes[0] if together else 0)


def _wrapped(xp: Any, index: Array, size: int) -> Array:
    """Return an array of integers as int64, counted from the front."""
    index = xp.astype(index, xp.int64)
    return xp.where(index < 0, index + size, index)


def _taken(xp: Any, x: Array, axes: Sequence[int], indices: Sequence[Array]) -> tuple[Array, int]:
    """Return what ``indices`` pick along ``axes``, in front, and the number of dimensions it takes there."""
    others = [i for i in range(x.ndim) if i not in axes]
    place = indices[0]
    for axis, index in zip(axes[1:], indices[1:], strict=True):
        place = place * x.shape[axis] + index
    front = xp.permute_dims(x, (*axes, *others))
    tail = tuple(x.shape[i] for i in others)
    flat = xp.reshape(front, (prod(x.shape[i] for i in axes), *tail))
    taken = xp.take(flat, xp.reshape(place, (prod(place.shape),)), axis=0)
    return xp.reshape(taken, (*place.shape, *tail)), place.ndim


def _moved(xp: Any, x: Array, count: int, to: int) -> Array:
    """Return ``x`` with its first ``count`` dimensions after ``to`` others."""
    if not to or not count:
        return x
    return xp.permute_dims(x, (*range(count, count + to), *range(count), *range(count + to, x.ndim)))
