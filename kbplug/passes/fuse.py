"""Elementwise chains, and row reductions inside them, become one ``fused`` node that the engine runs its own way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kbplug.graph.graph import Graph, topological
from kbplug.graph.node import Node, literal, parameter, remake, scalar_of
from kbplug.graph.op import lookup
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor, built_at
from kbplug.passes.nested import within

Kernel = Callable[..., Any]
"""What an engine runs a region with: arrays in, the region's result out."""

SMALLEST = 2
"""A region of fewer computing nodes is left alone."""

REDUCTIONS = frozenset({"sum", "max", "min", "mean", "prod"})


def fuse(graph: Graph, compile_region: Callable[[Graph], Kernel | None]) -> tuple[Graph, Mapping[Graph, Kernel]]:
    """Return ``graph`` with regions fused, and the engine's callable for each region.

    A region grows from a node upwards through operands that nothing else uses. ``compile_region`` may
    decline one, which then stays as it was.
    """
    fuser = _Fuser(compile_region)
    return fuser.rewrite(graph), fuser.kernels


class _Fuser:
    """Rewrites a graph and those inside it, and keeps what the engine makes of each region."""

    def __init__(self, compile_region: Callable[[Graph], Kernel | None]) -> None:
        self.compile_region = compile_region
        self.kernels: dict[Graph, Kernel] = {}

    def rewrite(self, graph: Graph) -> Graph:
        owner = _regions(graph)
        inside = {m for root, members in owner.items() for m in members if m is not root}
        new: dict[Node, Node] = {n: n for n in graph.inputs}
        with built_at("") as site:
            for node in graph.body:
                if node in inside:
                    continue
                site.where = node.where
                fused = self._region(node, owner[node], new) if node in owner else None
                if fused is None:
                    for member in _ordered(node, owner.get(node, {node})):
                        site.where = member.where
                        new[member] = self._plain(member, new)
                else:
                    new[node] = fused
        return Graph(graph.inputs, [new[n] for n in graph.outputs])

    def _plain(self, node: Node, new: Mapping[Node, Node]) -> Node:
        return within(remake(node, tuple([new[i] for i in node.inputs])), self.rewrite)

    def _region(self, root: Node, members: set[Node], new: Mapping[Node, Node]) -> Node | None:
        outer, region = _cut(root, members)
        if region not in self.kernels:
            kernel = self.compile_region(region)
            if kernel is None:
                return None
            self.kernels[region] = kernel
        return lookup("fused")(*(Tensor(new[o]) for o in outer), body=region).node


def _regions(graph: Graph) -> Mapping[Node, set[Node]]:
    """Return the root of each region with its members."""
    roots: dict[Node, Node] = {}
    members: dict[Node, set[Node]] = {}
    kept = set(graph.outputs)
    for node in reversed(graph.body):
        if not _fusible(node):
            continue
        users = {roots.get(u) for u in graph.uses[node]}
        inside = len(users) == 1 and None not in users and node not in kept and _may_join(node, graph)
        root = users.pop() if inside else node
        roots[node] = root  # type: ignore[assignment]
        members.setdefault(root, set()).add(node)  # type: ignore[arg-type]
    return {r: m for r, m in members.items() if len(m) >= SMALLEST}


def _fusible(node: Node) -> bool:
    return isinstance(node.spec, Spec) and ("elementwise" in node.op.traits or _is_row_reduction(node))


def _is_row_reduction(node: Node) -> bool:
    if node.op.name not in REDUCTIONS:
        return False
    last = node.inputs[0].result.ndim - 1
    return node.params["axis"] in (-1, last, (-1,), (last,)) and bool(node.params["keepdims"])


def _may_join(node: Node, graph: Graph) -> bool:
    """Say whether ``node`` may be computed inside its users' region: none of them has fewer dimensions."""
    return all(u.result.ndim >= node.result.ndim for u in graph.uses[node])


def _cut(root: Node, members: set[Node]) -> tuple[list[Node], Graph]:
    """Return the operands of a region, and the region as a closed graph over them."""
    ordered = _ordered(root, members)
    new: dict[Node, Node] = {}
    taken: list[Node] = []
    for o in dict.fromkeys([i for m in ordered for i in m.inputs if i not in members]):
        scalar = scalar_of(o)
        if scalar is None:
            new[o] = parameter(len(taken), o.result)
            taken.append(o)
        else:
            new[o] = literal(scalar, o.result.dtype)
    for m in ordered:
        new[m] = remake(m, tuple([new[i] for i in m.inputs]))
    return taken, Graph([new[o] for o in taken], [new[root]])


def _ordered(root: Node, members: set[Node]) -> list[Node]:
    outside = {i for m in members for i in m.inputs if i not in members}
    return [n for n in topological([root], outside) if n in members]
