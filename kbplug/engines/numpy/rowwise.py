"""What NumPy does in one call on rows where a region asks for two: sums of products, and one more element in a row.

The rewrites know regions and no sizes; the kernels beside them know arrays. Only a value that nothing else needs is
left out, so each saves a pass over a matrix.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from kbplug.engines.numpy.reductions import LONG
from kbplug.graph.graph import Graph
from kbplug.graph.node import Node, make, remake
from kbplug.graph.op import Op
from kbplug.graph.spec import Spec
from kbplug.ops.extents import extents
from kbplug.passes.regions import is_row_reduction

Array = np.ndarray[Any, Any]


def in_fewer_calls(region: Graph) -> Graph:
    """Return a region that computes the same by the ops of this module where they fit.

    A sum of products is off by at most ``n / 16`` roundings of the sum of their absolute values. A zero beside the
    element that a value is added to keeps its sign, where adding zero would have lost it.
    """

    def spare(node: Node) -> bool:
        return len(region.uses[node]) == 1 and node not in region.outputs

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node:
        product = node.inputs[0] if node.inputs else None
        if product is not None and _is_product(node, product) and spare(product):
            params = {"averaged": node.op.name == "mean"}
            return make(ROW_PRODUCT, inputs[0].inputs, params, node.result, node.where)
        if node.op.name == "add":
            for one, (new, other) in zip(node.inputs, (inputs, inputs[::-1]), strict=True):
                if _puts_one(one) and spare(one) and extents(other) == extents(node):
                    return make(PLUS_ONE_IN_ROW, (other, *new.inputs), {}, node.result, node.where)
        return remake(node, inputs)

    return region.rebuild(rule)


def _is_product(node: Node, product: Node) -> bool:
    """Say whether a node adds up, over each row, the products of two matrices."""
    if node.op.name not in ("sum", "mean") or not is_row_reduction(node) or product.op.name != "multiply":
        return False
    dtype = product.result.dtype
    same = dtype in ("float32", "float64") and node.result.dtype == dtype
    return same and all(extents(i) == extents(product) for i in product.inputs)


def _puts_one(node: Node) -> bool:
    """Say whether a node is zeros with one value in each row."""
    return node.op.name == "one_in_row" and all(i.result.shape[-1:] == (1,) for i in node.inputs)


def row_product(a: Array, b: Array, *, averaged: bool) -> Array:
    """Return the sum over each row of ``a * b``, or the mean."""
    length = a.shape[-1]
    by_blas = length <= LONG  # over more it adds less exactly
    found = np.vecdot(a, b)[..., None] if by_blas else np.add.reduce(np.multiply(a, b), axis=-1, keepdims=True)
    return np.true_divide(found, length, found) if averaged else found


def plus_one_in_row(y: Array, values: Array, indices: Array, *, out: Array | None = None) -> Array:
    """Return ``y`` with a value added in each row; indices outside of the row count nothing. ``out`` may be ``y``."""
    found = np.empty(y.shape, y.dtype) if out is None else out
    if found is not y:
        np.copyto(found, y)
    lead = (*found.shape[:-1], 1)
    places, added = (np.broadcast_to(a, lead).reshape(-1) for a in (indices, values))
    inside = (places >= 0) & (places < found.shape[-1])
    rows: Any = np.arange(prod(lead))
    if not inside.all():
        rows, places, added = rows[inside], places[inside], added[inside]
    found.reshape(-1, found.shape[-1])[rows, places] += added
    return found


ROW_PRODUCT = Op(
    "row_product",
    inspect.signature(lambda x1, x2, /, *, averaged: None),
    doc="Sum over each row of ``x1 * x2``.",
    infer=lambda a, b, *, averaged: Spec((*a.shape[:-1], 1), a.dtype),
    traits=("row",),
)

PLUS_ONE_IN_ROW = Op(
    "plus_one_in_row",
    inspect.signature(lambda x, values, indices, /: None),
    doc="``x`` with a value added in each row.",
    infer=lambda x, values, indices: x,
    traits=("elementwise",),
)

KERNELS: Mapping[str, Callable[..., Any]] = {"row_product": row_product, "plus_one_in_row": plus_one_in_row}

OVER = frozenset({"plus_one_in_row"})
"""Kernels that may write over their first operand."""
