"""The step of a loop as a few launches: what CuPy computes, and between that one kernel for each shape of results.

A step is a graph whose sizes are known. Kernels read slices, moved axes and broadcasts where they lie, and write each
result to where it belongs, several of one shape together. What lies between two kernels and is read by neither
CuPy nor the next step is computed anew rather than stored. No C++ and no device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

from kbplug.graph.graph import Graph
from kbplug.graph.node import CONSTANT as LITERAL
from kbplug.graph.node import Node, parameter, remake, scalar_of
from kbplug.graph.spec import Spec
from kbplug_cupy.codegen import program as programs
from kbplug_cupy.codegen.launch import Launch, launch
from kbplug_cupy.codegen.layout import VECTOR, MisfitError, Place, contiguous
from kbplug_cupy.codegen.program import INPUT, Program, Reader, UnsupportedError, Value, below
from kbplug_cupy.codegen.types import CTYPES
from kbplug_cupy.codegen.views import CutError, Shape, View, broadcast, moved, moves, picked, picks, shape_of, whole

MOST = 96
"""Arrays of one kernel; beyond them its parameters might not fit."""


@dataclass(frozen=True, slots=True)
class Buffer:
    """Memory that a step knows: ``taken`` by the step, ``next`` of a carry, ``kept`` of a result, or a ``slot``."""

    role: str
    index: int


@dataclass(frozen=True, slots=True)
class Spot:
    """Where elements lie in a buffer.

    Parameters
    ----------
    buffer
        Which one.
    place
        Shape, strides, the alignment in every step, and bytes of an element.
    offset
        Elements before the first.
    """

    buffer: Buffer
    place: Place
    offset: int = 0

    def read(self, view: View, target: Shape) -> Spot:
        """Return where a target finds the elements that it reads through ``view``."""
        own, strides, offset = self.place, [0] * len(target), self.offset
        for axis, stride in zip(view, own.strides, strict=True):
            offset += axis.start * stride
            if axis.along is not None:
                strides[axis.along] += axis.step * stride
        moved_by = (offset - self.offset) * own.size
        alignment = min(own.alignment, moved_by & -moved_by) if moved_by else own.alignment
        return Spot(self.buffer, Place(target, tuple(strides), alignment, own.size), offset)


@dataclass(frozen=True, slots=True)
class Kernelled:
    """A generated kernel with its operands and then its results."""

    launch: Launch
    spots: tuple[Spot, ...]


@dataclass(frozen=True, slots=True)
class Called:
    """One node that CuPy computes, as a graph over its operands."""

    graph: Graph
    operands: tuple[Spot, ...]
    result: Spot

    @property
    def node(self) -> Node:
        """What is computed."""
        return self.graph.outputs[0]


@dataclass(frozen=True, slots=True)
class Step:
    """What to do in each turn of a loop, in order.

    Parameters
    ----------
    actions
        Kernels and calls.
    slots
        Specs of the buffers that a step needs for itself.
    sources
        For each result that is kept: the ``taken`` or ``next`` buffer of a carry that it is, or its ``kept`` one.
    constant
        Those of ``actions`` that give the same in each turn, to be done once.
    """

    actions: tuple[Kernelled | Called, ...]
    slots: tuple[Spec, ...]
    sources: tuple[Buffer, ...]
    constant: tuple[Called, ...]


def fresh(shape: Shape, dtype: str) -> Place:
    """Return where the rows of a contiguous stack of arrays lie; its allocator aligns the first."""
    size = CTYPES[dtype].size
    step = prod(shape) * size
    return Place(shape, contiguous(shape), min(VECTOR, step & -step) if step else VECTOR, size)


def plan(graph: Graph, carries: int, taken: Sequence[Place], processors: int = 64) -> Step:
    """Return the step of a loop.

    Parameters
    ----------
    graph
        Carries, elements and captured values in; new carries and what is kept out.
    carries
        How many there are.
    taken
        Where its operands lie, in every step.
    processors
        How many multiprocessors the device has.

    Raises
    ------
    UnsupportedError
        If it holds what cannot be planned: sizes that hang on values, or ops with several results.
    MisfitError
        If it needs too large a kernel.
    """
    return _Planner(graph, carries, taken, processors).step()


class _Planner:
    """Decides what lies in memory, then writes the kernels of each stage."""

    def __init__(self, graph: Graph, carries: int, taken: Sequence[Place], processors: int) -> None:
        self.graph, self.carries, self.taken, self.processors = graph, carries, taken, processors
        for node in graph.nodes:
            if not isinstance(node.spec, Spec) or None in node.spec.shape:
                raise UnsupportedError(f"{node.op.name} has several results, or a size that hangs on values.")
        self.slots: list[Spec] = []
        self.spots = {n: Spot(Buffer("taken", i), p) for i, (n, p) in enumerate(zip(graph.inputs, taken, strict=True))}
        self.goals: dict[Node, list[Spot]] = {}
        self.called = [n for n in graph.body if not _computed(n) and scalar_of(n) is None]
        self.given = {*graph.inputs, *self.called}
        self.stages = self._stages()

    def _stages(self) -> dict[Node, int]:
        """Return after how many calls, one hanging on the other, each node can be computed."""
        found: dict[Node, int] = {}
        calls = {n for n in self.called if n.op is not LITERAL}
        for node in self.graph.nodes:
            before = 0 if node in self.spots else max((found[i] for i in node.inputs), default=0)
            found[node] = before + (node in calls)
        return found

    def step(self) -> Step:
        """Return the whole plan."""
        sources = tuple(self._sources())
        for node in self.called:
            goals = self.goals.get(node)
            self.spots[node] = goals.pop(0) if goals else self._slot(node)
        calls = {n: self._call(n) for n in self.called}
        self.goals = {n: goals for n, goals in self.goals.items() if goals}
        self.spots = {**{n: goals[0] for n, goals in self.goals.items()}, **self.spots}
        actions: list[Kernelled | Called] = []
        for stage in range(max(self.stages.values(), default=0) + 1):
            actions += [c for n, c in calls.items() if self.stages[n] == stage and n.op is not LITERAL]
            actions += self._kernels(stage)
        once = tuple(c for n, c in calls.items() if n.op is LITERAL)
        return Step(tuple(actions), tuple(self.slots), sources, once)

    def _sources(self) -> Iterator[Buffer]:
        """Yield where each kept result is to be found, and note what must be written where."""
        before = self.graph.inputs[: self.carries]
        after, kept = self.graph.outputs[: self.carries], self.graph.outputs[self.carries :]
        for k, (old, new) in enumerate(zip(before, after, strict=True)):
            if old.spec != new.spec:
                raise UnsupportedError("A carry changes its shape.")
            self.goals.setdefault(new, []).append(Spot(Buffer("next", k), fresh(shape_of(new), new.result.dtype)))
        for j, node in enumerate(kept):
            if node in before:
                yield Buffer("taken", before.index(node))
            elif node in after:
                yield Buffer("next", after.index(node))
            else:
                buffer = Buffer("kept", j)
                self.goals.setdefault(node, []).append(Spot(buffer, fresh(shape_of(node), node.result.dtype)))
                yield buffer

    def _slot(self, node: Node) -> Spot:
        self.slots.append(node.result)
        return Spot(Buffer("slot", len(self.slots) - 1), fresh(shape_of(node), node.result.dtype))

    def _call(self, node: Node) -> Called:
        """Return a call; what it takes is put into memory first, views of it read where it lies."""
        taken = [i for i in dict.fromkeys(node.inputs) if scalar_of(i) is None]
        new = {i: parameter(k, i.result) for k, i in enumerate(taken)}
        inputs = tuple(new.get(i, i) for i in node.inputs)
        alone = remake(node, inputs) if inputs else node
        operands = tuple(self._operand(i) for i in taken)
        return Called(Graph(list(new.values()), [alone]), operands, self.spots[node])

    def _operand(self, node: Node) -> Spot:
        target = shape_of(node)
        root, view = node, whole(target)
        while moves(root) and root not in self.spots and root not in self.goals:
            root, view = root.inputs[0], moved(root, view)
        if scalar_of(root) is not None:
            root, view = node, whole(target)
        if root not in self.spots and root not in self.goals:
            self.goals[root] = [self._slot(root)]
        return (self.spots.get(root) or self.goals[root][0]).read(view, target)

    def _kernels(self, stage: int) -> Iterator[Kernelled]:
        """Yield the kernels of what can be computed after ``stage`` calls, one for each shape."""
        groups: dict[Shape, _Group] = {}
        for node, goals in self.goals.items():
            if self.stages[node] == stage:
                for start, target in self._tiles(node, stage):
                    groups.setdefault(target, _Group(self, stage, target)).add(node, start, goals)
        for group in groups.values():
            found = group.kernel(self.processors)
            if found is not None:
                yield found

    def _tiles(self, node: Node, stage: int) -> Iterator[tuple[Shape, Shape]]:
        """Yield starts and sizes of the parts of an array of which each reads in one way."""
        todo = [((0,) * len(shape_of(node)), shape_of(node))]
        while todo:
            start, target = todo.pop()
            try:
                _Group(self, stage, target).place(node, whole(target, start))
            except CutError as cut:
                a, first = cut.along, cut.position
                todo.append(
                    (
                        (*start[:a], start[a] + first, *start[a + 1 :]),
                        (*target[:a], target[a] - first, *target[a + 1 :]),
                    )
                )
                todo.append((start, (*target[:a], first, *target[a + 1 :])))
            else:
                yield start, target

    def in_memory(self, node: Node, stage: int) -> Spot | None:
        """Return where a node's elements lie before the kernels of a stage run, if they do."""
        known = node in self.given or self.stages[node] < stage
        return self.spots.get(node) if known else None


def _computed(node: Node) -> bool:
    """Say whether kernels compute a node, or read it elsewhere."""
    return moves(node) or picks(node) or programs.readable(node)


class _Group:
    """One kernel: all results of one shape, computed in one stage."""

    def __init__(self, planner: _Planner, stage: int, target: Shape) -> None:
        self.planner, self.stage, self.target = planner, stage, target
        self.reader = Reader()
        self.places: dict[tuple[Node, View], int] = {}
        self.inputs: dict[Spot, int] = {}
        self.results: list[tuple[int, Spot]] = []

    def add(self, node: Node, start: Shape, goals: Sequence[Spot]) -> None:
        """Have the kernel compute the part of a node that begins at ``start``, and write it to all of its goals."""
        place = self.place(node, whole(self.target, start))
        self.results += [(place, g.read(whole(self.target, start), self.target)) for g in goals]

    def place(self, node: Node, view: View) -> int:
        """Return the place of what a target reads of a node."""
        if (node, view) not in self.places:
            self.places[node, view] = self._place(node, view)
        return self.places[node, view]

    def _place(self, node: Node, view: View) -> int:
        if scalar_of(node) is not None:
            return self.reader.read(node, ())
        spot = self.planner.in_memory(node, self.stage)
        if spot is not None:
            return self._input(spot.read(view, self.target), node.result.dtype)
        if moves(node):
            return self.place(node.inputs[0], moved(node, view))
        if picks(node):
            return self.place(*picked(node, view, self.target))
        shape = shape_of(node)
        return self.reader.read(node, tuple(self.place(i, broadcast(view, shape, shape_of(i))) for i in node.inputs))

    def _input(self, spot: Spot, dtype: str) -> int:
        if spot not in self.inputs:
            self.inputs[spot] = self.reader.add(INPUT, dtype)
        return self.inputs[spot]

    @cached_property
    def _needed(self) -> tuple[list[Spot], Program]:
        """Return the operands that results need, and the program over them."""
        values = self.reader.values
        whole_of = Program(tuple(values), 0, tuple(p for p, _ in self.results))
        used = below(whole_of, whole_of.outputs)
        spots = [s for s, p in self.inputs.items() if p in set(used)]
        first = [self.inputs[s] for s in spots]
        order = [*first, *(p for p in used if values[p].op != INPUT)]
        new = {old: i for i, old in enumerate(order)}
        renamed = (
            Value(v.op, v.dtype, tuple(new[o] for o in v.operands), v.scalar) for v in (values[p] for p in order)
        )
        return spots, Program(tuple(renamed), len(first), tuple(new[p] for p in whole_of.outputs))

    def kernel(self, processors: int) -> Kernelled | None:
        """Return the launch, or None if there is no element to compute."""
        spots, program = self._needed
        spots = [*spots, *(s for _, s in self.results)]
        if len(spots) > MOST:
            raise MisfitError(f"A kernel would take {len(spots)} arrays.")
        found = launch(program, [s.place for s in spots], processors=processors)
        return Kernelled(found, tuple(spots)) if found else None


__all__ = ["Buffer", "Called", "Kernelled", "Spot", "Step", "fresh", "plan"]
