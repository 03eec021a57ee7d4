"""Indexing, scattering, segments, rolling and sorting by PyTorch's own ways. Knows the template of an index.

PyTorch's brackets know no negative step, take uint8 for a mask, and place what integers beside arrays pick elsewhere
than the standard does; such an index is left to the op's own body.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import array_api_compat.torch as xp
import torch
from torch import Tensor

from kbplug.graph.index import ARRAY, Template, restore
from kbplug.graph.op import lookup


def _generic(name: str, *arrays: Tensor, **params: Any) -> Any:
    lower = lookup(name).lower
    assert lower is not None  # every op that asks has a body
    return lower(xp, *arrays, **params)


def _is_plain(index: Template, operands: Sequence[Any]) -> bool:
    """Say whether PyTorch's brackets mean what the standard's do: slices forward and integers, no arrays."""
    key = restore(index, operands) if ARRAY not in index else ("array",)
    return all(k is None or k is Ellipsis or isinstance(k, int) or _is_forward(k) for k in key)


def _is_forward(key: Any) -> bool:
    return isinstance(key, slice) and (key.step is None or key.step > 0)


def _by_rows(index: Template, operands: Sequence[Any]) -> bool:
    """Say whether an index is one array of integers."""
    return index == (ARRAY,) and operands[0].ndim > 0 and operands[0].dtype != torch.bool


def _rows(ids: Tensor, size: int) -> Tensor:
    """Return row numbers as int64, those from the end as from the beginning, in one dimension."""
    flat = ids.reshape(-1).to(torch.int64)
    return torch.where(flat < 0, flat + size, flat)


def getitem(x: Tensor, *operands: Tensor, index: Template) -> Tensor:
    """Return ``x[index]``."""
    if _is_plain(index, operands):
        return x[restore(index, operands)]
    if _by_rows(index, operands):
        picked = x.index_select(0, _rows(operands[0], x.shape[0]))
        return picked.reshape((*operands[0].shape, *x.shape[1:]))
    found: Tensor = _generic("getitem", x, *operands, index=index)
    return found


def setitem(x: Tensor, value: Tensor, *operands: Tensor, index: Template) -> Tensor:
    """Return a copy of ``x`` with ``value`` at ``index``."""
    if _is_plain(index, operands):
        y = x.clone()
        y[restore(index, operands)] = value
        return y
    found: Tensor = _generic("setitem", x, value, *operands, index=index)
    return found


def scatter_add(x: Tensor, updates: Tensor, *operands: Tensor, index: Template) -> Tensor:
    """Return a copy of ``x`` with ``updates`` added at ``index``, doubled places included."""
    if _is_plain(index, operands):
        y = x.clone()
        y[restore(index, operands)] += updates
        return y
    if _by_rows(index, operands):
        ids = operands[0]
        rows = updates.expand((*ids.shape, *x.shape[1:])).reshape((ids.numel(), *x.shape[1:]))
        return x.index_add(0, _rows(ids, x.shape[0]), rows)
    found: Tensor = _generic("scatter_add", x, updates, *operands, index=index)
    return found


def _slots(data: Tensor, ids: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the rows, and for each its segment; one beyond the last for rows that belong to none."""
    flat = ids.reshape(-1).to(torch.int64)
    slots = torch.where((flat >= 0) & (flat < count), flat, count)
    return data.reshape((ids.numel(), *data.shape[ids.ndim :])), slots


def segment_sum(data: Tensor, segment_ids: Tensor, *, shape: tuple[int]) -> Tensor:
    """Sum the rows of each id."""
    rows, slots = _slots(data, segment_ids, shape[0])
    return data.new_zeros((shape[0] + 1, *rows.shape[1:])).index_add(0, slots, rows)[:-1]


def segment_max(data: Tensor, segment_ids: Tensor, *, shape: tuple[int]) -> Tensor:
    """Return the largest row of each id."""
    return _extreme(data, segment_ids, shape[0], "amax", -1)


def segment_min(data: Tensor, segment_ids: Tensor, *, shape: tuple[int]) -> Tensor:
    """Return the smallest row of each id."""
    return _extreme(data, segment_ids, shape[0], "amin", 1)


def _extreme(data: Tensor, ids: Tensor, count: int, reduce: str, sign: int) -> Tensor:
    rows, slots = _slots(data, ids, count)
    if data.dtype.is_floating_point:
        empty: float = sign * math.inf
    else:
        empty = torch.iinfo(data.dtype).max if sign > 0 else torch.iinfo(data.dtype).min
    out = data.new_full((count + 1, *rows.shape[1:]), empty)
    places = slots.reshape((-1, *(1,) * (rows.ndim - 1))).expand(rows.shape)
    return out.scatter_reduce(0, places, rows, reduce)[:-1]


def take(x: Tensor, indices: Tensor, *, axis: int | None) -> Tensor:
    """Pick along an axis, by indices of any integer dtype."""
    flat = axis or 0
    return x.index_select(flat, _rows(indices, x.shape[flat]))


def roll(x: Tensor, *, shift: int | tuple[int, ...], axis: int | tuple[int, ...] | None) -> Tensor:
    """Roll; PyTorch wants as many shifts as axes."""
    if axis is None:
        return torch.roll(x, shift) if isinstance(shift, int) else torch.roll(x, sum(shift))
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    shifts = (shift,) * len(axes) if isinstance(shift, int) else tuple(shift)
    return torch.roll(x, shifts, axes) if axes else x.clone()


def sort(x: Tensor, *, axis: int, descending: bool, stable: bool) -> Tensor:
    """Sort."""
    return torch.sort(x, dim=axis, descending=descending, stable=stable).values


def argsort(x: Tensor, *, axis: int, descending: bool, stable: bool) -> Tensor:
    """Return the order that sorts."""
    return torch.sort(x, dim=axis, descending=descending, stable=stable).indices


KERNELS: dict[str, Callable[..., Any]] = {
    "argsort": argsort,
    "getitem": getitem,
    "roll": roll,
    "scatter_add": scatter_add,
    "segment_max": segment_max,
    "segment_min": segment_min,
    "segment_sum": segment_sum,
    "setitem": setitem,
    "sort": sort,
    "take": take,
}
