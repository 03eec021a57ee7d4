"""Carries, stacks and operands of a loop that nothing needs are left out, and what stands there twice stands once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kbplug.graph.graph import Graph, substitute, topological
from kbplug.graph.node import ITEM, Node, item
from kbplug.passes.loops.form import Loop, each_scan, inside_first


def prune(graph: Graph) -> Graph:
    """Return ``graph`` with its loops, those inside it too, reduced to what is needed of them."""
    return _PRUNE(graph)


def _pruned(graph: Graph) -> Graph:
    needed = _needed(graph)

    def reduced(old: Node, new: Node) -> Mapping[int, Node] | None:
        need = needed.get(old)  # None for one that fed what another no longer needs
        return None if need is None or need.all else _reduced(Loop.of(new), need)

    return each_scan(graph, reduced)


_PRUNE = inside_first(_pruned)


@dataclass(frozen=True)
class _Needed:
    """Which carries and which stacks of a loop are needed, by their positions, and which operands."""

    carries: frozenset[int]
    kept: frozenset[int]
    operands: frozenset[int]
    all: bool


def _needed(graph: Graph) -> Mapping[Node, _Needed]:
    """Return what is needed of each scan, from the last to the first, since one may feed another."""
    found: dict[Node, _Needed] = {}
    items: dict[Node, set[int]] = {}
    living = set(graph.outputs)
    for node in reversed(graph.nodes):
        if node not in living:
            continue
        if node.op is ITEM:
            items.setdefault(node.inputs[0], set()).add(node.params["index"])
        if node.op.name == "scan" and node not in graph.inputs:
            found[node] = _of(node, items.get(node, set()))
            living.update(node.inputs[i] for i in found[node].operands)
        else:
            living.update(node.inputs)
    return found


def _of(scan: Node, results: set[int]) -> _Needed:
    loop = Loop.of(scan)
    count = len(loop.carries)
    kept = frozenset(i - count for i in results if i >= count)
    carries, read = frozenset(i for i in results if i < count), set[Node]()
    while True:
        ends = [loop.carries[i].next for i in carries] + [loop.kept[i] for i in kept]
        read = set(topological(ends, ())) & set(loop.formals)
        grown = carries | {i for i, c in enumerate(loop.carries) if c.formal in read}
        if grown == carries:
            break
        carries = grown
    operands = {i for i, f in enumerate(loop.formals) if f in read or i in carries}
    if loop.steps is None and not any(count <= i < count + len(loop.sequences) for i in operands):
        operands.add(count)  # which tells the number of steps
    everything = len(carries) + len(kept) == len(scan.params["body"].outputs) and len(operands) == len(scan.inputs)
    twice = len(set(scan.inputs[count:])) < len(scan.inputs[count:]) or len(set(loop.kept)) < len(loop.kept)
    return _Needed(carries, kept, frozenset(operands), everything and not twice)


def _reduced(loop: Loop, need: _Needed) -> Mapping[int, Node]:
    count, formals = len(loop.carries), loop.formals
    used = {formals[i] for i in need.operands}
    twins = _twins(loop.sequences, used) | _twins(loop.captured, used)
    ends = substitute(loop.ends, {f: twins.get(f, f) for f in formals})
    carries = sorted(need.carries)
    kept = list(dict.fromkeys(ends[count + i] for i in sorted(need.kept)))
    node = replace(
        loop,
        carries=tuple(loop.carries[i]._replace(next=ends[i]) for i in carries),
        sequences={f: o for f, o in loop.sequences.items() if f in used and f not in twins},
        captured={f: o for f, o in loop.captured.items() if f in used and f not in twins},
        kept=tuple(kept),
    ).node()
    last = {i: item(node, place) for place, i in enumerate(carries)}
    return last | {count + i: item(node, len(carries) + kept.index(ends[count + i])) for i in need.kept}


def _twins(fed: Mapping[Node, Node], used: set[Node]) -> dict[Node, Node]:
    """Return, for each name inside whose value outside has another name already, that one."""
    first: dict[Node, Node] = {}
    found = {}
    for formal, outer in fed.items():
        if formal in used and first.setdefault(outer, formal) is not formal:
            found[formal] = first[outer]
    return found
