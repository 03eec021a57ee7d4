"""A Python function on tensors becomes a graph; what it closed over becomes operands. Knows no op by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from kbplug.graph.graph import Graph, built_since, depends_on, substitute
from kbplug.graph.node import CONSTANT, ArrayValue, Node, now, parameter, placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor, tensor


class Traced(NamedTuple):
    """A closed graph over ``len(arguments) + len(captured)`` inputs, and the outer nodes to pass as the last ones."""

    graph: Graph
    captured: tuple[Node, ...]
    results: tuple[Tensor, ...]


def trace(function: Callable[..., Any], specs: Sequence[Spec]) -> Traced:
    """Return ``function`` as a closed graph.

    The function is called once with symbolic tensors of ``specs``. Whatever its results need that does
    not depend on the arguments stays outside and is captured as an operand, so loop-invariant work is
    outside a loop by construction.

    Parameters
    ----------
    function
        Takes one tensor per spec; returns a tensor or a sequence of them.
    specs
        What is known of the arguments.
    """
    arguments = [placeholder(s, f"argument {i}") for i, s in enumerate(specs)]
    returned = function(*map(Tensor, arguments))
    results = tuple(tensor(t) for t in (returned if isinstance(returned, list | tuple) else (returned,)))
    return close(arguments, results)


def close(arguments: Sequence[Node], results: Sequence[Tensor]) -> Traced:
    """Return the graph from ``arguments`` to ``results`` with everything else captured."""
    outputs = [t.node for t in results]
    inside = depends_on(outputs, arguments)
    captured = tuple(dict.fromkeys(_frontier(outputs, inside)))
    inputs = (*arguments, *captured)
    formal = [parameter(i, n.result) for i, n in enumerate(inputs)]
    graph = Graph(formal, substitute(outputs, dict(zip(inputs, formal, strict=True))))
    return Traced(graph, captured, tuple(results))


def _frontier(outputs: Iterable[Node], inside: set[Node]) -> Iterable[Node]:
    """Yield the outer nodes that inner ones (or the results themselves) use; scalars stay where they are."""
    for node in built_since(outputs, min([n.serial for n in inside], default=now())):
        if node in inside:
            yield from (i for i in node.inputs if i not in inside and not _is_scalar(i))
    yield from (n for n in outputs if n not in inside and not _is_scalar(n))


def _is_scalar(node: Node) -> bool:
    return node.op is CONSTANT and not isinstance(node.params["value"], ArrayValue)
