"""What depends on constants alone is computed once, unless its result would be much larger than what it is made of."""

from __future__ import annotations

from collections.abc import Callable

from kbplug.graph.graph import Graph, transform
from kbplug.graph.node import CONSTANT, Node, remake
from kbplug.graph.spec import Spec

LARGEST = 1 << 16
"""Results of more elements than this are folded only if they are smaller than their operands together."""

Evaluate = Callable[[Node], Node]
"""Returns the constant that a node of constants comes to."""


def fold(graph: Graph, evaluate: Evaluate) -> Graph:
    """Return ``graph`` with its constant parts replaced by their values.

    Parameters
    ----------
    evaluate
        Computes one node; the runtime supplies it, since a pass knows no array library.
    """
    fixed = _fixed(graph)
    wanted = {i for n in graph.body if n not in fixed for i in n.inputs} | set(graph.outputs)

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node:
        if node in fixed and node in wanted and node.op is not CONSTANT and _worth(node):
            return evaluate(node)
        return remake(node, inputs)

    return Graph(graph.inputs, transform(graph.outputs, {n: n for n in graph.inputs}, rule))


def _fixed(graph: Graph) -> set[Node]:
    """Return the nodes that depend on constants alone and may be computed ahead."""
    found: set[Node] = set()
    for node in graph.body:
        pure = not ({"leaf", "effect", "random"} & node.op.traits) and node.op.name != "read"
        if (
            node.op is CONSTANT
            or (pure and node.inputs and all(i in found for i in node.inputs))
            or (pure and not node.inputs and node.op.name not in ("placeholder", "parameter"))
        ):
            found.add(node)
    return found


def _worth(node: Node) -> bool:
    if not isinstance(node.spec, Spec):
        return False
    size = node.spec.size
    taken = sum(i.result.size or 0 for i in node.inputs if isinstance(i.spec, Spec))
    return size is not None and (size <= LARGEST or size <= taken)
