"""What of a graph may be run once for each part of a batch, and the graph cut into such stages.

The contract, which engines that run shards stand on, be they threads, devices or processes:

* The caller names the inputs that carry the batch and vouches, before every run, that their sizes along it are equal
  and at least 2. ``shard`` returns a graph of the same inputs and outputs in which ``sharded`` nodes hold all that the
  batch can be cut for; what stands outside them is run once.
* A ``sharded`` node may be run with its batch cut anywhere between two samples, into any number of parts of at least
  one sample each. Operands with a ``Cut`` are sliced, all others passed whole; results with a ``Cut`` are laid side by
  side, all others combined by the op that ``ends`` names. The parts may run in any order, or at the same time.
* The result is that of the uncut graph but for the order in which floating-point sums and products are taken.
* Nothing inside a ``sharded`` node draws random numbers, prints, or reads a cell.
* An op without roles in ``kbplug.passes.axes`` is a barrier: it stands outside and sees whole values.

The number of samples is a value of the whole graph: it is computed outside and handed in, so that a mean over the batch
divides by the size of the batch, not of a part. Only where it shapes an array does the size of the part stand for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from kbplug.graph.graph import Graph
from kbplug.graph.node import CONSTANT, Node, item, make, parameter, remake
from kbplug.graph.op import lookup
from kbplug.graph.tensor import Tensor, built_at
from kbplug.ops.sharding import Cut, End
from kbplug.ops.sizes import dim
from kbplug.passes.placement import Placed, Share, entry
from kbplug.passes.work import bytes_of, handing_over
from kbplug.passes.work import work as work_of


@dataclass(frozen=True)
class Sharding:
    """A graph cut into stages.

    Attributes
    ----------
    graph
        The graph, its stages ``sharded`` nodes.
    batch
        Positions of the inputs that carry the batch, each with its axis there.
    stages, nodes
        How many stages there are, and how many nodes in them.
    shares
        How many elements the parts' shares have that must be put together; those of unknown sizes count as 1.
    work
        Nanoseconds for a sample that only cutting the batch spreads over threads; see ``kbplug.passes.work``.
    bytes
        What the largest value inside a stage has for a sample, in stages that more parts cost next to nothing; 0 if
        there is none.
    """

    graph: Graph
    batch: Mapping[int, int]
    stages: int
    nodes: int
    shares: int
    work: float
    bytes: float


FEW_SHARES = 1 << 16
"""Elements of a part's shares that are put together in less time than it takes to compute a part."""


def shard(graph: Graph, batch: Mapping[int, int]) -> Sharding | None:
    """Return ``graph`` cut into stages for the inputs at the positions ``batch``; None if there is none.

    Parameters
    ----------
    batch
        Positions of the inputs that carry the batch, each with the axis it lies along.
    """
    placed = Placed(graph, {graph.inputs[i]: axis for i, axis in batch.items()})
    found = _Stages(placed)
    stages = found.stages
    if not stages:
        return None
    return Sharding(
        found.graph,
        dict(batch),
        stages=len(stages),
        nodes=sum(len(s.members) for s in stages),
        shares=sum(s.shares for s in stages),
        work=sum(s.work for s in stages),
        bytes=max(s.bytes for s in stages),
    )


class _Stages:
    """Builds the graph, phase by phase: the parts of a phase as one node, then its whole values."""

    def __init__(self, placed: Placed) -> None:
        self.placed = placed
        self.stages: list[_Stage] = []
        self.new: dict[Node, Node] = {n: n for n in placed.graph.inputs}
        phases: dict[int, list[Node]] = {}
        for node in placed.graph.body:
            phases.setdefault(placed.phase[node], []).append(node)
        for phase in sorted(phases):
            parts = [n for n in phases[phase] if placed.at[n] is not None]
            if parts:
                self._run(_Stage(placed, parts))
            for node in phases[phase]:
                if placed.at[node] is None:
                    with built_at(node.where):
                        self.new[node] = remake(node, tuple([self.new[i] for i in node.inputs]))
        self.graph = Graph(placed.graph.inputs, [self.new[n] for n in placed.graph.outputs])

    def _run(self, stage: _Stage) -> None:
        op, arrays = lookup("sharded"), tuple([self.new[n] for n, _ in stage.operands])
        params = {
            "body": stage.body,
            "axes": tuple(cut for _, cut in stage.operands),
            "ends": tuple(map(self._end, stage.results)),
            "work": stage.work / stage.elements,
            "bytes": stage.bytes / stage.elements,
        }
        node = make(op, arrays, params, op.infer(*[a.result for a in arrays], **params), stage.results[-1].where)
        self.new |= {n: item(node, i) for i, n in enumerate(stage.results)}
        self.stages.append(stage)

    def _end(self, node: Node) -> End:
        placement = self.placed.at[node]
        if isinstance(placement, Share):
            return placement.combine
        assert placement is not None
        return placement


Operand = tuple[Node, Cut | None]
"""A node outside a stage, and how it is cut for the parts."""


class _Stage:
    """The nodes of one phase that run in parts, as a graph over what they take from outside."""

    def __init__(self, placed: Placed, members: list[Node]) -> None:
        self.placed, self.members = placed, set(members)
        self.results = [n for n in members if self._leaves(n)]
        shared = [n for n in self.results if isinstance(placed.at[n], Share)]
        self.shares = sum(prod(n or 1 for n in r.result.shape) for r in shared)
        handed = sum(handing_over(n, placed.at) for n in self.results if n not in shared)
        self.work = sum(work_of(n, placed.at) for n in members) - handed
        worth = self.work > 0 and self.shares <= FEW_SHARES
        self.bytes = max(bytes_of(n, placed.at) for n in members) if worth else 0
        self._formal: dict[Operand, Node] = {}
        self._local: dict[Node, Node] = {}
        for node in members:
            with built_at(node.where):
                self._local[node] = self._localised(node)
        self.operands = tuple(self._formal)
        self.body = Graph(self._formal.values(), [self._local[n] for n in self.results])
        first, cut = next(o for o in self.operands if o[1] is not None)
        sizes = (cut.each if i == cut.axis else n for i, n in enumerate(first.result.shape))  # type: ignore[union-attr]
        self.elements = prod(n or 1 for n in sizes)

    def _leaves(self, node: Node) -> bool:
        """Say whether a result is needed outside the stage."""
        return node in self.placed.ends or any(u not in self.members for u in self.placed.graph.uses[node])

    def _operand(self, node: Node, position: int) -> Node:
        operand = node.inputs[position]
        cut = self.placed.cuts.get((node, position))
        if cut is None:
            if operand in self.members:
                return self._local[operand]
            if operand.op is CONSTANT:
                return operand
            placement = self.placed.at[operand]
            cut = placement if isinstance(placement, Cut) else None
        return self._given((operand, cut))

    def _given(self, operand: Operand) -> Node:
        if operand not in self._formal:
            spec, cut = operand[0].result, operand[1]
            if cut is not None:
                spec = spec.like(shape=(*spec.shape[: cut.axis], None, *spec.shape[cut.axis + 1 :]))
            self._formal[operand] = parameter(len(self._formal), spec)
        return self._formal[operand]

    def _localised(self, node: Node) -> Node:
        """Return a member over operands of a part; a size that counts samples becomes that of the part."""
        cut = self.placed.at[node]
        if node.op.name in ("reshape", "broadcast_to") and isinstance(cut, Cut) and entry(node, cut.axis) != -1:
            return self._resized(node, cut)
        return remake(node, tuple([self._operand(node, i) for i in range(len(node.inputs))]))

    def _resized(self, node: Node, cut: Cut) -> Node:
        shape = node.params["shape"]
        first = len(node.inputs) - shape.count(None)
        places = dict(zip((i for i, n in enumerate(shape) if n is None), range(first, len(node.inputs)), strict=True))
        sizes = {axis: Tensor(self._operand(node, i)) for axis, i in places.items() if axis != cut.axis}
        sizes[cut.axis] = self._part_size(cut.each)
        static = tuple(None if i in sizes else n for i, n in enumerate(shape))
        x = Tensor(self._operand(node, 0))
        return node.op(x, *(sizes[i] for i in sorted(sizes)), shape=static).node

    def _part_size(self, each: int) -> Tensor:
        """Return ``each`` times the number of samples of a part."""
        first = self.placed.first
        axis = self.placed.at[first].axis  # type: ignore[union-attr]
        size = dim(Tensor(self._given((first, Cut(axis)))), axis=axis)
        return size if each == 1 else size * each


__all__ = ["Sharding", "shard"]
