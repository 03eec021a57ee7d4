"""Shape and dtype of a value that may not exist yet, and the arithmetic of shapes with unknown sizes."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kbplug.dtypes import check_dtype
from kbplug.errors import ArgumentError, BoundsError, KbplugError, ShapeError

Size = int | None
Shape = tuple[Size, ...]


@dataclass(frozen=True, slots=True)
class Spec:
    """What is known of an array before it exists.

    Parameters
    ----------
    shape
        One entry per dimension; ``None`` is a size known only when run. The rank is always known.
    dtype
        The dtype's name.
    """

    shape: Shape
    dtype: str

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> Size:
        """Number of elements, or None while a dimension is unknown."""
        return size_of(self.shape)

    def like(self, *, shape: Shape | None = None, dtype: str | None = None) -> Spec:
        """Return this spec with another shape or dtype."""
        return Spec(self.shape if shape is None else shape, self.dtype if dtype is None else dtype)

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join('?' if n is None else str(n) for n in self.shape)}]"


def spec(shape: Iterable[Size], dtype: object) -> Spec:
    """Return a checked Spec.

    Raises
    ------
    ShapeError
        If a size is negative or no integer.
    DTypeError
        If the dtype is unknown.
    """
    return Spec(check_shape(shape), check_dtype(dtype))


def check_shape(shape: int | Iterable[Size] | None) -> Shape:
    """Return ``shape`` as a tuple of ints and Nones; an integer alone is a one-dimensional shape."""
    sizes: Iterable[Size] = (shape,) if shape is None or hasattr(shape, "__index__") else shape  # type: ignore[assignment]
    return tuple(None if n is None else _check_size(n, sizes) for n in sizes)


def _check_size(n: int, shape: Iterable[Size]) -> int:
    if not hasattr(n, "__index__") or isinstance(n, bool) or (size := n.__index__()) < 0:
        raise ShapeError(
            f"The shape {shape} holds {n!r}; each size must be a non-negative integer, or None if unknown."
        )
    return size


def whole(value: Any, what: str) -> int:
    """Return a whole number of any library as Python's; ``what`` begins the sentence that refuses anything else.

    A float without a fraction is one too: sizes are products and quotients, and an empty product is 1.0.
    """
    try:
        return operator.index(value)
    except KbplugError:  # of a tensor that has no value
        raise
    except TypeError as cause:
        if hasattr(value, "is_integer") and value.is_integer():
            return int(value)
        raise ArgumentError(f"{what} must be a whole number, not {value!r}.") from cause


def size_of(shape: Shape) -> Size:
    """Return the number of elements of ``shape``, or None while a size is unknown and none is 0."""
    if 0 in shape:
        return 0
    known = [n for n in shape if n is not None]
    return math.prod(known) if len(known) == len(shape) else None


def broadcast(*shapes: Shape) -> Shape:
    """Return the shape that all ``shapes`` broadcast to.

    An unknown size against 1 stays unknown, against ``n > 1`` becomes ``n``: when run it must be 1 or ``n``.

    Raises
    ------
    ShapeError
        If two known sizes differ and neither is 1.
    """
    if shapes and all([s == shapes[0] for s in shapes]):
        return shapes[0]  # as most are; the walk over sizes below is the dearest part of building a node
    rank = max(map(len, shapes), default=0)
    padded = [(1,) * (rank - len(s)) + s for s in shapes]
    return tuple(_broadcast_sizes(sizes, shapes) for sizes in zip(*padded, strict=True))


def _broadcast_sizes(sizes: tuple[Size, ...], shapes: tuple[Shape, ...]) -> Size:
    wide = {n for n in sizes if n is not None and n != 1}
    if len(wide) > 1:
        raise ShapeError(f"The shapes {' and '.join(map(str, shapes))} do not broadcast together.")
    if wide:
        return wide.pop()
    return None if None in sizes else 1


def merge_sizes(a: Size, b: Size, where: str) -> Size:
    """Return the size that two sizes which must be equal agree on; ``where`` opens the error's sentence."""
    if a is not None and b is not None and a != b:
        raise ShapeError(f"{where}: sizes {a} and {b} differ.")
    return b if a is None else a


def merge_shapes(shapes: Iterable[Shape], where: str) -> Shape:
    """Return the shape that several shapes which must be equal agree on."""
    first, *rest = shapes
    for shape in rest:
        if len(shape) != len(first):
            raise ShapeError(f"{where}: the shapes {first} and {shape} have different ranks.")
        first = tuple(merge_sizes(a, b, where) for a, b in zip(first, shape, strict=True))
    return first


def normalize_axis(axis: int, ndim: int) -> int:
    """Return ``axis`` counted from the front.

    Raises
    ------
    BoundsError
        If it is out of range.
    ArgumentError
        If it is no integer.
    """
    if not hasattr(axis, "__index__") or isinstance(axis, bool):
        raise ArgumentError(f"An axis must be an integer, not {axis!r}.")
    index = axis.__index__()
    if not -ndim <= index < ndim:
        raise BoundsError(f"Axis {index} is out of range for {ndim} dimensions; use {-ndim} to {ndim - 1}.")
    return index % ndim


def normalize_axes(axis: int | Iterable[int] | None, ndim: int) -> tuple[int, ...]:
    """Return several axes counted from the front, in the order given; None means all."""
    if axis is None:
        return tuple(range(ndim))
    axes = tuple(axis) if isinstance(axis, Iterable) else (axis,)
    result = tuple(normalize_axis(a, ndim) for a in axes)
    if len(set(result)) != len(result):
        raise ArgumentError(f"The axes {axes} name a dimension twice.")
    return result


def compatible(expected: Shape, actual: Shape) -> bool:
    """Say whether a value of shape ``actual`` may stand where ``expected`` was inferred."""
    return len(expected) == len(actual) and all(
        e is None or a is None or e == a for e, a in zip(expected, actual, strict=True)
    )
