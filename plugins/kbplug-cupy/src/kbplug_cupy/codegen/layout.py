"""How elements are numbered and where each operand has them: dimensions merged, strides by class, vectors. No C++."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

Strides = tuple[int, ...]
"""Elements, not bytes, from one index to the next; 0 where an operand is broadcast."""

VECTOR = 16
"""Bytes that a thread reads or writes at once."""


class MisfitError(Exception):
    """Shapes do not fit the kernel that was asked for; CuPy runs the region op by op."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an operand's elements lie.

    Parameters
    ----------
    shape
        Its sizes.
    strides
        In elements.
    alignment
        The largest power of two, at most ``VECTOR``, that divides its address.
    size
        Bytes of an element.
    """

    shape: tuple[int, ...]
    strides: Strides
    alignment: int
    size: int


@dataclass(frozen=True, slots=True)
class Layout:
    """A space of elements and how operands lie in it.

    Parameters
    ----------
    sizes
        Of the merged dimensions.
    strides
        For each operand, of the merged dimensions.
    width
        How many elements a thread takes at once.
    wide
        Whether a position may need more than 31 bits.
    """

    sizes: tuple[int, ...]
    strides: tuple[Strides, ...]
    width: int
    wide: bool

    @property
    def classes(self) -> tuple[str, ...]:
        """For each operand ``one`` (a scalar), ``flat`` (in the order of the elements) or ``strided``."""
        return tuple(_class(s, self.sizes) for s in self.strides)


def contiguous(sizes: Sequence[int]) -> Strides:
    """Return the strides of a C-contiguous array."""
    return tuple(prod(sizes[i + 1 :]) for i in range(len(sizes)))


def _class(strides: Strides, sizes: tuple[int, ...]) -> str:
    if not any(strides):
        return "one"
    return "flat" if strides == contiguous(sizes) else "strided"


def spread(shape: Sequence[int], place: Place) -> Strides:
    """Return an operand's strides over a shape that it broadcasts to."""
    missing = len(shape) - len(place.shape)
    if missing < 0:
        raise MisfitError(f"An operand of shape {place.shape} has more dimensions than the result, {tuple(shape)}.")
    found = [0] * missing
    for size, own, stride in zip(shape[missing:], place.shape, place.strides, strict=True):
        if own not in (1, size):
            raise MisfitError(f"An operand of shape {place.shape} does not broadcast to {tuple(shape)}.")
        found.append(0 if own == 1 else stride)
    return tuple(found)


def merged(sizes: Sequence[int], strides: Sequence[Strides]) -> tuple[tuple[int, ...], tuple[Strides, ...]]:
    """Return sizes and strides without dimensions of size 1, neighbours merged where all operands allow it."""
    kept: list[int] = []
    columns: list[tuple[int, ...]] = []
    for i, size in enumerate(sizes):
        column = tuple(s[i] for s in strides)
        if size == 1:
            continue
        if kept and all(a == b * size for a, b in zip(columns[-1], column, strict=True)):
            kept[-1] *= size
            columns[-1] = column
        else:
            kept.append(size)
            columns.append(column)
    if not kept:
        return (1,), tuple((0,) for _ in strides)
    return tuple(kept), tuple(zip(*columns, strict=True))


def width_of(sizes: Sequence[int], strides: Sequence[Strides], places: Sequence[Place], *, tail: bool) -> int:
    """Return how many neighbours along the last dimension every operand can move at once.

    Parameters
    ----------
    sizes, strides
        Of the merged dimensions.
    places
        For the operands' addresses and sizes of elements.
    tail
        Whether elements left over may be taken one by one, as in one dimension.
    """
    width = VECTOR // max((p.size for p in places), default=VECTOR)
    while width > 1 and not _moves(width, sizes, strides, places, tail):
        width //= 2
    return max(width, 1)


def _moves(width: int, sizes: Sequence[int], strides: Sequence[Strides], places: Sequence[Place], tail: bool) -> bool:
    if sizes[-1] % width and not (tail and len(sizes) == 1 and sizes[-1] >= width):
        return False
    for own, place in zip(strides, places, strict=True):
        if own[-1] not in (0, 1):
            return False
        if own[-1] == 1 and (place.alignment % (width * place.size) or any(s % width for s in own[:-1])):
            return False
    return True


def is_wide(sizes: Sequence[int], strides: Sequence[Strides]) -> bool:
    """Say whether a position, or an index one grid beyond the last, may need more than 31 bits."""
    reach = (sum(abs(s) * (n - 1) for s, n in zip(own, sizes, strict=True)) for own in strides)
    return max(prod(sizes), *reach, 0) >= 2**30


def lay_out(shape: Sequence[int], places: Sequence[Place]) -> Layout:
    """Return how an elementwise kernel over ``shape`` finds its operands, results included.

    Raises
    ------
    MisfitError
        If an operand does not broadcast to ``shape``.
    """
    sizes, strides = merged(shape, [spread(shape, p) for p in places])
    return Layout(sizes, strides, width_of(sizes, strides, places, tail=True), is_wide(sizes, strides))
