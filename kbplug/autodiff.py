"""Reverse-mode derivatives, graph to graph: one walk back over the nodes, whose rules build more nodes.

Since a gradient is an ordinary graph, a derivative of any order is the same walk again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from kbplug.dtypes import COMPLEX, is_floating
from kbplug.errors import ArgumentError, GradientError
from kbplug.graph.graph import topological
from kbplug.graph.node import ITEM, Node, item
from kbplug.graph.op import ZERO
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor, built_at
from kbplug.ops.declare import decomposition
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import unbroadcast

Cotangents = dict[Node, Tensor]


def gradients(loss: Tensor, wrt: Sequence[Tensor]) -> list[Tensor | None]:
    """Return d loss / d w for each ``w``, as lazy tensors of the shape and dtype of ``w``.

    Parameters
    ----------
    loss
        A floating-point tensor; one with several elements stands for their sum.
    wrt
        Any tensors: variables, placeholders or results.

    Returns
    -------
    list of Tensor or None
        None where no differentiable path leads from ``w`` to the loss. For complex ``w`` it is
        dL/dRe + i dL/dIm.

    Raises
    ------
    GradientError
        If an op on the way declares no derivative.
    ArgumentError
        If the loss is no floating-point tensor.
    """
    if not is_floating(loss.dtype):
        raise ArgumentError(f"A loss of dtype {loss.dtype} has no gradient; it must be floating-point.")
    return vjp([loss], [xp.ones_like(loss)], wrt)


def vjp(
    outputs: Sequence[Tensor],
    cotangents: Sequence[Tensor | None],
    wrt: Sequence[Tensor],
    independent: bool = False,
) -> list[Tensor | None]:
    """Return the cotangents of ``wrt`` for given cotangents of ``outputs``: the vector-Jacobian product.

    Where ``wrt`` are ``independent``, as the operands of one op are to its rule, none counts as computed from another.
    """
    sources = [w.node for w in wrt]
    cut = set(sources) if independent else set()
    ends = [o.node for o, g in zip(outputs, cotangents, strict=True) if g is not None]
    nodes = [n for n in topological(ends, cut) if n not in cut]
    active = _paths(nodes, sources)
    found: Cotangents = {}
    for output, cotangent in zip(outputs, cotangents, strict=True):
        if cotangent is not None:
            _add(found, output.node, cotangent)
    for node in reversed(nodes):
        if any(i in active for i in node.inputs):
            _walk(node, found, active)
    return [found.get(s) for s in sources]


def _paths(nodes: Sequence[Node], sources: Sequence[Node]) -> set[Node]:
    """Return those of ``nodes`` through which gradients reach ``sources``: never through integers, as sizes are."""
    found = set(sources)
    for node in nodes:
        specs = (node.spec,) if isinstance(node.spec, Spec) else node.spec
        if any(i in found for i in node.inputs) and any(is_floating(s.dtype) for s in specs):
            found.add(node)
    return found


def _walk(node: Node, found: Cotangents, active: set[Node]) -> None:
    """Pass the cotangent of ``node`` on to its operands."""
    if isinstance(node.spec, Spec):
        if node not in found or not is_floating(node.spec.dtype):
            return
        if node.op is ITEM:
            return  # its owner collects all items at once
        given: Any = found[node]
    else:
        given = tuple(found.get(item(node, i)) for i in range(len(node.spec)))
        if not any(g is not None for g in given):
            return
    with built_at(node.where):
        for operand, cotangent in zip(node.inputs, _rule(node, given), strict=True):
            if cotangent is not None and operand in active and is_floating(operand.result.dtype):
                _add(found, operand, cotangent)


def _rule(node: Node, given: Any) -> Sequence[Any]:
    """Return a cotangent per operand, by the op's rule or through its decomposition."""
    op = node.op
    operands = [Tensor(i) for i in node.inputs]
    if op.vjp is ZERO:
        return [xp.zeros_like(x) if is_floating(x.dtype) else None for x in operands]
    if op.vjp is not None:
        placed, params = op.arrange(operands, node.params)
        if "control" in op.traits:  # its rule differentiates the graphs it carries, by this same walk
            params["vjp"] = partial(vjp, independent=True)
        rows = op.vjp(given, _results(node), *placed, **params)
        return [r for r, p in zip(rows, placed, strict=True) if p is not None] if len(placed) == len(rows) else rows
    if "composite" in op.traits:
        return _through(node, given, operands)
    raise GradientError(
        f"The op {op.name!r} built at {node.where} has no derivative; take it out of the path to the loss or stop the "
        "gradient there."
    )


def _results(node: Node) -> Any:
    if isinstance(node.spec, Spec):
        return Tensor(node)
    return tuple(Tensor(item(node, i)) for i in range(len(node.spec)))


def _through(node: Node, given: Any, operands: list[Tensor]) -> list[Tensor | None]:
    outputs = [Tensor(o) for o in decomposition(node)(*node.inputs)]
    rows = vjp(outputs, given if isinstance(given, tuple) else (given,), operands, independent=True)
    first = {n: i for i, n in reversed(list(enumerate(node.inputs)))}
    return [r if first[n] == i else None for i, (n, r) in enumerate(zip(node.inputs, rows, strict=True))]


def _add(found: Cotangents, node: Node, cotangent: Tensor) -> None:
    """Add a cotangent to what came by other paths, in the shape and dtype of the node."""
    fitted = _fit(cotangent, Tensor(node))
    found[node] = found[node] + fitted if node in found else fitted


def _fit(g: Tensor, x: Tensor) -> Tensor:
    """Undo broadcasting, and take the real part of what reaches a real tensor from a complex path."""
    g = unbroadcast(g, x)
    if g.dtype in COMPLEX and x.dtype not in COMPLEX:
        g = xp.real(g)
    return g if g.dtype == x.dtype else xp.astype(g, x.dtype)


__all__ = ["gradients", "vjp"]
