"""Composites that the engine has no kernel for become their bodies."""

from __future__ import annotations

from collections.abc import Container

from kbplug.graph.graph import Graph
from kbplug.graph.node import ITEM, Node, remake
from kbplug.ops.declare import decomposition
from kbplug.passes.nested import within


def expand(graph: Graph, kernels: Container[str]) -> Graph:
    """Return ``graph`` with every composite not named in ``kernels`` replaced by its body, all the way down."""
    return _Expander(kernels).expand(graph)


class _Expander:
    """Expands graphs, and keeps the bodies of composites, which come again and again."""

    def __init__(self, kernels: Container[str]) -> None:
        self.kernels = kernels
        self._bodies: dict[Graph, Graph] = {}

    def expand(self, graph: Graph) -> Graph:
        several: dict[Node, tuple[Node, ...]] = {}

        def rule(node: Node, inputs: tuple[Node, ...]) -> Node:
            if node.op is ITEM and inputs[0] in several:
                return several[inputs[0]][node.params["index"]]
            new = within(remake(node, inputs), self.expand)
            if "composite" not in new.op.traits or new.op.name in self.kernels:
                return new
            outputs = self._body(decomposition(new))(*inputs)
            if len(outputs) > 1:
                several[new] = outputs
                return new
            return outputs[0]

        return graph.rebuild(rule)

    def _body(self, body: Graph) -> Graph:
        if body not in self._bodies:
            self._bodies[body] = self.expand(body)
        return self._bodies[body]
