"""The checker of graphs: what must hold after every pass. Knows no op by name."""

from __future__ import annotations

from kbplug.dtypes import ALL
from kbplug.errors import GraphError
from kbplug.graph.graph import Graph
from kbplug.graph.node import CONSTANT, ITEM, Node, infer
from kbplug.graph.op import Specs
from kbplug.graph.spec import Spec, compatible


def verify(graph: Graph) -> Graph:
    """Return ``graph`` if it is well formed.

    Checked: it is closed, its inputs are distinct, every node's spec is one that its op infers from
    its operands, operands that promote together have one dtype, an op with several results is read only
    through ``item``, and nested graphs are well formed too.

    Raises
    ------
    GraphError
        Naming the first node that breaks a rule.
    """
    inputs = set(graph.inputs)
    if len(inputs) != len(graph.inputs):
        raise GraphError("A graph names one node twice among its inputs.")
    for node in graph.nodes:
        _check_specs(node)
        if node in inputs:
            if not node.inputs:
                _check_inference(node)  # what stands below any other input is cut off
            continue
        _check_leaf(node)
        _check_operands(node)
        _check_promotion(node)
        for nested in _graphs(node):
            verify(nested)
        _check_inference(node)
    for node in graph.outputs:
        if not isinstance(node.spec, Spec):
            raise GraphError(f"An output must be one array, but {node!r} is several; take its items.")
    return graph


def _check_leaf(node: Node) -> None:
    if not node.inputs and node.symbolic:
        raise GraphError(f"The graph is not closed: {node!r} is neither an input nor a constant nor a cell.")


def _check_specs(node: Node) -> None:
    for spec in _each(node.spec):
        if spec.dtype not in ALL or any(n is not None and n < 0 for n in spec.shape):
            raise GraphError(f"{node!r} has the impossible spec {spec}.")


def _check_operands(node: Node) -> None:
    for operand in node.inputs:
        if not isinstance(operand.spec, Spec) and node.op is not ITEM:
            raise GraphError(f"{node!r} uses several results at once; take an item first.")


def _check_promotion(node: Node) -> None:
    together = () if node.op.promotes is None else node.op.promotes(len(node.inputs))
    dtypes = {node.inputs[i].result.dtype for i in together}
    if len(dtypes) > 1:
        raise GraphError(f"{node!r} mixes {' and '.join(sorted(dtypes))}; only a cast may change a dtype.")


def _check_inference(node: Node) -> None:
    if not node.inputs and (node.op is CONSTANT or "leaf" in node.op.traits):
        return
    inferred = infer(node.op, node.inputs, node.params)
    expected, found = _each(inferred), _each(node.spec)
    if len(expected) != len(found) or not all(map(_may_be, found, expected)):
        listed = ", ".join(map(str, expected))
        raise GraphError(f"{node!r} should be {listed}, since that is what its op infers.")


def _may_be(found: Spec, expected: Spec) -> bool:
    return found.dtype == expected.dtype and compatible(expected.shape, found.shape)


def _each(specs: Specs) -> tuple[Spec, ...]:
    return (specs,) if isinstance(specs, Spec) else specs


def _graphs(node: Node) -> list[Graph]:
    return [v for v in node.params.values() if isinstance(v, Graph)]
