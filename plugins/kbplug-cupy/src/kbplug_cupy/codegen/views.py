"""How positions in one array follow from those in another: slices, moved axes and broadcasting. No C++, no memory.

A kernel goes over the elements of a target. A view says, for each dimension of an array, which of its elements the
kernel reads there; reading through an op that only moves elements is then reading its operand through another view.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

from kbplug.graph.index import complete
from kbplug.graph.node import Node
from kbplug.graph.spec import normalize_axes

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """Where a dimension of an array is read: at ``start + step * i``, ``i`` the position along a target's dimension.

    Parameters
    ----------
    start, step
        In elements along the dimension.
    along
        The target's dimension; None where all of the target reads one place.
    """

    start: int = 0
    step: int = 0
    along: int | None = None

    def at(self, start: int, step: int = 1) -> Axis:
        """Return the axis of an array of which this one reads every ``step``-th element from ``start`` on."""
        return Axis(start + step * self.start, step * self.step, self.along)


View = tuple[Axis, ...]


class CutError(Exception):
    """A target reads from two arrays; cut at ``position`` of its dimension ``along``, its parts read from one."""

    def __init__(self, along: int, position: int) -> None:
        super().__init__(along, position)
        self.along, self.position = along, position


def whole(shape: Shape, start: Sequence[int] | None = None) -> View:
    """Return the view that reads an array of the target's own shape, or a part of a larger one from ``start`` on."""
    return tuple(Axis(s, 1, i) for i, s in enumerate(start or (0,) * len(shape)))


def broadcast(view: View, result: Shape, operand: Shape) -> View:
    """Return the view of an operand that broadcasts to a result read through ``view``."""
    lead = len(result) - len(operand)
    return tuple(
        Axis() if n == 1 and m != 1 else a for a, n, m in zip(view[lead:], operand, result[lead:], strict=True)
    )


MOVES = frozenset(
    "getitem broadcast_to broadcast_like permute_dims matrix_transpose moveaxis expand_dims squeeze flip".split()
)
"""Ops whose elements are those of their first operand."""

PICKS = frozenset({"setitem", "concat", "stack"})
"""Ops each of whose elements is one of one of their operands."""


def moves(node: Node) -> bool:
    """Say whether an op only moves elements of its first operand, to places that hang on no value."""
    return node.op.name in MOVES and (node.op.name != "getitem" or len(node.inputs) == 1)


def picks(node: Node) -> bool:
    """Say whether an op puts elements of its operands side by side, at places that hang on no value."""
    if node.op.name == "setitem":
        return len(node.inputs) == 2 and all(
            not isinstance(e, slice) or e.step in (None, 1) for e in _entries(node, shape_of(node))
        )
    return node.op.name in PICKS and node.params["axis"] is not None


def shape_of(node: Node) -> Shape:
    """Return the sizes of a node, all of which are known."""
    return node.result.shape  # type: ignore[return-value]  # no size is unknown here


def moved(node: Node, view: View) -> View:
    """Return how an op that moves elements, read through ``view``, reads its first operand."""
    taken, given, name, params = shape_of(node.inputs[0]), shape_of(node), node.op.name, node.params
    if name.startswith("broadcast"):
        return broadcast(view, given, taken)
    if name == "getitem":
        return _indexed(view, taken, _entries(node, taken))
    if name == "flip":
        axes = range(len(taken)) if params["axis"] is None else normalize_axes(params["axis"], len(taken))
        return tuple(a.at(n - 1, -1) if i in axes else a for i, (a, n) in enumerate(zip(view, taken, strict=True)))
    if name == "expand_dims":
        new = normalize_axes(params["axis"], len(given))
        return tuple(a for i, a in enumerate(view) if i not in new)
    if name == "squeeze":
        gone, rest = normalize_axes(params["axis"], len(taken)), iter(view)
        return tuple(Axis() if i in gone else next(rest) for i in range(len(taken)))
    return tuple(view[p] for p in _places(node, len(taken)))


def _places(node: Node, ndim: int) -> list[int]:
    """Return where each dimension of the operand stands in a node that moves axes."""
    name, params = node.op.name, node.params
    if name == "permute_dims":
        order = list(normalize_axes(params["axes"], ndim))
    elif name == "matrix_transpose":
        order = [*range(ndim - 2), ndim - 1, ndim - 2]
    else:
        taken, given = normalize_axes(params["source"], ndim), normalize_axes(params["destination"], ndim)
        rest, placed = (i for i in range(ndim) if i not in taken), dict(zip(given, taken, strict=True))
        order = [placed[i] if i in placed else next(rest) for i in range(ndim)]
    return [order.index(i) for i in range(ndim)]


def _entries(node: Node, shape: Shape) -> list[slice | int | None]:
    return complete(node.params["index"], (), len(shape), lambda _: 1)


def _indexed(view: View, shape: Shape, entries: Sequence[slice | int | None]) -> View:
    rest, sizes, found = iter(view), iter(shape), []
    for entry in entries:
        if entry is None:
            next(rest)
        elif isinstance(entry, int):
            found.append(Axis(entry % next(sizes)))
        else:
            start, _, step = entry.indices(next(sizes))
            found.append(next(rest).at(start, step))
    return tuple(found)


def picked(node: Node, view: View, target: Shape) -> tuple[Node, View]:
    """Return the operand that an op of ``PICKS``, read through ``view``, reads, and how.

    Raises
    ------
    CutError
        If it reads several.
    """
    if node.op.name == "setitem":
        return _overwritten(node, view, target)
    ndim = len(shape_of(node))
    (at,) = normalize_axes(node.params["axis"], ndim)
    sizes = [shape_of(i)[at] if node.op.name == "concat" else 1 for i in node.inputs]
    ends = list(accumulate(sizes))
    which = _same(view[at], target, lambda p: next(i for i, end in enumerate(ends) if p < end))
    inside = view[at].at(sizes[which] - ends[which])
    place = (inside,) if node.op.name == "concat" else ()
    return node.inputs[which], (*view[:at], *place, *view[at + 1 :])


def _overwritten(node: Node, view: View, target: Shape) -> tuple[Node, View]:
    base, value = node.inputs
    shape = shape_of(base)
    axes, found, region = iter(zip(view, shape, strict=True)), [], []
    for entry in _entries(node, shape):
        if entry is None:
            found.append(Axis())
            region.append(1)
            continue
        axis, size = next(axes)
        first, stop = (entry % size, entry % size + 1) if isinstance(entry, int) else entry.indices(size)[:2]
        if not _same(axis, target, partial(_within, range(first, stop))):
            return base, view
        if isinstance(entry, slice):
            found.append(axis.at(-first))
            region.append(max(stop - first, 0))
    return value, broadcast(tuple(found), tuple(region), shape_of(value))


def _within(span: range, position: int) -> bool:
    return position in span


def _same(axis: Axis, target: Shape, what: Callable[[int], int]) -> int:
    """Return what ``what`` says of the places that an axis reads, if that is the same for all."""
    first = what(axis.start)
    if axis.along is not None:
        for i in range(1, target[axis.along]):
            if what(axis.start + i * axis.step) != first:
                raise CutError(axis.along, i)
    return first
