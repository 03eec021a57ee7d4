"""What cutting a batch saves: roughly how long one sample takes in ops that nothing else would spread over threads.

The numbers are nanoseconds of one thread of a current processor, good to a factor of about two, times the part of them
that other means, threads of the BLAS library or blocks of an elementwise region, would not save. Sizes that are unknown
count as 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from kbplug.dtypes import bits
from kbplug.graph.node import Node
from kbplug.graph.spec import Spec
from kbplug.ops.linalg.products import contracted
from kbplug.ops.sharding import Cut
from kbplug.passes.axes import COMBINE
from kbplug.passes.placement import VIEWS

_FREE = VIEWS | frozenset(COMBINE) | {"item", "mean", "var", "std", "sum_like", "one_in_row"}
"""Ops that copy nothing, and those that other means spread over threads as they do elementwise ones."""

_PRODUCT, _STACKED, _WINDOWS = 0.022 * 0.2, 0.06, 0.03 * 0.6  # a multiplication and an addition each
_POOLED, _ORDERED, _OTHER, _COPIED = 3.0, 20.0, 1.0, 1.0  # an element each

Placements = Mapping[Node, Any]


def work(node: Node, at: Placements) -> float:
    """Return the nanoseconds that a sample costs in ``node``, placed as ``at`` says."""
    name = node.op.name
    if name in _FREE or "elementwise" in node.op.traits:
        return 0.0
    if name in ("matmul", "tensordot", "vecdot"):
        stacked = name == "matmul" and min(i.result.ndim for i in node.inputs) > 2
        return prod(_sizes(node, at)) * _terms(node, at) * (_STACKED if stacked else _PRODUCT)
    if name in ("conv", "conv_input", "conv_kernel"):
        return _windows(node, at) * _WINDOWS
    taken = sum(prod(_sizes(i, at)) for i in node.inputs if isinstance(at[i], Cut))
    if name in ("getitem", "take", "take_along_axis", "one_hot"):
        return prod(_sizes(node, at)) * _OTHER
    if "pool" in name:
        return taken * _POOLED
    return taken * (_ORDERED if "sort" in name or name == "top_k" else _OTHER)


def handing_over(node: Node, at: Placements) -> float:
    """Return the nanoseconds that it costs a sample to be laid beside the others of a result."""
    return prod(_sizes(node, at)) * _COPIED


def bytes_of(node: Node, at: Placements) -> int:
    """Return how many bytes a sample has in what ``node`` writes; none in a view, nor in what is of no one sample."""
    if node.op.name in VIEWS or not isinstance(at[node], Cut) or not isinstance(node.spec, Spec):
        return 0
    return prod(_sizes(node, at)) * bits(node.spec.dtype) // 8


def _sizes(node: Node, at: Placements) -> tuple[int, ...]:
    """Return the sizes of a sample's part of a value."""
    spec, cut = node.spec if isinstance(node.spec, Spec) else node.spec[0], at[node]
    each = {cut.axis: cut.each} if isinstance(cut, Cut) else {}
    return tuple(each.get(i, 1 if n is None else n) for i, n in enumerate(spec.shape))


def _terms(node: Node, at: Placements) -> int:
    """Return how many products a sample adds up for each element."""
    a, b = (_sizes(i, at) for i in node.inputs)
    axes_a: Sequence[int] = (len(a) - 1,)
    axes_b: Sequence[int] = (max(len(b) - 2, 0),)
    if node.op.name == "vecdot":
        axes_a = axes_b = (node.params["axis"],)
    elif node.op.name == "tensordot":
        axes_a, axes_b = contracted(node.params["axes"], len(a), len(b))
    return min(prod(a[i] for i in axes_a), prod(b[i] for i in axes_b))


def _windows(node: Node, at: Placements) -> int:
    """Return how many products a sample takes part in."""
    if node.op.name == "conv_kernel":
        channels = node.result.shape[-2] or 1
        return prod(_sizes(node.inputs[1], at)) * prod(n or 1 for n in node.params["shape"]) * channels
    positions = node if node.op.name == "conv" else node.inputs[0]
    return prod(_sizes(positions, at)) * prod(n or 1 for n in node.inputs[1].result.shape[:-1])
