"""What a loop need not compute step by step is computed for all steps at once, before it or after it.

Before: what hangs on no carry. After: what no carry hangs on, be it stacked or added up; weight gradients, products
added up step by step, become one product. In the loop stays what goes from step to step. The order in which sums are
taken is another one then, so that results may differ by the rounding of a sum over the steps.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace

from kbplug.graph.graph import Graph, substitute, topological
from kbplug.graph.node import CONSTANT, Node, item, placeholder, scalar_of
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor, built_at
from kbplug.passes.loops.along import Value, along
from kbplug.passes.loops.form import Loop, each_scan, elements, inside_first, pure
from kbplug.passes.loops.totals import total

LARGE = 1 << 16
"""What has more elements in a step than this is no faster for all steps at once, unless it is a product."""

PRODUCTS = frozenset({"matmul", "tensordot"})

WORTH = 4
"""How many times as many elements may be stacked for a product after the loop as it has itself."""


def outside(graph: Graph) -> Graph:
    """Return ``graph`` with what its loops need not compute step by step outside of them; graphs inside it too."""
    return _OUTSIDE(graph)


def _moved(graph: Graph) -> Graph:
    def replaced(old: Node, new: Node) -> Mapping[int, Node]:
        with built_at(new.where):
            return _after(_before(Loop.of(new)))

    return each_scan(graph, replaced)


_OUTSIDE = inside_first(_moved)


def _before(loop: Loop) -> Loop:
    """Return ``loop`` going over what hangs on no carry, and capturing what hangs on no step."""
    known = _given(loop)
    for node in loop.body:
        if node.op is CONSTANT:
            known[node] = Value(Tensor(node), stacked=False)
        elif pure(node) and all(i in known for i in node.inputs):
            found = along(node, [known[i] for i in node.inputs])
            if found is not None and _worth(node, found):
                known[node] = found
    names = {n: placeholder(n.result) for n in known if n.inputs and isinstance(n.spec, Spec)}
    return _renamed(loop, names, known)


def _given(loop: Loop) -> dict[Node, Value]:
    """Return what is outside of a loop for what its steps are given, but for the carries."""
    rows = {f: Value(Tensor(o), stacked=True) for f, o in loop.sequences.items()}
    return rows | {f: Value(Tensor(o), stacked=False) for f, o in loop.captured.items()}


def _worth(node: Node, found: Value) -> bool:
    return not found.stacked or node.op.name in PRODUCTS or elements([node]) <= LARGE


def _renamed(loop: Loop, names: Mapping[Node, Node], known: Mapping[Node, Value]) -> Loop:
    """Return ``loop`` given the values ``known`` by other names, in place of computing them."""
    ends = substitute(loop.ends, {**{f: f for f in loop.formals}, **names})
    count = len(loop.carries)
    return replace(
        loop,
        carries=tuple(c._replace(next=n) for c, n in zip(loop.carries, ends, strict=False)),
        sequences={**loop.sequences} | {f: known[n].outer.node for n, f in names.items() if known[n].stacked},
        captured={**loop.captured} | {f: known[n].outer.node for n, f in names.items() if not known[n].stacked},
        kept=ends[count:],
    )


def _after(loop: Loop) -> Mapping[int, Node]:
    """Return the results of ``loop``, those that no carry hangs on computed from stacks of what the others are."""
    added = {i: d for i in range(len(loop.carries)) if (d := _added(loop, i)) is not None}
    work = _Afterwards(loop, added)
    sums = {i: t for i, d in added.items() if (t := work.total(d)) is not None}
    if len(sums) < len(added):  # what stays in the loop needs more there than was thought
        work = _Afterwards(loop, sums)
        sums = {i: t for i in sums if (t := work.total(added[i])) is not None}
    rows = {i: r for i, n in enumerate(loop.kept) if (r := work.rows(n)) is not None}
    return _results(loop, work, sums, rows)


def _results(
    loop: Loop, work: _Afterwards, sums: Mapping[int, Tensor], rows: Mapping[int, Tensor]
) -> Mapping[int, Node]:
    """Return the results of what is left of ``loop``, of sums over its steps and of stacks made afterwards."""
    count = len(loop.carries)
    carries = [i for i in range(count) if i not in sums]
    kept = list(dict.fromkeys([*(n for i, n in enumerate(loop.kept) if i not in rows), *work.asked]))
    node = replace(loop, carries=tuple(loop.carries[i] for i in carries), kept=tuple(kept)).node()

    def stack(n: Node) -> Node:
        return item(node, len(carries) + kept.index(n))

    found = {i: item(node, place) for place, i in enumerate(carries)}
    found |= {i: _plus(Tensor(loop.carries[i].first), t).node for i, t in sums.items()}
    found |= {count + i: rows[i].node if i in rows else stack(n) for i, n in enumerate(loop.kept)}
    stacks = {name: stack(n) for n, name in work.asked.items()}
    return dict(zip(found, substitute(found.values(), stacks), strict=True))


def _plus(first: Tensor, added: Tensor) -> Tensor:
    zero = first.node.op.name == "broadcast_to" and scalar_of(first.node.inputs[0]) == 0
    return added if zero and first.shape == added.shape else first + added


def _added(loop: Loop, i: int) -> Node | None:
    """Return what each step adds to a carry, if nothing else is done with it."""
    formal, end = loop.carries[i].formal, loop.carries[i].next
    uses = Graph(loop.formals, loop.ends).uses
    alone = uses[formal] == (end,) and formal not in loop.ends and loop.ends.count(end) == 1 and not uses[end]
    if end.op.name != "add" or not alone or end.spec != formal.spec or None in end.result.shape:
        return None
    other = end.inputs[end.inputs[0] is formal]
    return other if other.spec == end.spec else None


class _Afterwards:
    """Computes values of a loop from stacks of others.

    Attributes
    ----------
    asked
        Values inside the loop that must be stacked for it, each with the name of its stack.
    """

    def __init__(self, loop: Loop, without: Container[int]) -> None:
        ends = [c.next for i, c in enumerate(loop.carries) if i not in without]
        self.loop, self.asked = loop, dict[Node, Node]()
        self._given = _given(loop)
        self._core = {*topological(ends), *(c.formal for c in loop.carries)}
        self._names: dict[Node, Node] = {}

    def total(self, node: Node) -> Tensor | None:
        """Return the sum of ``node`` over all steps, or None if that takes more than it saves."""
        values = self._values(node)
        found = total(node, values)
        return found if found is not None and self._takes(node, found) else None

    def rows(self, node: Node) -> Tensor | None:
        """Return the stack of ``node``, or None if it is best made in the loop."""
        if node in self._core and node not in self._given:
            return None
        value = self._values(node)[node]
        unmoved = node in self._names and value.outer.node is self._names[node]
        moved = value.stacked and not unmoved and (node not in self.loop.body or _worth(node, value))
        return value.outer if moved and self._takes(node, value.outer) else None

    def _values(self, node: Node) -> Mapping[Node, Value]:
        """Return the values outside of ``node`` and of all below it, down to what stays in the loop."""
        found = dict(self._given)
        for n in topological([node], self.loop.formals):
            if n.op is CONSTANT:
                found[n] = Value(Tensor(n), stacked=False)
            elif n not in found:
                value = self._moved(n, found)
                if value is not None or isinstance(n.spec, Spec):  # else its items are stacked
                    found[n] = value or self._stack(n)
        return found

    def _moved(self, node: Node, found: Mapping[Node, Value]) -> Value | None:
        if node in self._core or not pure(node) or any(i not in found for i in node.inputs):
            return None
        return along(node, [found[i] for i in node.inputs])

    def _stack(self, node: Node) -> Value:
        if node not in self._names:
            spec = node.result
            self._names[node] = placeholder(Spec((self.loop.steps, *spec.shape), spec.dtype))
        return Value(Tensor(self._names[node]), stacked=True)

    def _takes(self, node: Node, found: Tensor) -> bool:
        """Say whether what must be stacked is in proportion to ``node``, and ask for it if so."""
        cut = {v.outer.node for v in self._given.values()}
        below = set(topological([found.node], cut)) - cut
        asked = [n for n, name in self._names.items() if name in below]
        more = [n for n in asked if n not in self.asked and n not in self.loop.kept]
        worth = WORTH if any(n.op.name in PRODUCTS for n in below) else 1
        if elements(more) > worth * elements([node]):
            return False
        self.asked.update((n, self._names[n]) for n in asked)
        return True
