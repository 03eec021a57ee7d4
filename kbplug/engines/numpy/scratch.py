"""Where the values of a region lie while it runs block by block: in its results, or in memory that a thread keeps.

What is written into a given buffer needs no memory of its own, and a value that is needed no more leaves its buffer to
the next. Before a result comes its memory is a buffer too, as it is written anyway. ``plan`` knows the region's graph
and no sizes; ``carve`` knows sizes and no graph.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, prod
from typing import Any

import numpy as np

from kbplug.graph.graph import Graph
from kbplug.graph.node import Node, parameter
from kbplug.ops.extents import extents
from kbplug.passes.regions import REDUCTIONS
from kbplug.passes.release import last_uses

Array = np.ndarray[Any, Any]
Says = Callable[[Node], bool]


@dataclass(frozen=True)
class Plan:
    """A region whose values are written into buffers.

    Attributes
    ----------
    graph
        The region; after its operands it is given an array for each result, then the other buffers.
    into
        For a node, the input of ``graph`` that it is written into.
    likes
        For each other buffer, a node of its shape and dtype.
    """

    graph: Graph
    into: Mapping[Node, Node]
    likes: Sequence[Node]


def plan(region: Graph, writes: Says, over: Says) -> Plan:
    """Return a region over its operands and buffers.

    Parameters
    ----------
    writes
        Says whether a node can be told where to write.
    over
        Says whether it may then write over what it reads.
    """
    return _Planner(region, writes, over).plan()


COPIES = REDUCTIONS | {"row_product", "take_along_axis"}
"""Ops whose result shows no part of what they read, beside those that are told where to write."""


class _Planner:
    def __init__(self, region: Graph, writes: Says, over: Says) -> None:
        self.region, self.writes, self.over = region, writes, over
        self.into: dict[Node, Node] = {}
        self.likes: list[Node] = []
        self._free: dict[Any, list[Node]] = {}
        self._until: dict[Node, float] = {}  # when the result comes that a buffer is kept for
        self._last: dict[Node, float] = {}  # when a value is needed no more

    def plan(self) -> Plan:
        """Give each value its place, in the order in which they are computed."""
        region = self.region
        targets = [self._input(i, n) for i, n in enumerate(region.outputs)]
        place = dict(zip(region.outputs, targets, strict=True))
        deaths = self._live()
        buffers: list[Node] = []
        for at, node in enumerate(region.body):
            if node in place and self.writes(node):
                self._until[place[node]] = at if self.over(node) else at - 1
                self._free.setdefault(_kind(node), []).append(place[node])
        for node in region.body:
            writes, over = self.writes(node), self.over(node)
            done = [d for d in deaths.get(node, ()) if d in self.into and d not in place and d in self._last]
            if over:
                self._let_go(done)
            if writes and node in place:
                self.into[node] = place[node]
                self._free[_kind(node)].remove(place[node])
            elif writes and node.result.ndim and node.result.shape[-1] != 1:
                self.into[node] = self._buffer(node, len(targets), buffers)
            if not over:
                self._let_go(done)
        return Plan(Graph([*region.inputs, *targets, *buffers], region.outputs), self.into, self.likes)

    def _live(self) -> Mapping[Node, tuple[Node, ...]]:
        """Return which values each node is the last to need, and keep when that is unless others show parts of them."""
        deaths = last_uses(self.region)
        shown = {i for n in self.region.body if not (self.writes(n) or n.op.name in COPIES) for i in n.inputs}
        self._last = {d: at for at, n in enumerate(self.region.body) for d in deaths.get(n, ()) if d not in shown}
        return deaths

    def _input(self, position: int, like: Node) -> Node:
        return parameter(len(self.region.inputs) + position, like.result)

    def _let_go(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            self._free.setdefault(_kind(node), []).append(self.into[node])

    def _buffer(self, node: Node, before: int, buffers: list[Node]) -> Node:
        free = self._free.get(_kind(node), [])
        for buffer in reversed(free):
            if self._last.get(node, inf) <= self._until.get(buffer, inf):
                free.remove(buffer)
                return buffer
        buffers.append(self._input(before + len(buffers), node))
        self.likes.append(node)
        return buffers[-1]


def _kind(node: Node) -> tuple[Any, str]:
    """Return what two values of one shape and dtype have in common."""
    return extents(node), node.result.dtype


class Reach:
    """The shape that each value of a region has for operands of given shapes."""

    def __init__(self, region: Graph) -> None:
        self._from: dict[Node, frozenset[tuple[int, bool]]] = {
            n: frozenset({(i, True)}) for i, n in enumerate(region.inputs)
        }
        for node in region.body:
            found = frozenset[tuple[int, bool]]().union(*(self._from[i] for i in node.inputs))
            reduces = node.result.shape[-1:] == (1,)
            self._from[node] = frozenset((i, False) for i, _ in found) if reduces else found

    def shape(self, node: Node, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        """Return the shape of ``node``, if operands broadcast to it.

        Raises
        ------
        ValueError
            If they do not.
        """
        found = np.broadcast_shapes(*(shapes[i] if whole else (*shapes[i][:-1], 1) for i, whole in self._from[node]))
        found = found[max(0, len(found) - node.result.ndim) :]  # a sum of rows
        last = node.result.shape[-1] if found else None
        return found if last is None else (*found[:-1], last)


ALIGNED = 64
"""Buffers begin at multiples of so many bytes, a line of the cache."""


KEPT = 1 << 25
"""More bytes than these are given back after use."""


class _Here(threading.local):
    memory: Array = np.empty(0, np.uint8)


_here = _Here()


def carve(wanted: Sequence[tuple[tuple[int, ...], str]]) -> Iterator[Array]:
    """Yield arrays of shapes and dtypes, uninitialised, in memory of this thread that the next call gives again."""
    sizes = [prod(shape) * np.dtype(dtype).itemsize for shape, dtype in wanted]
    room = [-(-n // ALIGNED) * ALIGNED + ALIGNED for n in sizes]  # apart, lest they fall on the same sets of a cache
    memory = _here.memory
    if memory.size < sum(room) + ALIGNED:
        memory = np.empty(sum(room) + ALIGNED, np.uint8)
        if memory.size <= KEPT:
            _here.memory = memory
    at = -memory.ctypes.data % ALIGNED
    for (shape, dtype), size, taken in zip(wanted, sizes, room, strict=True):
        yield memory[at : at + size].view(dtype).reshape(shape)
        at += taken


__all__ = ["Plan", "Reach", "carve", "plan"]
