"""What depends on constants alone is computed once, unless its result would be much larger than what it is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kbplug.graph.graph import Graph, transform
from kbplug.graph.node import CONSTANT, Node, remake
from kbplug.graph.spec import Spec
from kbplug.passes.nested import traits

LARGEST = 1 << 16
"""Results of more elements than this are folded only if they are smaller than their operands together."""

Evaluate = Callable[[Sequence[Node]], Sequence[Node]]
"""Returns the constants that nodes of constants come to."""


def fold(graph: Graph, evaluate: Evaluate) -> Graph:
    """Return ``graph`` with its constant parts replaced by their values.

    Parameters
    ----------
    evaluate
        Computes nodes, all in one call, so that what they share is computed once. The runtime supplies it, since a pass
        knows no array library.
    """
    fixed = _fixed(graph)
    wanted = {i for n in graph.body if n not in fixed for i in n.inputs} | set(graph.outputs)
    ends = [n for n in graph.body if n in fixed and n in wanted and n.op is not CONSTANT and _worth(n)]
    if not ends:
        return graph
    known = dict(zip(ends, evaluate(ends), strict=True))
    return Graph(graph.inputs, transform(graph.outputs, {n: n for n in graph.inputs} | known, remake))


def _fixed(graph: Graph) -> set[Node]:
    """Return the nodes that depend on constants alone and may be computed ahead."""
    found: set[Node] = set()
    for node in graph.body:
        if node.op is CONSTANT or (all([i in found for i in node.inputs]) and _pure(node)):
            found.add(node)
    return found


def _pure(node: Node) -> bool:
    """Say whether ``node`` computes the same from the same operands whenever it is run."""
    given = "leaf" in node.op.traits or node.op.name == "read"
    return not given and not {"effect", "random"} & traits([node])


def _worth(node: Node) -> bool:
    if not isinstance(node.spec, Spec):
        return False
    size = node.spec.size
    taken = sum(i.result.size or 0 for i in node.inputs if isinstance(i.spec, Spec))
    return size is not None and (size <= LARGEST or size <= taken)
