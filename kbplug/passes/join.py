"""Loops over the same operands that carry the same values become one.

A gradient runs a loop again to keep what it carried; where the loop's result is wanted too, it would run twice.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from kbplug.graph.graph import Graph
from kbplug.graph.node import ITEM, Node, infer, item, make, remake
from kbplug.passes.nested import contains, within


def join(graph: Graph) -> Graph:
    """Return ``graph`` with scans joined that differ only in what they return of each step; graphs inside it too."""
    if not contains(graph, "scan"):
        return graph
    bodies = _joined(graph)

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node:
        body = bodies.get(node)
        if body is not None:
            params = {**node.params, "body": body}
            return within(make(node.op, inputs, params, infer(node.op, inputs, params), node.where), join)
        if node.op is ITEM and node.inputs[0] in bodies:
            return item(inputs[0], _place(node, bodies[node.inputs[0]]))
        return within(remake(node, inputs), join)

    return graph.rebuild(rule)


def _joined(graph: Graph) -> Mapping[Node, Graph]:
    """Return, for each scan that is not alone, the body of the one that all of its group become."""
    groups: dict[Hashable, list[Node]] = {}
    for node in graph.body:
        if node.op.name == "scan":
            groups.setdefault(_key(node), []).append(node)
    found: dict[Node, Graph] = {}
    for group in groups.values():
        if len(group) > 1:
            carried, bodies = group[0].params["carries"], [n.params["body"] for n in group]
            kept = dict.fromkeys(o for b in bodies for o in b.outputs[carried:])
            whole = Graph(bodies[0].inputs, [*bodies[0].outputs[:carried], *kept])
            found.update(dict.fromkeys(group, whole))
    return found


def _key(node: Node) -> Hashable:
    params: Mapping[str, Any] = node.params
    body, carries = params["body"], params["carries"]
    rest = tuple(params[name] for name in ("carries", "sequences", "length", "reverse"))
    return (node.inputs, body.inputs, body.outputs[:carries], rest)


def _place(node: Node, body: Graph) -> int:
    """Return where the result that ``node`` takes of its scan stands in the joined one."""
    index, params = node.params["index"], node.inputs[0].params
    carries = params["carries"]
    if index < carries:
        return int(index)
    return carries + body.outputs[carries:].index(params["body"].outputs[index])
