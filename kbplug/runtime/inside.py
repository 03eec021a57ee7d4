"""What an engine may see of a graph that it is given as a function: enough to write code of its own for it.

An emitted function has it as its attribute ``inside``, and so have those of loops and branches that kernels get; one
that runs node by node, as for a value asked for in passing, has none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kbplug.graph.graph import Graph, transform
from kbplug.graph.node import ITEM, Node, infer, literal, make, parameter, remake, scalar_of
from kbplug.graph.spec import Spec
from kbplug.ops.sizes import host_arithmetic
from kbplug.passes.simplify import simplify
from kbplug.runtime.calls import Run, fill_shape, sized


@dataclass(frozen=True, slots=True)
class Inside:
    """A graph behind a function.

    Parameters
    ----------
    graph
        What the function computes.
    emit
        Returns a part of it as a function on the same engine, with the same regions.
    """

    graph: Graph
    emit: Callable[[Graph], Run]

    def at(self, specs: Sequence[Spec]) -> Graph:
        """Return the graph for operands of known sizes: its own sizes known, its regions opened, simplified."""
        formal = [parameter(i, s) for i, s in enumerate(specs)]
        known = dict(zip(self.graph.inputs, formal, strict=True))
        return simplify(Graph(formal, transform(self.graph.outputs, known, _opened)))


def _opened(node: Node, inputs: tuple[Node, ...]) -> Node:
    """Return ``node`` over other operands: what a region computes in place of the region, and sizes as integers."""
    if node.op.name == "fused" and isinstance(node.spec, Spec):
        return node.params["body"](*inputs)[0]  # type: ignore[no-any-return]
    if node.op is ITEM and inputs[0].op.name == "fused":
        return inputs[0].params["body"](*inputs[0].inputs)[node.params["index"]]  # type: ignore[no-any-return]
    size = _size(node, inputs)
    return literal(size, "int64") if size is not None else _filled(node, inputs)


def _size(node: Node, inputs: tuple[Node, ...]) -> int | None:
    """Return the size that a node is, if it is one that is known."""
    if node.op.name == "dim":
        return inputs[0].result.shape[node.params["axis"]]
    function, scalars = host_arithmetic(node.op.name), [scalar_of(i) for i in inputs]
    if function is None or node.spec != Spec((), "int64") or not all(type(s) is int for s in scalars):
        return None
    return int(function(*scalars))


def _filled(node: Node, inputs: tuple[Node, ...]) -> Node:
    """Return ``node`` over other operands, without those that are known sizes of its result."""
    tail = sized(node)
    sizes = [scalar_of(i) for i in inputs[len(inputs) - tail :]]
    if not tail or None in sizes:
        return remake(node, inputs)
    rest, params = inputs[: len(inputs) - tail], {**node.params, "shape": fill_shape(node.params["shape"], sizes)}
    return make(node.op, rest, params, infer(node.op, rest, params), node.where)
