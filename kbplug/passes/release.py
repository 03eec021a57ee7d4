"""Where each value is used last, so that emitted code can let it go. An analysis: it changes no graph."""

from __future__ import annotations

from collections.abc import Mapping

from kbplug.graph.graph import Graph
from kbplug.graph.node import CONSTANT, Node


def last_uses(graph: Graph) -> Mapping[Node, tuple[Node, ...]]:
    """Return, for each node that computes, the values that nothing after it needs.

    Inputs count too: the function's own name for them is let go, the caller's is not. Outputs and
    constants are never let go.
    """
    kept = set(graph.outputs)
    last: dict[Node, Node] = {}
    for node in graph.body:
        for operand in (*node.inputs, node):
            last[operand] = node
    deaths: dict[Node, list[Node]] = {}
    for value, node in last.items():
        if value not in kept and value.op is not CONSTANT and value is not node:
            deaths.setdefault(node, []).append(value)
    return {node: tuple(values) for node, values in deaths.items()}
