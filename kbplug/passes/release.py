"""Whose memory a value is: where it is used last and can be let go or written over, and what may share it.

It changes no graph.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from kbplug.graph.graph import Graph
from kbplug.graph.node import CONSTANT, ITEM, Node
from kbplug.graph.spec import Spec


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
        *("matmul", "tensordot", "vecdot", "where", "concat", "stack"),
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
    for node, dying in last_uses(graph).items():
        if node.op.name in in_place and node.inputs:
            fitting = (d for d in dying if d in node.inputs and _fills(d, node) and _owned(d, graph, in_place))
            operand = next(fitting, None)
            if operand is not None:
                found[node] = operand
    return found


def _owned(value: Node, graph: Graph, in_place: Container[str]) -> bool:
    """Say whether ``value`` has a buffer of its own that none of its users keeps."""
    around = (value, *graph.uses[value])
    return value not in graph.inputs and all(n.op.name in in_place or n.op.name in READERS for n in around)


def _fills(operand: Node, node: Node) -> bool:
    """Say whether the result of ``node`` has surely the shape and dtype of ``operand``, of at least one dimension."""
    if operand.spec != node.spec or not isinstance(node.spec, Spec) or not node.spec.ndim:
        return False
    return None not in node.spec.shape or all(i is operand or not i.result.ndim for i in node.inputs)


BRANCHES = frozenset({"cond", "scan", "while_"})
"""Ops that may give what they were given: by a branch that does, or a loop without a turn."""


def shared(outputs: Sequence[Node], count: int) -> tuple[int, ...]:
    """Return the positions of outputs that may share memory with an input, a constant or another output.

    Parameters
    ----------
    outputs
        ``count`` results, then new values of cells.
    count
        How many are results; of a result and a new value that share, the result is named.
    """
    seen: set[Node] = set()
    found = []
    for i in (*range(count, len(outputs)), *range(count)):
        owner = _owner(outputs[i])
        if owner in seen or _lends(owner):
            found.append(i)
        seen.add(owner)
    return tuple(sorted(found))


def _owner(node: Node) -> Node:
    """Return the node whose memory a result may be a view of."""
    while node.op is ITEM or ("alias" in node.op.traits and not _picks(node)):
        node = node.inputs[0]
    return node


def _lends(owner: Node) -> bool:
    """Say whether a node's memory may be somebody else's."""
    return owner.op is CONSTANT or not owner.inputs or owner.op.name in BRANCHES or not isinstance(owner.spec, Spec)


def _picks(node: Node) -> bool:
    """Say whether elements are picked by arrays, which copies them."""
    return node.op.name == "getitem" and any(i.result.ndim for i in node.inputs[1:])
