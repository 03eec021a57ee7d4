"""Whose memory a value is: where it is used last and can be let go or written over, and what may share it.

It changes no graph.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

from kbplug.graph.graph import Graph
from kbplug.graph.node import CONSTANT, Node
from kbplug.graph.spec import Shape, Spec
from kbplug.passes.sharing import is_result


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


READERS = frozenset(
    {
        *("sum", "mean", "max", "min", "prod", "var", "std", "all", "any", "cumulative_sum", "cumulative_prod"),
        *("matmul", "tensordot", "vecdot", "where", "concat", "stack", "conv", "conv_input"),
    }
)
"""Ops that read arrays, keep no part of them, and fill a buffer of their own."""


def reuse(graph: Graph, in_place: Container[str]) -> Mapping[Node, Node]:
    """Return, for nodes that may write over an operand, that operand.

    It must be used for the last time there, have the same dtype and surely the same shape, have been
    made by a function that fills a buffer of its own, and have been read only by functions that keep no
    part of it.

    Parameters
    ----------
    in_place
        Names of elementwise ops that the engine computes into a given buffer.
    """
    found: dict[Node, Node] = {}
    extents = _extents(graph)
    for node, dying in last_uses(graph).items():
        if node.op.name in in_place and node.inputs:
            alike = (d for d in dying if d in node.inputs and _fills(d, node, extents))
            operand = next((d for d in alike if _owned(d, graph, in_place)), None)
            if operand is not None:
                found[node] = operand
    return found


def _owned(value: Node, graph: Graph, in_place: Container[str]) -> bool:
    """Say whether ``value`` has a buffer of its own that none of its users keeps."""
    maker = value.inputs[0] if is_result(value) else value
    around = (maker, *graph.uses[value])
    return value not in graph.fed and all(n.op.name in in_place or n.op.name in READERS for n in around)


def _fills(operand: Node, node: Node, extents: Mapping[Node, object]) -> bool:
    """Say whether the result of ``node`` has surely the shape and dtype of ``operand``, of at least one dimension."""
    return operand.spec == node.spec and node.result.ndim > 0 and extents[operand] == extents[node]


def _extents(graph: Graph) -> Mapping[Node, object]:
    """Return for each array a thing that it shares with others only if their shapes are the same in every call.

    That is the shape itself where it is known; else the node that decides it, which an elementwise node with an operand
    of its extent and others that surely broadcast to it takes over.
    """
    found: dict[Node, object] = {}
    for node in graph.nodes:
        if not isinstance(node.spec, Spec):
            continue
        known = None not in node.spec.shape
        found[node] = node.spec.shape if known else _inherited(node, found) or node
    return found


def _inherited(node: Node, extents: Mapping[Node, object]) -> object:
    """Return the extent that an elementwise node of unknown sizes has from its operands, or None."""
    if "elementwise" not in node.op.traits:
        return None
    unknown = [i for i in node.inputs if None in i.result.shape]
    first = next((i for i in unknown if i.result.shape == node.result.shape), None)
    if first is None or any(extents[i] != extents[first] for i in unknown):
        return None
    fit = all(_broadcasts(i.result.shape, node.result.shape) for i in node.inputs if i not in unknown)
    return extents[first] if fit else None


def _broadcasts(shape: Shape, into: Shape) -> bool:
    """Say whether a known shape surely leaves ``into`` as it is."""
    return len(shape) <= len(into) and all(n in (1, m) for n, m in zip(reversed(shape), reversed(into), strict=False))
