"""Passes inside passes: the graphs that control flow carries as parameters are rewritten like the outer one."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kbplug.graph.graph import Graph
from kbplug.graph.node import Node, make


def within(node: Node, rewrite: Callable[[Graph], Graph]) -> Node:
    """Return ``node`` with ``rewrite`` applied to each graph among its parameters."""
    if not node.params or not any([isinstance(v, Graph) for v in node.params.values()]):
        return node
    params = {k: rewrite(v) if isinstance(v, Graph) else v for k, v in node.params.items()}
    return make(node.op, node.inputs, params, node.spec, node.where)


def contains(graph: Graph, name: str) -> bool:
    """Say whether ``graph``, or one among its parameters, holds an op called ``name``; its inputs count too."""
    for node in graph.nodes:
        if node.op.name == name:
            return True
        if any(isinstance(v, Graph) and contains(v, name) for v in node.params.values()):
            return True
    return False


def traits(nodes: Iterable[Node]) -> frozenset[str]:
    """Return the traits of the ops of ``nodes`` and of all in the graphs among their parameters."""
    found: set[str] = set()
    for node in nodes:
        found |= node.op.traits
        for value in node.params.values():
            if isinstance(value, Graph):
                found |= traits(value.nodes)
    return frozenset(found)
