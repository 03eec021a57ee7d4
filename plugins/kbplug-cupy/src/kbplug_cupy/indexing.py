"""Reading, writing and adding at an index by CuPy's own ways. Knows the template of an index.

CuPy leaves open which of several values for one element stays, so writing at arrays of integers is left to the op's
own body. Integers out of bounds wrap around, as they do in every kernel of CuPy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import array_api_compat.cupy as xp
import cupy
import cupyx

from kbplug.graph.index import ARRAY, Template, restore
from kbplug.graph.op import lookup

ADDABLE = "int32 uint32 uint64 float16 float32 float64 complex64 complex128".split()
"""The dtypes that CuPy adds atomically; int64 goes as uint64, whose sums have the same bits."""


def _generic(name: str, *arrays: Any, **params: Any) -> Any:
    lower = lookup(name).lower
    assert lower is not None  # every op that asks has a body
    return lower(xp, *arrays, **params)


def _by_integers(operands: Sequence[Any], index: Template) -> bool:
    return ARRAY in index and any(getattr(o, "ndim", 0) and o.dtype.kind != "b" for o in operands)


def _has_mask(operands: Sequence[Any]) -> bool:
    return any(hasattr(o, "dtype") and o.dtype.kind == "b" for o in operands)


def getitem(x: Any, *operands: Any, index: Template) -> Any:
    """Return ``x[index]``, a view where CuPy gives one."""
    return _generic("getitem", x, *operands, index=index) if ARRAY in index else x[restore(index, operands)]


def setitem(x: Any, value: Any, *operands: Any, index: Template) -> Any:
    """Return a copy of ``x`` with ``value`` at ``index``."""
    if ARRAY in index:
        return _generic("setitem", x, value, *operands, index=index)
    y = x.copy()
    y[restore(index, operands)] = value
    return y


def scatter_add(x: Any, updates: Any, *operands: Any, index: Template) -> Any:
    """Return a copy of ``x`` with ``updates`` added at ``index``, doubled places included."""
    kind = "uint64" if x.dtype == cupy.int64 else x.dtype.name
    if not _by_integers(operands, index) or _has_mask(operands) or kind not in ADDABLE:
        return _generic("scatter_add", x, updates, *operands, index=index)
    y = cupy.array(x, order="C")
    cupyx.scatter_add(y.view(kind), restore(index, operands), cupy.ascontiguousarray(updates).view(kind))
    return y


def segment_sum(data: Any, segment_ids: Any, *, shape: tuple[int]) -> Any:
    """Sum the rows of each id; rows of any other id go to a row that is dropped."""
    kind = "uint64" if data.dtype == cupy.int64 else data.dtype.name
    if kind not in ADDABLE or data.size == 0:
        return _generic("segment_sum", data, segment_ids, shape=shape)
    ids = segment_ids.reshape(-1).astype(cupy.int64)
    slots = cupy.where((ids >= 0) & (ids < shape[0]), ids, shape[0])
    rows = cupy.ascontiguousarray(data).reshape((ids.size, *data.shape[segment_ids.ndim :])).view(kind)
    total = cupy.zeros((shape[0] + 1, *rows.shape[1:]), dtype=kind)
    cupyx.scatter_add(total, slots, rows)
    return total[:-1].view(data.dtype)


KERNELS: dict[str, Callable[..., Any]] = {"getitem": getitem, "setitem": setitem}
ATOMIC: dict[str, Callable[..., Any]] = {"scatter_add": scatter_add, "segment_sum": segment_sum}
"""Sums in an order that varies from run to run, and with it their rounding."""
