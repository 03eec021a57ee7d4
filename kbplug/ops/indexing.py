"""Reading and writing parts of an array: ``x[...]``, its updates, ``take``, one-hot codes. Knows shapes, not values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kbplug.errors import ArgumentError, BoundsError, DTypeError, ShapeError
from kbplug.graph.index import ARRAY, Template, adjacent, complete
from kbplug.graph.spec import Shape, Size, Spec, broadcast, compatible, normalize_axis
from kbplug.graph.tensor import Tensor
from kbplug.ops import gather
from kbplug.ops.declare import BOOL_OR_INT, INTEGER, NUMERIC, accept, composite, primitive
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.patches import device_of
from kbplug.ops.sizes import shape_of, size_along, unbroadcast

Array = Any


@primitive(traits=("alias",))
def getitem(x: Spec, /, *operands: Spec, index: Template) -> Spec:
    """``x[index]``: integers, slices, None, ``...``, arrays of integers and boolean masks."""
    return x.like(shape=indexed("getitem", x, operands, index))


def indexed(name: str, x: Spec, operands: Sequence[Spec], index: Template) -> Shape:
    """Return the shape of ``x[index]``.

    Integers and arrays are broadcast together; what they pick stands in their place if they stand side by
    side, else in front.
    """
    entries = complete(index, operands, x.ndim, _dims)
    arrays = any(isinstance(e, Spec) for e in entries)
    shape: list[Size] = []
    picked: list[Shape] = []
    first = axis = 0
    for entry in entries:
        if isinstance(entry, int | Spec):
            first = first if picked else len(shape)
            picked.append(_picked(name, x, axis, entry, alone=len(index) == 1))
            axis += _dims(entry) if isinstance(entry, Spec) else 1
        elif entry is None:
            shape.append(1)
        else:
            shape.append(_length(x.shape[axis], entry))
            axis += 1
    if not arrays:
        return tuple(shape)
    place = first if adjacent(index) else 0
    return (*shape[:place], *broadcast(*picked), *shape[place:])


def _dims(operand: Spec) -> int:
    return operand.ndim if operand.dtype == "bool" else 1


def _picked(name: str, x: Spec, axis: int, entry: int | Spec, *, alone: bool) -> Shape:
    """Return the shape of what one integer or array picks."""
    if isinstance(entry, int):
        size = x.shape[axis]
        if size is not None and not -size <= entry < size:
            raise BoundsError(f"Index {entry} is out of range for dimension {axis} of the shape {x.shape}.")
        return ()
    accept(f"{name}, in its index,", BOOL_OR_INT, entry)
    if entry.dtype != "bool":
        return entry.shape
    if entry.ndim == 0 and not alone:
        raise ArgumentError("A 0-d boolean may only index alone; take the other parts of the index first.")
    if 0 in entry.shape:
        return (0,)
    if not compatible(x.shape[axis : axis + entry.ndim], entry.shape):
        raise BoundsError(f"A mask of shape {entry.shape} does not fit the dimensions of {x.shape} from {axis} on.")
    return (None,)


def _length(size: Size, entry: slice) -> Size:
    bounds = (entry.start, entry.stop)
    if entry.step == 0:
        raise ArgumentError("The step of a slice must not be 0.")
    if size is None or any(isinstance(b, Spec) for b in bounds):
        return 0 if bounds in ((0, 0), (None, 0)) and (entry.step or 1) > 0 else None
    return len(range(size)[entry])


getitem.implement(gather.getitem)


@getitem.derive
def _(g: Tensor, y: Tensor, x: Tensor, *operands: Tensor, index: Template) -> tuple[Any, ...]:
    put = scatter_add if _by_integers(operands, index) else setitem  # nothing else can name an element twice
    return put(xp.zeros_like(x), g, *operands, index=index), *[None] * len(operands)


def _by_integers(operands: Sequence[Tensor], index: Template) -> bool:
    return ARRAY in index and any(o.dtype != "bool" and o.ndim for o in operands)


@primitive()
def setitem(x: Spec, value: Spec, /, *operands: Spec, index: Template) -> Spec:
    """``x`` after ``x[index] = value``; of several values for one element the last counts."""
    if value.dtype != x.dtype:
        raise DTypeError(f"setitem cannot put {value.dtype} into {x.dtype}; cast the value first.")
    _check_value("setitem", x, value, operands, index)
    return x


def _check_value(name: str, x: Spec, value: Spec, operands: Sequence[Spec], index: Template) -> None:
    part = indexed(name, x, operands, index)
    if value.ndim > len(part) or not compatible(part, broadcast(part, value.shape)):
        raise ShapeError(f"{name} cannot broadcast a value of shape {value.shape} to the indexed shape {part}.")


setitem.implement(gather.setitem)


@setitem.derive
def _(g: Tensor, y: Tensor, x: Tensor, value: Tensor, *operands: Tensor, index: Template) -> tuple[Any, ...]:
    zero = xp.zeros((), dtype=g.dtype)
    found = getitem(g, *operands, index=index)
    if _by_integers(operands, index):
        found = xp.where(_last(x, found, operands, index), found, 0)
    return setitem(g, zero, *operands, index=index), found, *[None] * len(operands)


def _last(x: Tensor, part: Tensor, operands: Sequence[Tensor], index: Template) -> Tensor:
    """Return which of the values put at ``index`` stay, not overwritten by a later one."""
    total: Any = 1
    for size in shape_of(part):
        total = total * size
    serial = xp.reshape(xp.arange(total), shape_of(part))
    written = setitem(xp.zeros_like(x, dtype="int64"), serial, *operands, index=index)
    return getitem(written, *operands, index=index) == serial


@primitive(promotes=lambda count: (0, 1))
def scatter_add(x: Spec, updates: Spec, /, *operands: Spec, index: Template) -> Spec:
    """``x`` with ``updates`` added at ``index``; several for one element accumulate."""
    accept("scatter_add", NUMERIC, x)
    _check_value("scatter_add", x, updates, operands, index)
    return x


scatter_add.implement(gather.scatter_add)


@scatter_add.derive
def _(g: Tensor, y: Tensor, x: Tensor, updates: Tensor, *operands: Tensor, index: Template) -> tuple[Any, ...]:
    return g, getitem(g, *operands, index=index), *[None] * len(operands)


@primitive()
def take(x: Spec, indices: Spec, /, *, axis: int | None = None) -> Spec:
    """The elements of ``x`` along ``axis`` at one-dimensional ``indices``."""
    accept("take, in its indices,", INTEGER, indices)
    if indices.ndim != 1:
        raise ShapeError(f"take needs one-dimensional indices, not the shape {indices.shape}; use x[indices].")
    if axis is None and x.ndim != 1:
        raise ArgumentError(f"take needs an axis, since the tensor has {x.ndim} dimensions.")
    at = normalize_axis(0 if axis is None else axis, x.ndim)
    return x.like(shape=(*x.shape[:at], *indices.shape, *x.shape[at + 1 :]))


@take.derive
def _(g: Tensor, y: Tensor, x: Tensor, indices: Tensor, axis: int | None) -> tuple[Any, ...]:
    at = normalize_axis(0 if axis is None else axis, x.ndim)
    size = size_along(x, at)
    indices = xp.astype(indices, "int64")
    ids = xp.where(indices < 0, indices + size, indices)
    return xp.moveaxis(xp.segment_sum(xp.moveaxis(g, at, 0), ids, size), 0, at), None


@primitive()
def take_along_axis(x: Spec, indices: Spec, /, *, axis: int = -1) -> Spec:
    """The elements of ``x`` that ``indices`` name along ``axis``, each in its own row."""
    accept("take_along_axis, in its indices,", INTEGER, indices)
    if indices.ndim != x.ndim:
        raise ShapeError(f"take_along_axis needs as many dimensions in {indices.shape} as in {x.shape}.")
    at = normalize_axis(axis, x.ndim)
    around = broadcast(x.shape[:at] + x.shape[at + 1 :], indices.shape[:at] + indices.shape[at + 1 :])
    return x.like(shape=(*around[:at], indices.shape[at], *around[at:]))


@take_along_axis.derive
def _(g: Tensor, y: Tensor, x: Tensor, indices: Tensor, axis: int) -> tuple[Any, ...]:
    return put_along_axis(g, indices, x, axis), None


def put_along_axis(g: Tensor, indices: Tensor, like: Tensor, axis: int) -> Tensor:
    """Return zeros like an array, with ``g`` added where ``take_along_axis`` would take from."""
    at = normalize_axis(axis, like.ndim)
    sizes = shape_of(like)
    if indices.shape[at] == 1:  # one in each row, as of a class: no place is named twice, and rows stay apart
        indices = xp.astype(indices, "int64")
        size = sizes[at]
        if at == like.ndim - 1 and isinstance(size, int):
            return unbroadcast(one_in_row(g, xp.where(indices < 0, indices + size, indices), size=size), like)
        along = xp.reshape(xp.arange(sizes[at]), (-1, *(1,) * (like.ndim - 1 - at)))
        return unbroadcast(xp.where(along == xp.where(indices < 0, indices + sizes[at], indices), g, 0), like)
    places = [indices if i == at else _along(g, i, sizes[i]) for i in range(like.ndim)]
    return scatter_add(xp.zeros_like(like), g, *places, index=(ARRAY,) * like.ndim)


def _along(g: Tensor, axis: int, size: int | Tensor) -> Tensor:
    """Return the positions along ``axis`` of ``g`` in an array of ``size`` there, which is 1 where it was broadcast."""
    places = xp.expand_dims(xp.arange(size_along(g, axis)), axis=tuple(i for i in range(g.ndim) if i != axis))
    return places if isinstance(size, int) and g.shape[axis] == size else places % size


@composite()
def one_in_row(xp: Any, values: Any, indices: Any, /, *, size: int) -> Any:
    """Rows of ``size`` elements that are 0 but for a value at each index; all 0 for an index outside."""
    return xp.where(xp.arange(size, device=device_of(indices)) == indices, values, 0)


@composite()
def one_hot(xp: Any, indices: Any, /, *, depth: int, dtype: Any = "float64") -> Any:
    """Rows that are 1 at each index and 0 elsewhere; all 0 for an index outside 0 to ``depth - 1``."""
    return xp.astype(
        xp.expand_dims(xp.astype(indices, xp.int64), axis=-1) == xp.arange(depth, device=device_of(indices)), dtype
    )


__all__ = [
    "getitem",
    "indexed",
    "one_hot",
    "one_in_row",
    "put_along_axis",
    "scatter_add",
    "setitem",
    "take",
    "take_along_axis",
]
