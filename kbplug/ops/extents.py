"""Which unknown sizes must be equal: what decides each size, followed down the graph as far as it is certain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from weakref import WeakKeyDictionary

from kbplug.graph.node import Node, Slice
from kbplug.graph.spec import Spec, normalize_axes
from kbplug.graph.tensor import Tensor

Extent = int | tuple[int, int]
"""A known size, or the serial of the node and the axis where it first appears."""

Extents = tuple[Extent, ...]

_found: WeakKeyDictionary[Node, Extents] = WeakKeyDictionary()
"""Of nodes with unknown sizes; a known shape is its own extents."""


def same_shape(a: Tensor, b: Tensor) -> bool:
    """Say whether two tensors must have one shape when run, whatever is fed."""
    return a.ndim == b.ndim and extents(a.node) == extents(b.node)


def extents(node: Node) -> Extents:
    """Return what decides each size of ``node``; equal extents are equal sizes."""
    known = _known(node)
    if known is not None:
        return known
    stack = [node]
    while stack:
        waiting = [i for i in _asked(stack[-1]) if _known(i) is None]
        if waiting:
            stack.extend(waiting)
        else:
            found = stack.pop()
            _found[found] = _extents(found)
    return _found[node]


def _known(node: Node) -> Extents | None:
    """Return the extents of a node whose sizes are known, or that was asked for before."""
    spec = node.spec
    if not isinstance(spec, Spec):
        return ()
    return _found.get(node) if None in spec.shape else cast(Extents, spec.shape)


def _asked(node: Node) -> tuple[Node, ...]:
    """Return the nodes whose extents decide those of ``node``."""
    sizes = tuple(i.inputs[0] for i in node.inputs if i.op.name == "dim")
    return tuple(i for i in (*node.inputs, *sizes) if isinstance(i.spec, Spec))


def _extents(node: Node) -> Extents:
    own: Extents = tuple((node.serial, i) if n is None else n for i, n in enumerate(node.result.shape))
    if "elementwise" in node.op.traits:
        return tuple(_broadcast(node, i, own[i]) for i in range(len(own)))
    if "row" in node.op.traits:
        return (*extents(node.inputs[0])[:-1], 1)
    rule = _RULES.get(node.op.name)
    return own if rule is None else rule(node, own)


def _broadcast(node: Node, axis: int, own: Extent) -> Extent:
    """Return the extent of a broadcast axis: that of its operands if they agree, those of size 1 aside."""
    rank = len(node.result.shape)
    candidates = set()
    for operand in node.inputs:
        at = axis - rank + operand.result.ndim
        if at >= 0 and operand.result.shape[at] != 1:
            candidates.add(extents(operand)[at])
    return candidates.pop() if len(candidates) == 1 else own


def _sized(node: Node, own: Extents) -> Extents:
    rest = iter(node.inputs[len(node.inputs) - sum(n is None for n in node.params["shape"]) :])
    return tuple(o if isinstance(o, int) else _size(next(rest), o) for o in own)


def _size(operand: Node, own: Extent) -> Extent:
    return extents(operand.inputs[0])[operand.params["axis"]] if operand.op.name == "dim" else own


def _permuted(node: Node, own: Extents) -> Extents:
    below = extents(node.inputs[0])
    return tuple(below[a] for a in node.params["axes"])


def _transposed(node: Node, own: Extents) -> Extents:
    below = extents(node.inputs[0])
    return (*below[:-2], below[-1], below[-2])


def _expanded(node: Node, own: Extents) -> Extents:
    rest = iter(extents(node.inputs[0]))
    new = normalize_axes(node.params["axis"], len(own))
    return tuple(1 if i in new else next(rest) for i in range(len(own)))


def _reduced(node: Node, own: Extents) -> Extents:
    below = extents(node.inputs[0])
    axes = normalize_axes(node.params["axis"], len(below))
    if node.params["keepdims"]:
        return tuple(1 if i in axes else b for i, b in enumerate(below))
    return tuple(b for i, b in enumerate(below) if i not in axes)


def _product(node: Node, own: Extents) -> Extents:
    a, b = (extents(i) for i in node.inputs)
    return (a[0], b[1]) if len(a) == len(b) == 2 else own


def _indexed(node: Node, own: Extents) -> Extents:
    below, index = extents(node.inputs[0]), node.params["index"]
    plain = len(index) <= len(below) and all(isinstance(k, Slice) for k in index)
    whole = [i for i in range(len(below)) if i >= len(index) or index[i] == Slice(None, None, None)]
    return tuple(below[i] if i in whole else o for i, o in enumerate(own)) if plain else own


def _of(position: int) -> Any:
    return lambda node, own: extents(node.inputs[position])


_RULES: dict[str, Callable[[Node, Extents], Extents]] = {
    "broadcast_to": _sized,
    "expand_dims": _expanded,
    "getitem": _indexed,
    "setitem": _of(0),
    "matmul": _product,
    "matrix_transpose": _transposed,
    "permute_dims": _permuted,
    "sum_like": _of(1),
    **{f"random.{name}": _sized for name in ("bits", "integers", "normal", "truncated_normal", "uniform")},
    **dict.fromkeys(("sum", "mean", "max", "min", "prod", "var", "std", "all", "any"), _reduced),
}
