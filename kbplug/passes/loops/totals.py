"""The sum over all steps of a value inside a loop, without a stack of it where it is a product or a sum itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kbplug.graph.node import Node
from kbplug.graph.spec import normalize_axes
from kbplug.graph.tensor import Tensor
from kbplug.ops.linalg.products import contracted
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import sum_like
from kbplug.passes.loops.along import Value

Values = Mapping[Node, Value]


def total(node: Node, values: Values) -> Tensor | None:
    """Return the sum of ``node`` over the steps.

    Parameters
    ----------
    values
        What ``node`` and all nodes below it are outside the loop.
    """
    rule = _RULES.get(node.op.name)
    found = rule(node, values) if rule is not None else None
    value = values[node]
    if found is not None or not value.stacked:
        return found
    return xp.sum(value.outer, axis=0, dtype=value.outer.dtype)


def _add(node: Node, values: Values) -> Tensor | None:
    if any(i.spec != node.spec for i in node.inputs):
        return None
    a, b = (total(i, values) for i in node.inputs)
    return None if a is None or b is None else a + b


def _matmul(node: Node, values: Values) -> Tensor | None:
    """One product over steps and terms together."""
    a, b = (values[i] for i in node.inputs)
    if not (a.stacked and b.stacked) or any(i.result.ndim != 2 for i in node.inputs):
        return None
    (x, of_x), (y, of_y) = _untransposed(a.outer, 2), _untransposed(b.outer, 1)
    return xp.tensordot(x, y, axes=((0, of_x), (0, of_y)))


def _untransposed(x: Tensor, axis: int) -> tuple[Tensor, int]:
    """Return a stack of matrices and an axis of it, both before it was transposed."""
    turned = x.node.op.name == "matrix_transpose"
    return (Tensor(x.node.inputs[0]), 3 - axis) if turned else (x, axis)


def _tensordot(node: Node, values: Values) -> Tensor | None:
    a, b = (values[i] for i in node.inputs)
    if not (a.stacked and b.stacked):
        return None
    axes = contracted(node.params["axes"], *(i.result.ndim for i in node.inputs))
    of_a, of_b = (tuple(i + 1 for i in of) for of in axes)
    return xp.tensordot(a.outer, b.outer, axes=((0, *of_a), (0, *of_b)))


def _sum(node: Node, values: Values) -> Tensor | None:
    x = values[node.inputs[0]]
    if not x.stacked or node.params["keepdims"]:
        return None
    axes = normalize_axes(node.params["axis"], node.inputs[0].result.ndim)
    return xp.sum(x.outer, axis=(0, *(i + 1 for i in axes)), dtype=node.result.dtype)


def _sum_like(node: Node, values: Values) -> Tensor | None:
    x, like = (values[i] for i in node.inputs)
    return sum_like(x.outer, like.outer) if x.stacked and not like.stacked else None


_RULES: Mapping[str, Callable[[Node, Values], Tensor | None]] = {
    "add": _add,
    "matmul": _matmul,
    "tensordot": _tensordot,
    "sum": _sum,
    "sum_like": _sum_like,
}
