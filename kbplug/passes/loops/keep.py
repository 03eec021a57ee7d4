"""What a loop computed on the way forward is kept for its gradient, instead of computed again step by step.

A scan that goes over what another one returned of each step often begins by computing the same from the same. Where it
does, the first one returns that too: what costs more than reading it, and no more than needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from kbplug.graph.graph import Graph, substitute
from kbplug.graph.node import CONSTANT, ITEM, Node, item, placeholder, remake
from kbplug.graph.spec import Spec
from kbplug.passes.loops.form import Loop, inside_first, pure

CHEAP = frozenset({"add", "subtract", "multiply", "negative", "maximum", "minimum", "where", "astype", "item"})
"""Ops that cost no more than reading what they come to."""


def keep(graph: Graph) -> Graph:
    """Return ``graph`` with what a loop and its gradient both compute left to the loop; graphs inside it too."""
    return _KEEP(graph)


def _kept(graph: Graph) -> Graph:
    given: dict[Node, list[Node]] = {}
    taken: dict[Node, list[_Shared]] = {}
    for node in graph.body:
        if node.op.name == "scan":
            taken[node] = list(_shared(node))
            for each in taken[node]:
                known = given.setdefault(each.source, [])
                known += [n for n in each.values.values() if n not in known]

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node:
        new = remake(node, inputs)
        if node.op.name != "scan" or not (taken[node] or node in given):
            return new
        loop = Loop.of(new)
        for each in taken[node]:
            loop = _reading(loop, each, inputs[node.inputs.index(each.item)].inputs[0], given[each.source])
        return replace(loop, kept=(*loop.kept, *given.get(node, ()))).node()

    return graph.rebuild(rule)


_KEEP = inside_first(_kept)


@dataclass(frozen=True)
class _Shared:
    """What a scan need not compute: values inside it, as they are inside the ``source`` of its sequence ``item``."""

    item: Node
    source: Node
    values: Mapping[Node, Node]


def _reading(loop: Loop, each: _Shared, source: Node, given: list[Node]) -> Loop:
    """Return ``loop`` with shared values as sequences: the last results of ``source``, now that it returns them."""
    first = source.params["carries"] + len(Loop.of(source).kept) - len(given)
    names = {value: placeholder(value.result) for value in each.values}
    places = {name: item(source, first + given.index(each.values[value])) for value, name in names.items()}
    ends = substitute(loop.ends, {f: f for f in loop.formals} | names)
    count = len(loop.carries)
    return replace(
        loop,
        carries=tuple(c._replace(next=n) for c, n in zip(loop.carries, ends, strict=False)),
        sequences={**loop.sequences, **places},
        kept=ends[count:],
    )


def _shared(scan: Node) -> Iterator[_Shared]:
    """Yield, for each scan whose results ``scan`` goes over, what both compute."""
    loop, seen = Loop.of(scan), set()
    for outer in loop.sequences.values():
        if outer.op is ITEM and outer.inputs[0].op.name == "scan" and outer.inputs[0] not in seen:
            seen.add(outer.inputs[0])
            values = _wanted(loop, _matched(loop, outer.inputs[0]))
            if values:
                yield _Shared(outer, outer.inputs[0], values)


def _matched(loop: Loop, source: Node) -> Mapping[Node, Node]:
    """Return the nodes inside ``loop`` that ``source`` computes too, each as the node it is there."""
    other = Loop.of(source)
    steps = {o: f for f, o in other.sequences.items()} | {
        item(source, len(other.carries) + i): n for i, n in enumerate(other.kept)
    }
    always = {o: f for f, o in other.captured.items()}
    found = {f: steps[o] for f, o in loop.sequences.items() if o in steps}
    found |= {f: always[o] for f, o in loop.captured.items() if o in always}
    there = set(Graph(other.formals, other.ends).nodes)
    for node in loop.body:
        if node.op is CONSTANT:
            found[node] = node
        elif pure(node) and all(i in found for i in node.inputs):
            same = remake(node, tuple([found[i] for i in node.inputs]))
            if same in there:
                found[node] = same
    return found


def _wanted(loop: Loop, matched: Mapping[Node, Node]) -> Mapping[Node, Node]:
    """Return those of the matched nodes to read from the other loop: what the rest needs and is not cheap to make."""
    body = loop.body
    needed = {n for n in loop.ends if n in matched}
    needed.update(i for n in body if n not in matched for i in n.inputs if i in matched)
    sources = {_source(n, matched) for n in needed}
    known: set[Node] = {n for n in matched if n.op is CONSTANT or n in loop.formals}
    found: dict[Node, Node] = {}
    for node in body:
        if node not in matched or node in known:
            continue
        if (node.op.name in CHEAP or "alias" in node.op.traits) and all(i in known for i in node.inputs):
            known.add(node)
        elif node in sources and isinstance(node.spec, Spec):
            found[node] = matched[node]
            known.add(node)
    return found


def _source(node: Node, matched: Mapping[Node, Node]) -> Node:
    """Return what a view is taken of."""
    while "alias" in node.op.traits and node.inputs and node.inputs[0] in matched and node.inputs[0].inputs:
        node = node.inputs[0]
    return node
