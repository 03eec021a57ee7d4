"""Composites that the engine has no kernel for become their bodies."""

from __future__ import annotations

from collections.abc import Container

from kbplug.graph.graph import Graph
from kbplug.graph.node import ITEM, Node, remake
from kbplug.ops.declare import decomposition
from kbplug.passes.nested import within


def expand(graph: Graph, kernels: Container[str]) -> Graph:
    """Return ``graph`` with every composite not named in ``kernels`` replaced by its body, all the way down."""
    several: dict[Node, tuple[Node, ...]] = {}

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node:
        if node.op is ITEM and inputs[0] in several:
            return several[inputs[0]][node.params["index"]]
        new = within(remake(node, inputs), lambda g: expand(g, kernels))
        if "composite" not in new.op.traits or new.op.name in kernels:
            return new
        outputs = expand(decomposition(new), kernels)(*inputs)
        if len(outputs) > 1:
            several[new] = outputs
            return new
        return outputs[0]

    return graph.rebuild(rule)
