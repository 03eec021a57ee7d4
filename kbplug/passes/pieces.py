"""A sum of parts, each put into zeros at a slice of its own, is the parts side by side.

The gradient of a value that was taken apart, as the gates of a recurrent cell are, comes as such a sum. It is what it
was but for the sign of a zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

from kbplug.graph.graph import Graph, substitute
from kbplug.graph.node import Node, Slice, make, parameter, remake, scalar_of
from kbplug.graph.tensor import Tensor
from kbplug.ops.control import split
from kbplug.ops.extents import same_shape
from kbplug.ops.namespace import namespace as xp
from kbplug.passes.nested import within


class _Piece(NamedTuple):
    """What stands from ``start`` to ``stop`` of an axis, among zeros."""

    start: int
    stop: int
    axis: int
    value: Tensor


_Pieces = tuple[_Piece, ...]


def pieces(graph: Graph) -> Graph:
    """Return ``graph`` with such sums made by laying parts side by side; in graphs inside it too."""
    parts: dict[Node, _Pieces] = {}

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node:
        new = within(_with_zeros(remake(node, inputs)), pieces)
        found = _parts(new, parts)
        if not found:
            return new
        parts[new] = found
        return xp.concat([p.value for p in found], axis=found[0].axis).node if _fill(found, new) else new

    return graph.rebuild(rule)


def _parts(node: Node, known: Mapping[Node, _Pieces]) -> _Pieces:
    """Return the pieces that ``node`` is the sum of, in order; none if it is no such sum."""
    if node.op.name == "setitem":
        return _part(node)
    if node.op.name != "add" or any(i not in known or i.spec != node.spec for i in node.inputs):
        return ()
    a, b = (known[i] for i in node.inputs)
    return tuple(sorted((*a, *b), key=lambda p: p.start)) if a[0].axis == b[0].axis else ()


def _part(node: Node) -> _Pieces:
    zeros, value = map(Tensor, node.inputs[:2])
    cuts = [(i, k) for i, k in enumerate(node.params["index"]) if k != Slice(None, None, None)]
    if len(node.inputs) > 2 or not _is_zero(zeros.node) or len(cuts) != 1 or not isinstance(cuts[0][1], Slice):
        return ()
    (axis, cut), size = cuts[0], zeros.shape[cuts[0][0]]
    part = zeros[tuple(slice(*k) for k in node.params["index"])]
    if size is None or cut.step not in (None, 1) or not same_shape(part, value):
        return ()
    start, stop, _ = slice(*cut).indices(size)
    return (_Piece(start, stop, axis, value),)


def _is_zero(node: Node) -> bool:
    return node.op.name == "broadcast_to" and scalar_of(node.inputs[0]) == 0


def _fill(found: _Pieces, whole: Node) -> bool:
    """Say whether pieces in order leave no gap and do not overlap."""
    size = whole.result.shape[found[0].axis]
    bounds = [(0, 0), *((p.start, p.stop) for p in found), (size, size)]
    return len(found) > 1 and all(a[1] == b[0] for a, b in pairwise(bounds))


def _with_zeros(node: Node) -> Node:
    """Return a scan with the zeros that it captured made inside, where they can be told from other values."""
    if node.op.name != "scan":
        return node
    params, body = node.params, node.params["body"]
    captured = split(node.inputs, params["carries"], params["sequences"]).captured
    first = len(node.inputs) - len(captured)
    inside = {i: n for i, n in enumerate(captured, first) if _is_zero(n) and len(n.inputs) == 1}
    if not inside:
        return node
    kept = [i for i in range(len(node.inputs)) if i not in inside]
    formal = {i: parameter(place, body.inputs[i].result) for place, i in enumerate(kept)}
    new = {n: formal.get(i) or inside[i] for i, n in enumerate(body.inputs)}
    whole = Graph(formal.values(), substitute(body.outputs, new))
    return make(node.op, tuple(node.inputs[i] for i in kept), {**params, "body": whole}, node.spec, node.where)
