"""Elementwise code, and row reductions inside it, become ``fused`` nodes that the engine runs its own way."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
from typing import Any

from kbplug.graph.graph import Graph
from kbplug.graph.node import Node, infer, item, literal, make, parameter, remake, scalar_of
from kbplug.graph.op import lookup
from kbplug.graph.tensor import Tensor, built_at
from kbplug.ops.namespace import namespace as xp
from kbplug.passes.nested import within
from kbplug.passes.regions import SPREADS, is_row_reduction, is_sum_of_rows, regions, squeezes

Kernel = Callable[..., Any]
"""What an engine runs a region with: arrays in, the region's result out, or a tuple of its results."""

SMALLEST = 2
"""A region of fewer computing nodes is left alone."""

Allowed = Callable[[Sequence[Node]], bool]
"""Whether some nodes may become a region."""


def fuse(
    graph: Graph, compile_region: Callable[[Graph], Kernel | None], row_ops: Container[str] = ()
) -> tuple[Graph, Mapping[Graph, Kernel]]:
    """Return ``graph`` with regions fused, and the engine's callable for each region.

    What is used outside a region is a result of it. ``compile_region`` may decline one, which then stays as it was.
    Regions hold the ops called ``row_ops`` too, where these work row by row. Inside a ``sharded`` node whose parts fit
    a cache elementwise nodes alone make no region: all is near already, and each may write over what it reads.
    """
    fuser = _Fuser(compile_region, row_ops)
    return fuser.rewrite(graph), fuser.kernels


class _Fuser:
    """Rewrites a graph and those inside it, and keeps what the engine makes of each region."""

    def __init__(self, compile_region: Callable[[Graph], Kernel | None], row_ops: Container[str]) -> None:
        self.compile_region, self.row_ops = compile_region, row_ops
        self.kernels: dict[Graph, Kernel] = {}

    def rewrite(self, graph: Graph, allowed: Allowed = lambda nodes: True) -> Graph:
        level, members = regions(graph, self.row_ops)
        new: dict[Node, Node] = {n: n for n in graph.inputs}
        done: set[Node] = set()
        with built_at("") as site:
            for node in sorted(graph.body, key=level.__getitem__):  # a region after all that it takes
                if node in done:
                    continue
                together = members.get(node, [node])
                done.update(together)
                site.where = together[-1].where
                fusible = len(together) >= SMALLEST and allowed(together)
                if not fusible or not self._fused(together, graph, new):
                    for member in together:
                        site.where = member.where
                        new[member] = self._plain(member, new)
        return Graph(graph.inputs, [new[n] for n in graph.outputs])

    def _plain(self, node: Node, new: Mapping[Node, Node]) -> Node:
        near = node.op.name == "sharded" and node.params["bytes"] > 0
        rewrite = partial(self.rewrite, allowed=_reduces_rows) if near else self.rewrite
        return within(remake(node, tuple([new[i] for i in node.inputs])), rewrite)

    def _fused(self, members: Sequence[Node], graph: Graph, new: dict[Node, Node]) -> bool:
        """Add what stands for the results of a region to ``new``, unless the engine declines it."""
        inside, ends = set(members), set(graph.outputs)
        results = [m for m in members if m in ends or any(u not in inside for u in graph.uses[m])]
        outer, region = _cut(members, results)
        if region not in self.kernels:
            kernel = self.compile_region(region)
            if kernel is None:
                return False
            self.kernels[region] = kernel
        whole = lookup("fused")
        arrays = tuple([new[o] for o in outer])
        node = make(whole, arrays, {"body": region}, infer(whole, arrays, {"body": region}), results[-1].where)
        for i, result in enumerate(results):
            found = node if len(results) == 1 else item(node, i)
            dropped = squeezes(result) and is_row_reduction(result)
            new[result] = xp.squeeze(Tensor(found), axis=-1).node if dropped else found
        return True


def _reduces_rows(nodes: Sequence[Node]) -> bool:
    return any("elementwise" not in n.op.traits for n in nodes)


def _cut(members: Sequence[Node], results: Sequence[Node]) -> tuple[list[Node], Graph]:
    """Return the operands of a region, and the region as a closed graph over them."""
    new: dict[Node, Node] = {}
    taken: list[Node] = []
    inside = set(members)
    for o in dict.fromkeys([i for m in members for i in m.inputs if i not in inside]):
        scalar = scalar_of(o)
        if scalar is None:
            new[o] = parameter(len(taken), o.result)
            taken.append(o)
        else:
            new[o] = literal(scalar, o.result.dtype)
    for m in members:
        new[m] = _localised(m, tuple([new[i] for i in m.inputs]))
    return taken, Graph([new[o] for o in taken], [new[r] for r in results])


def _localised(node: Node, inputs: tuple[Node, ...]) -> Node:
    """Return a member over the operands of its region; a reduction keeps its axis there, and is a plain one."""
    if is_sum_of_rows(node) or "axis" not in node.params:
        return remake(node, inputs)
    if not is_row_reduction(node):
        params = {**node.params, "axis": -1}
        return make(node.op, inputs, params, infer(node.op, inputs, params), node.where)
    params = {**node.params, "axis": -1, "keepdims": True}
    if node.op.name in SPREADS:
        return _spread(Tensor(inputs[0]), node.op.name, params["correction"])
    return make(node.op, inputs, params, infer(node.op, inputs, params), node.where)


def _spread(x: Tensor, name: str, correction: float) -> Node:
    """Return the variance of each row, or the root of it, by its means."""
    centred = x - xp.mean(x, axis=-1, keepdims=True)
    squares = centred * centred
    if correction == 0:
        variance = xp.mean(squares, axis=-1, keepdims=True)
    else:
        variance = xp.sum(squares, axis=-1, keepdims=True) / (x.shape[-1] - correction)  # type: ignore[operator]
    return (xp.sqrt(variance) if name == "std" else variance).node
