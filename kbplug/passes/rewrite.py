"""Rules as data: an op's name, a condition, and what stands in its place; applied bottom-up until none fits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kbplug.errors import GraphError
from kbplug.graph.graph import Graph
from kbplug.graph.node import Node, remake
from kbplug.graph.spec import Spec, compatible
from kbplug.graph.tensor import Tensor
from kbplug.passes.nested import within

Replacement = Callable[..., Any]
Rule = tuple[str, Replacement]
"""An op's name, and a function of its operands (tensors) and parameters: the replacement, or None."""

_ROUNDS = 64


def index_rules(*tables: Iterable[Rule]) -> Mapping[str, tuple[Replacement, ...]]:
    """Return tables of rules joined, by the name of the op each rule starts at."""
    found: dict[str, tuple[Replacement, ...]] = {}
    for table in tables:
        for name, replacement in table:
            found[name] = (*found.get(name, ()), replacement)
    return found


def rewrite(graph: Graph, rules: Mapping[str, tuple[Replacement, ...]]) -> Graph:
    """Return ``graph`` with every node that a rule fits replaced; graphs inside it too.

    Raises
    ------
    GraphError
        If a rule changes the dtype or the shape of what it replaces.
    """

    def inside(nested: Graph) -> Graph:
        return rewrite(nested, rules)

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node:
        new = within(remake(node, inputs), inside)
        for _ in range(_ROUNDS):
            better = _first_fit(new, rules)
            if better is None:
                return new
            new = within(better, inside)
        return new

    return graph.rebuild(rule)


def _first_fit(node: Node, rules: Mapping[str, tuple[Replacement, ...]]) -> Node | None:
    fitting = rules.get(node.op.name)
    if fitting is None:
        return None
    placed, params = node.op.arrange([Tensor(i) for i in node.inputs], node.params)
    for replacement in fitting:
        found = replacement(*placed, **params)
        if found is not None and found.node is not node:
            return _checked(node, found.node, replacement)
    return None


def _checked(old: Node, new: Node, replacement: Replacement) -> Node:
    if not isinstance(old.spec, Spec) or not isinstance(new.spec, Spec):
        return new
    if old.spec.dtype != new.spec.dtype or not compatible(old.spec.shape, new.spec.shape):
        raise GraphError(f"A rule for {old.op.name} turned {old.spec} into {new.spec}: {replacement!r}.")
    return new
