"""Which outputs may share memory with what was given, or with each other; it changes no graph."""

from __future__ import annotations

from collections.abc import Sequence

from kbplug.graph.node import CONSTANT, ITEM, Node
from kbplug.graph.spec import Spec

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
    """Return the node whose memory a result may be a view of; each result of a region is an array of its own."""
    while not is_result(node) and (node.op is ITEM or ("alias" in node.op.traits and not _picks(node))):
        node = node.inputs[0]
    return node


def is_result(node: Node) -> bool:
    """Say whether a node is one of several results of a region."""
    return node.op is ITEM and node.inputs[0].op.name == "fused"


def _lends(owner: Node) -> bool:
    """Say whether a node's memory may be somebody else's."""
    return owner.op is CONSTANT or not owner.inputs or owner.op.name in BRANCHES or not isinstance(owner.spec, Spec)


def _picks(node: Node) -> bool:
    """Say whether elements are picked by arrays, which copies them."""
    return node.op.name == "getitem" and any(i.result.ndim for i in node.inputs[1:])
