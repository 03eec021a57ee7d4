"""A closed set of nodes from inputs to outputs, and the one way to rebuild it. Knows no op by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from kbplug.graph.node import CONSTANT, ITEM, Node, remake
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import built_at

Rule = Callable[[Node, tuple[Node, ...]], Node]


class Graph:
    """A function as data: ``inputs``, ``outputs`` and every node between them.

    Closed: each leaf is an input, a constant or a ``read`` of a cell. Any node may be an input; what
    stands below it is cut off. Two graphs are equal when their inputs and outputs are the same nodes.

    Parameters
    ----------
    inputs
        Nodes whose values a call supplies.
    outputs
        Nodes whose values it returns.
    """

    def __init__(self, inputs: Iterable[Node], outputs: Iterable[Node]) -> None:
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every node, each after its operands; inputs first."""
        return tuple(topological(self.outputs, self.inputs))

    @cached_property
    def fed(self) -> frozenset[Node]:
        """The inputs, to be asked which nodes are among them."""
        return frozenset(self.inputs)

    @cached_property
    def uses(self) -> Mapping[Node, tuple[Node, ...]]:
        """The nodes that take each node as an operand, once per place."""
        users: dict[Node, list[Node]] = {n: [] for n in self.nodes}
        for node in self.nodes:
            for operand in () if node in self.fed else node.inputs:
                users[operand].append(node)
        return {n: tuple(u) for n, u in users.items()}

    @cached_property
    def body(self) -> tuple[Node, ...]:
        """The nodes that compute: all but the inputs."""
        return tuple([n for n in self.nodes if n not in self.fed])

    def rebuild(self, rule: Rule) -> Graph:
        """Return this graph with ``rule(node, new inputs)`` in place of every node but the inputs."""
        return Graph(self.inputs, _rebuilt(self.nodes, self.outputs, {n: n for n in self.inputs}, rule))

    def __call__(self, *arguments: Node) -> tuple[Node, ...]:
        """Return the outputs as nodes over ``arguments`` in place of the inputs: the graph inlined."""
        return transform(self.outputs, dict(zip(self.inputs, arguments, strict=True)), remake)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and self.inputs == other.inputs and self.outputs == other.outputs

    def __hash__(self) -> int:
        return hash((self.inputs, self.outputs))

    def __repr__(self) -> str:
        return f"<graph {len(self.inputs)} in, {len(self.outputs)} out, {len(self.nodes)} nodes>"

    def __str__(self) -> str:
        return "\n".join(listing(self))


def topological(outputs: Iterable[Node], inputs: Iterable[Node] = ()) -> Iterator[Node]:
    """Yield ``inputs``, then each node that ``outputs`` need, operands first; without recursion, so depth is free."""
    done = set()
    for node in inputs:
        if node not in done:
            done.add(node)
            yield node
    stack = list(reversed(tuple(outputs)))
    while stack:
        node = stack.pop()
        if node in done:
            continue
        for operand in node.inputs:
            if operand not in done:
                stack.append(node)
                stack.extend(reversed(node.inputs))
                break
        else:
            done.add(node)
            yield node


def built_since(nodes: Iterable[Node], begin: int) -> list[Node]:
    """Return the nodes below ``nodes``, these included, that are no older than the serial ``begin``, operands first.

    A node is younger than its operands, so what stands below an older one is not looked at.
    """
    found: set[Node] = set()
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if node.serial >= begin and node not in found:
            found.add(node)
            stack.extend(node.inputs)
    return sorted(found, key=lambda n: n.serial)


def transform(outputs: Iterable[Node], known: Mapping[Node, Node], rule: Rule) -> tuple[Node, ...]:
    """Return ``outputs`` rebuilt bottom-up: ``known`` nodes are replaced, all others become ``rule(node, new inputs)``.

    New nodes keep the user's line of the node they replace.
    """
    outputs = tuple(outputs)
    return _rebuilt(topological(outputs, known), outputs, known, rule)


def _rebuilt(
    nodes: Iterable[Node], outputs: Sequence[Node], known: Mapping[Node, Node], rule: Rule
) -> tuple[Node, ...]:
    new = dict(known)
    with built_at("") as site:
        for node in nodes:
            if node not in new:
                site.where = node.where
                new[node] = rule(node, tuple([new[i] for i in node.inputs]))
    return tuple(new[n] for n in outputs)


def substitute(outputs: Iterable[Node], mapping: Mapping[Node, Node]) -> tuple[Node, ...]:
    """Return ``outputs`` with some nodes replaced by others."""
    return transform(outputs, mapping, remake)


def depends_on(outputs: Iterable[Node], sources: Iterable[Node]) -> set[Node]:
    """Return the nodes below ``outputs`` whose value depends on one of ``sources``, these included."""
    tainted = set(sources)
    for node in built_since(outputs, min([s.serial for s in tainted], default=0)):
        if any(i in tainted for i in node.inputs):
            tainted.add(node)
    return tainted


def results(node: Node) -> tuple[Node, ...]:
    """Return one node per result: the node itself, or its items."""
    from kbplug.graph.node import item

    return (node,) if isinstance(node.spec, Spec) else tuple(item(node, i) for i in range(len(node.spec)))


def listing(graph: Graph) -> Iterator[str]:
    """Yield the graph line by line, as a reader of SSA expects it."""
    names = {n: f"v{i}" for i, n in enumerate(graph.nodes)}
    for node in graph.inputs:
        yield f"{names[node]}: {node.spec} = input"
    for node in graph.body:
        yield f"{names[node]}: {_types(node.spec)} = {node.op.name}({', '.join(_arguments(node, names))})"
    yield f"return {', '.join(names[n] for n in graph.outputs)}"


def _arguments(node: Node, names: Mapping[Node, str]) -> Iterator[str]:
    yield from (names[i] for i in node.inputs)
    params: Mapping[str, Any] = node.params
    if node.op in (CONSTANT, ITEM):
        yield from map(repr, params.values())
    else:
        yield from (f"{k}={v!r}" for k, v in params.items())


def _types(spec: Any) -> str:
    return str(spec) if isinstance(spec, Spec) else f"({', '.join(map(str, spec))})"
