"""Identities that hold for every value, NaN, infinities and signed zeros included; each row says what it does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from kbplug.dtypes import BOOL, COMPLEX, INTEGER, REAL_FLOATING, bits
from kbplug.errors import DTypeError
from kbplug.graph.graph import Graph
from kbplug.graph.node import Slice, literal, parameter, remake, scalar_of
from kbplug.graph.op import Op, lookup
from kbplug.graph.spec import normalize_axes
from kbplug.graph.tensor import Tensor
from kbplug.ops.control import cond, scan, while_
from kbplug.ops.extents import same_shape
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import dim
from kbplug.passes.rewrite import Rule, index_rules, rewrite


def simplify(graph: Graph) -> Graph:
    """Return ``graph`` with the identities of this module applied."""
    return rewrite(graph, _RULES)


def _is(x: Tensor, value: float) -> bool:
    """Say whether ``x`` is the 0-d constant ``value``, with its sign if it is 0."""
    scalar = scalar_of(x.node)
    if scalar is None or isinstance(scalar, bool):
        return False
    same_sign = not isinstance(scalar, float) or math.copysign(1, scalar) == math.copysign(1, value)
    return scalar == value and same_sign


def _keeps(x: Tensor, other: Tensor) -> Tensor | None:
    """Return ``x`` if broadcasting a 0-d ``other`` against it changes nothing."""
    return x if other.ndim == 0 else None


def _both(x: Tensor, a: Tensor, b: Tensor) -> Tensor | None:
    return x if a.shape == b.shape == x.shape and None not in x.shape else None


def _made_by(x: Tensor, name: str) -> bool:
    return x.node.op.name == name


def _operand(x: Tensor, i: int = 0) -> Tensor:
    return Tensor(x.node.inputs[i])


# For complex numbers 1 is no identity: (inf + 0j) * (1 + 0j) is inf + nan j.
def _identity_left(value: float) -> Any:
    return lambda a, b: _keeps(b, a) if _is(a, value) and b.dtype not in COMPLEX else None


def _identity_right(value: float) -> Any:
    return lambda a, b: _keeps(a, b) if _is(b, value) and a.dtype not in COMPLEX else None


def _undo(name: str) -> Any:
    return lambda x: _operand(x) if _made_by(x, name) else None


def _plus_zero(a: Tensor, b: Tensor) -> Tensor | None:
    zero = 0.0 if a.dtype in INTEGER else -0.0  # 0.0 would turn -0.0 into 0.0
    return _keeps(a, b) if _is(b, zero) and a.dtype not in COMPLEX else None


def _integer_zero(a: Tensor, b: Tensor) -> Tensor | None:
    return _keeps(b, a) if _is(a, 0) and a.dtype in INTEGER else None


def _power(a: Tensor, b: Tensor) -> Tensor | None:
    if b.ndim or a.dtype in COMPLEX:  # a complex power has zeros of other signs than the product
        return None
    if _is(b, 1):
        return a
    if _is(b, 2):
        return xp.square(a)
    return xp.reciprocal(a) if _is(b, -1) and a.dtype in REAL_FLOATING else None


def _divide(a: Tensor, b: Tensor) -> Tensor | None:
    """Multiply by the reciprocal of a power of two, which rounds the same number."""
    divisor = scalar_of(b.node)
    if not isinstance(divisor, float) or a.dtype not in REAL_FLOATING or a.dtype != b.dtype:
        return None
    mantissa, exponent = math.frexp(divisor)
    return a * Tensor(literal(1 / divisor, b.dtype)) if mantissa == 0.5 and 1 < exponent <= _EXACT else None


_EXACT = 14
"""Powers of two up to this one have a normal reciprocal in every dtype."""


def _square(x: Tensor) -> Tensor | None:
    return x * x if x.dtype in REAL_FLOATING or x.dtype in INTEGER else None


def _where(condition: Tensor, a: Tensor, b: Tensor) -> Tensor | None:
    chosen = scalar_of(condition.node)
    if chosen is None:
        return _both(a, a, b) if a.node is b.node and condition.ndim == 0 else None
    kept, other = (a, b) if chosen else (b, a)
    if other.ndim == 0 or (kept.shape == other.shape and None not in kept.shape):
        return kept
    return kept if kept.shape == other.shape and same_shape(kept, other) else None


def _mask_before_windows(condition: Tensor, a: Tensor, b: Tensor) -> Tensor | None:
    """Mask what windows share out, not the larger array they share it in: hits are 0 where their maximum is."""
    if scalar_of(a.node) != 0 or not _made_by(condition, "less_equal") or not _made_by(b, "max_pool_input"):
        return None
    g, x, y = (_operand(b, i) for i in range(3))
    rectified = _made_by(x, "relu") and _operand(x).node is _operand(condition).node
    pooled = _made_by(y, "max_pool") and _operand(y).node is x.node and y.node.params == b.node.params
    if not (rectified and pooled and scalar_of(_operand(condition, 1).node) == 0):
        return None
    return Tensor(remake(b.node, (xp.where(y <= 0, a, g).node, x.node, y.node)))


def _astype(x: Tensor, dtype: str) -> Tensor | None:
    if x.dtype == dtype:
        return x
    scalar = scalar_of(x.node)
    if scalar is not None and (dtype not in INTEGER + BOOL or isinstance(scalar, int)):
        try:
            return Tensor(literal(scalar, dtype))
        except DTypeError:
            return None
    if _made_by(x, "astype") and _widens(_operand(x).dtype, x.dtype):
        return xp.astype(_operand(x), dtype)
    return None


def _widens(narrow: str, wide: str) -> bool:
    """Say whether a cast loses nothing: within floats or within one kind of integers, to at least as many bits."""
    groups = (REAL_FLOATING[2:], COMPLEX, ("int8", "int16", "int32", "int64"), ("uint8", "uint16", "uint32", "uint64"))
    return any(narrow in g and wide in g for g in groups) and bits(wide) >= bits(narrow)


def _permute(x: Tensor, axes: tuple[int, ...]) -> Tensor | None:
    order = tuple(a % x.ndim for a in axes) if x.ndim else ()
    if order == tuple(range(x.ndim)):
        return x
    if _made_by(x, "permute_dims"):
        inner = tuple(a % x.ndim for a in x.node.params["axes"])
        return xp.permute_dims(_operand(x), axes=tuple(inner[a] for a in order))
    return None


def _moveaxis(x: Tensor, source: int | tuple[int, ...], destination: int | tuple[int, ...]) -> Tensor | None:
    return x if normalize_axes(source, x.ndim) == normalize_axes(destination, x.ndim) else None


def _reshape(x: Tensor, *sizes: Tensor, shape: tuple[int | None, ...]) -> Tensor | None:
    known = [n for n in shape if n is not None and n >= 0]
    if sizes or len(known) != len(shape):
        return None
    if x.shape == shape:
        return x
    return xp.reshape(_operand(x), known) if _made_by(x, "reshape") else None


def _broadcast(x: Tensor, *sizes: Tensor, shape: tuple[int | None, ...]) -> Tensor | None:
    return x if not sizes and x.shape == shape else None


def _spare(name: str) -> Any:
    """Return the rule that lets a binary op broadcast by itself where an operand was spread out for the other.

    What is spread out beside a number is spread out after it.
    """

    def rule(a: Tensor, b: Tensor) -> Tensor | None:
        if _spread(a, b):
            return lookup(name)(_operand(a), b)
        if _spread(b, a):
            return lookup(name)(a, _operand(b))
        if _made_by(a, "broadcast_to") and not b.ndim:
            return _spread_as(a, lookup(name)(_operand(a), b))
        return _spread_as(b, lookup(name)(a, _operand(b))) if _made_by(b, "broadcast_to") and not a.ndim else None

    return rule


def _spread_as(x: Tensor, small: Tensor) -> Tensor:
    return Tensor(remake(x.node, (small.node, *x.node.inputs[1:])))


def _spread(x: Tensor, other: Tensor) -> bool:
    """Say whether ``x`` is something smaller, brought to the shape of ``other`` or from no dimension to some ones."""
    if _made_by(x, "broadcast_to"):
        return same_shape(x, other)
    return _made_by(x, "expand_dims") and not _operand(x).ndim and x.ndim <= other.ndim


def _take_along(x: Tensor, indices: Tensor, axis: int) -> Tensor | None:
    """Take before computing, where an operand has one element for all that is taken from."""
    if x.node.op.name not in ("add", "subtract", "multiply", "divide"):
        return None
    at, sides = axis % x.ndim, [_operand(x, i) for i in range(2)]
    if {s.ndim for s in sides} != {x.ndim} or not any(same_shape(s, x) for s in sides):
        return None
    if sum(s.shape[at] == 1 for s in sides) != 1:
        return None
    taken = [s if s.shape[at] == 1 else xp.take_along_axis(s, indices, axis=at) for s in sides]
    return x.node.op(*taken)


def _sum(x: Tensor, axis: int | tuple[int, ...] | None, dtype: str | None, keepdims: bool) -> Tensor | None:
    """Return the sum of rows that are 0 but at one place each, as the value there."""
    if not _made_by(x, "one_in_row") or axis is None or normalize_axes(axis, x.ndim) != (x.ndim - 1,):
        return None
    values, indices, size = _operand(x), _operand(x, 1), x.node.params["size"]
    if dtype not in (None, x.dtype) or size < 2 or values.shape[-1:] != (1,) or indices.shape[-1:] != (1,):
        return None
    total = xp.where((indices >= 0) & (indices < size), values, 0)
    total = total + 0.0 if x.dtype in REAL_FLOATING + COMPLEX else total  # a sum with zeros is no negative zero
    return total if keepdims else xp.squeeze(total, axis=-1)


def _expand(x: Tensor, axis: int | tuple[int, ...]) -> Tensor | None:
    """Return what an axis was dropped from, as it is again: before a squeeze, or of a reduction."""
    name, params = x.node.op.name, x.node.params
    if name not in _DROPPING or params.get("keepdims", False):
        return None
    source = _operand(x)
    given = normalize_axes(axis, x.ndim + (1 if isinstance(axis, int) else len(axis)))
    if params["axis"] is None or normalize_axes(params["axis"], source.ndim) != given:
        return None
    return source if name == "squeeze" else x.node.op(source, **{**params, "keepdims": True})


_DROPPING = frozenset({"squeeze", "sum", "mean", "max", "min", "prod", "var", "std", "all", "any", "logsumexp"})


def _element_of_shape(x: Tensor, *operands: Tensor, index: tuple[Any, ...]) -> Tensor | None:
    if operands or not _made_by(x, "shape") or len(index) != 1 or not isinstance(index[0], int):
        return None
    return dim(_operand(x), axis=index[0])


def _whole(x: Tensor, *operands: Tensor, index: tuple[Any, ...]) -> Tensor | None:
    plain = all(
        k is Ellipsis or (isinstance(k, Slice) and k in (Slice(None, None, None), Slice(None, None, 1))) for k in index
    )
    return x if plain and not operands else None


def _known_dim(x: Tensor, axis: int) -> Tensor | None:
    size = x.shape[axis]
    if size is None:
        return None
    return Tensor(literal(size, "int64"))


def _sink(
    op: Op, leading: int, operands: Sequence[Tensor], graphs: Mapping[str, Graph], rest: Mapping[str, Any]
) -> Tensor | None:
    """Move scalars that a loop or branch closed over into its graphs, where they can be simplified with."""
    scalars = {i for i, x in enumerate(operands) if i >= leading and scalar_of(x.node) is not None}
    if not scalars:
        return None
    kept = [i for i in range(len(operands)) if i not in scalars]
    within = {name: _absorb(body, operands, kept) for name, body in graphs.items()}
    return op(*(operands[i] for i in kept), **within, **rest)


def _absorb(body: Graph, operands: Sequence[Tensor], kept: Sequence[int]) -> Graph:
    formal = {i: parameter(n, body.inputs[i].result) for n, i in enumerate(kept)}
    return Graph(formal.values(), body(*(formal.get(i) or x.node for i, x in enumerate(operands))))


def _sink_scan(*arrays: Tensor, body: Graph, carries: int, sequences: int, **rest: Any) -> Tensor | None:
    counts = {"carries": carries, "sequences": sequences}
    return _sink(scan, carries + sequences, arrays, {"body": body}, {**counts, **rest})


def _sink_while(*arrays: Tensor, test: Graph, body: Graph, carries: int, **rest: Any) -> Tensor | None:
    return _sink(while_, carries, arrays, {"test": test, "body": body}, {"carries": carries, **rest})


def _sink_cond(condition: Tensor, *arrays: Tensor, then: Graph, orelse: Graph) -> Tensor | None:
    if scalar_of(condition.node) is not None and len(then.outputs) == 1:
        return _taken(condition, arrays, then, orelse)[0]
    scalars = [i for i, x in enumerate(arrays) if scalar_of(x.node) is not None]
    if not scalars:
        return None
    kept = [i for i in range(len(arrays)) if i not in scalars]
    branches = {name: _absorb(b, arrays, kept) for name, b in (("then", then), ("orelse", orelse))}
    return cond(condition, *(arrays[i] for i in kept), **branches)


def _taken(condition: Tensor, arrays: Sequence[Tensor], then: Graph, orelse: Graph) -> list[Tensor]:
    branch = then if scalar_of(condition.node) else orelse
    return [Tensor(n) for n in branch(*(x.node for x in arrays))]


def _item_of_cond(x: Tensor, index: int) -> Tensor | None:
    if not _made_by(x, "cond") or scalar_of(x.node.inputs[0]) is None:
        return None
    condition, *arrays = map(Tensor, x.node.inputs)
    return _taken(condition, arrays, **x.node.params)[index]


ARITHMETIC: tuple[Rule, ...] = (
    ("multiply", _identity_right(1.0)),  # x * 1 -> x
    ("multiply", _identity_left(1.0)),  # 1 * x -> x
    ("divide", _identity_right(1.0)),  # x / 1 -> x
    ("divide", _divide),  # x / 1024 -> x * (1 / 1024)
    ("subtract", lambda a, b: _keeps(a, b) if _is(b, 0.0) and a.dtype not in COMPLEX else None),  # x - 0 -> x
    ("add", _plus_zero),  # x + (-0.) -> x, n + 0 -> n
    ("add", _integer_zero),  # 0 + n -> n
    ("pow", _power),  # x ** 1 -> x, x ** 2 -> square(x), x ** -1 -> 1 / x
    ("square", _square),  # square(x) -> x * x
    ("negative", _undo("negative")),  # -(-x) -> x
    ("positive", lambda x: x),  # +x -> x
    ("conj", lambda x: x if x.dtype not in COMPLEX else _undo("conj")(x)),  # conj(conj(z)) -> z
    ("real", lambda x: x if x.dtype not in COMPLEX else None),  # real(x) -> x
    ("logical_not", _undo("logical_not")),  # not not p -> p
    ("bitwise_invert", _undo("bitwise_invert")),  # ~~n -> n
)

CHOICES: tuple[Rule, ...] = (
    ("where", _where),  # where(True, a, b) -> a, where(c, a, a) -> a
    ("where", _mask_before_windows),  # relu's mask of max_pool's gradient -> max_pool's gradient of what is masked
    ("stop_gradient", lambda x: x),  # no gradient is taken any more
    ("cond", _sink_cond),  # cond(True, then, orelse) -> then
    ("item", _item_of_cond),
    ("scan", _sink_scan),  # a captured scalar becomes part of the body
    ("while_", _sink_while),
)

BROADCASTS: tuple[Rule, ...] = tuple(
    # broadcast_to(a, shape(b)) * b -> a * b, broadcast_to(a) * 2 -> broadcast_to(a * 2)
    (name, _spare(name))
    for name in ("add", "subtract", "multiply", "divide", "maximum", "minimum", "pow")
)

FORMS: tuple[Rule, ...] = (
    ("astype", _astype),  # a cast to its own dtype, casts that lose nothing on the way
    ("permute_dims", _permute),  # permute(permute(x)) -> permute(x)
    ("moveaxis", _moveaxis),  # to where it is
    ("reshape", _reshape),  # reshape(reshape(x)) -> reshape(x)
    ("broadcast_to", _broadcast),  # to its own shape
    ("expand_dims", _expand),  # expand(squeeze(x)) -> x, expand(sum(x)) -> sum(x, keepdims)
    ("getitem", _element_of_shape),  # shape(x)[i] -> dim(x, i)
    ("getitem", _whole),  # x[...] -> x
    ("dim", _known_dim),  # a size that is known -> the integer
    ("sum", _sum),  # of rows that are 0 but at one place
    ("take_along_axis", _take_along),  # of x - column -> take of x, - column
    ("sum_like", lambda x, like: x if same_shape(x, like) else None),  # nothing was broadcast
)

_RULES = index_rules(ARITHMETIC, BROADCASTS, CHOICES, FORMS)

__all__ = ["ARITHMETIC", "BROADCASTS", "CHOICES", "FORMS", "simplify"]
