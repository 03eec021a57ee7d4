"""One op on all steps at once: rules that give it, for operands with the steps as a new first axis, its results alike.

An op without a rule stays in its loop: what is missing costs speed, never correctness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from kbplug.graph.index import ARRAY, SIZE
from kbplug.graph.node import Node, Slice, remake
from kbplug.graph.spec import normalize_axes, normalize_axis
from kbplug.graph.tensor import Tensor
from kbplug.ops.linalg.products import contracted
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import size_along


class Value(NamedTuple):
    """A value outside a loop that is the same in each step, or, ``stacked``, has the steps as its first axis."""

    outer: Tensor
    stacked: bool


Rule = Callable[..., Tensor | None]


def along(node: Node, operands: Sequence[Value]) -> Value | None:
    """Return the value outside of a ``node`` inside a loop, given those of its operands; None if no rule says how."""
    if not any(v.stacked for v in operands):
        return Value(Tensor(remake(node, tuple([v.outer.node for v in operands]))), stacked=False)
    rule = _broadcast if "elementwise" in node.op.traits else RULES.get(node.op.name)
    found = None if rule is None else rule(node, *operands)
    return None if found is None else Value(found, stacked=True)


def _lifted(value: Value, ndim: int) -> Tensor:
    """Return a stacked value whose elements have ``ndim`` dimensions, new ones in front; another one as it is."""
    x = value.outer
    missing = ndim + 1 - x.ndim
    return xp.expand_dims(x, axis=tuple(range(1, 1 + missing))) if value.stacked and missing > 0 else x


def _broadcast(node: Node, *operands: Value) -> Tensor:
    placed, params = node.op.arrange([_lifted(v, node.result.ndim) for v in operands], node.params)
    found: Tensor = node.op(*placed, **params)
    return found


def _matmul(node: Node, a: Value, b: Value) -> Tensor | None:
    of_a, of_b = (i.result.ndim for i in node.inputs)
    if a.stacked and not b.stacked and of_b <= 2:
        return xp.tensordot(a.outer, b.outer, axes=((a.outer.ndim - 1,), (0,)))  # one product of matrices
    if a.stacked and b.stacked and min(of_a, of_b) > 1:
        most = max(of_a, of_b)
        return xp.matmul(_lifted(a, most), _lifted(b, most))
    if b.stacked and not a.stacked and of_a == 2 and of_b == 1:
        return xp.tensordot(b.outer, a.outer, axes=((1,), (1,)))
    return None


def _tensordot(node: Node, a: Value, b: Value) -> Tensor | None:
    if b.stacked:
        return None
    of_a, of_b = contracted(node.params["axes"], *(i.result.ndim for i in node.inputs))
    return xp.tensordot(a.outer, b.outer, axes=(tuple(i + 1 for i in of_a), of_b))


def _getitem(node: Node, x: Value, *operands: Value) -> Tensor | None:
    index = node.params["index"]
    plain = all(k is not ARRAY and not (isinstance(k, Slice) and SIZE in k[:2]) for k in index)
    return x.outer[(slice(None), *(slice(*k) if isinstance(k, Slice) else k for k in index))] if plain else None


def _transposed(node: Node, x: Value) -> Tensor:
    return xp.matrix_transpose(x.outer)


def _permuted(node: Node, x: Value) -> Tensor:
    return xp.permute_dims(x.outer, axes=(0, *_after(node.params["axes"], x.outer.ndim - 1)))


def _moved(node: Node, x: Value) -> Tensor:
    ndim = x.outer.ndim - 1
    return xp.moveaxis(x.outer, *(_after(node.params[k], ndim) for k in ("source", "destination")))


def _expanded(node: Node, x: Value) -> Tensor:
    return xp.expand_dims(x.outer, axis=_after(node.params["axis"], node.result.ndim))


def _squeezed(node: Node, x: Value) -> Tensor:
    return xp.squeeze(x.outer, axis=_after(node.params["axis"], x.outer.ndim - 1))


def _reduced(node: Node, x: Value) -> Tensor:
    params = {**node.params, "axis": _after(node.params["axis"], x.outer.ndim - 1)}
    found: Tensor = node.op(x.outer, **params)
    return found


def _reshaped(node: Node, x: Value, *sizes: Value) -> Tensor | None:
    known = [n for n in node.result.shape if n is not None]
    whole = not sizes and len(known) == node.result.ndim
    return xp.reshape(x.outer, (size_along(x.outer, 0), *known)) if whole else None


def _repeated(node: Node, x: Value, *sizes: Value) -> Tensor | None:
    if sizes:
        return None
    return xp.broadcast_to(_lifted(x, node.result.ndim), (size_along(x.outer, 0), *node.params["shape"]))


def _joined(node: Node, *operands: Value) -> Tensor | None:
    if node.params["axis"] is None or not all(v.stacked for v in operands):
        return None
    axis = normalize_axis(node.params["axis"], node.result.ndim) + 1
    found: Tensor = node.op(*(v.outer for v in operands), axis=axis)
    return found


def _after(axis: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """Return axes of an element as those of a stack of elements."""
    return tuple(i + 1 for i in normalize_axes(axis, ndim))


RULES: Mapping[str, Rule] = {
    "matmul": _matmul,
    "tensordot": _tensordot,
    "getitem": _getitem,
    "matrix_transpose": _transposed,
    "permute_dims": _permuted,
    "moveaxis": _moved,
    "expand_dims": _expanded,
    "squeeze": _squeezed,
    "reshape": _reshaped,
    "broadcast_to": _repeated,
    **dict.fromkeys(("concat", "stack"), _joined),
    **dict.fromkeys(("sum", "mean", "max", "min", "prod", "all", "any"), _reduced),
}
