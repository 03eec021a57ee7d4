"""Known values become constants: a fixed learning phase makes its switch a choice that ``simplify`` then takes."""

from __future__ import annotations

from collections.abc import Mapping

from kbplug.dtypes import Scalar
from kbplug.graph.graph import Graph, substitute
from kbplug.graph.node import Node, literal


def specialise(graph: Graph, known: Mapping[Node, Scalar]) -> Graph:
    """Return ``graph`` with the ``known`` 0-d nodes replaced by their values; known inputs stay as unused inputs."""
    if not known:
        return graph
    mapping = {n: n for n in graph.inputs} | {n: literal(v, n.result.dtype) for n, v in known.items()}
    return Graph(graph.inputs, substitute(graph.outputs, mapping))
