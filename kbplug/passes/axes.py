"""Where each axis of an operand goes in the result of an op: the one table behind every pass that cuts an axis.

``roles(node)`` gives, for each operand and each of its axes, a role:

* an integer: the elements along the axis stay apart, and lie along that axis of the result (or of each result);
* ``Combined``: the result combines the elements along the axis, by ``"sum"``, ``"prod"``, ``"max"``, ``"min"``,
  ``"all"`` or ``"any"``, and parts of the axis may therefore be combined each by itself and then together;
* None: neither; the op needs the whole axis at once.

Two operands whose axes have one role go along it together, and one of size 1 or without that axis is broadcast. An op
that the table does not know has no roles, so whoever asks must leave it whole: what is missing costs speed, never
correctness. The module knows ops by name and no array library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from kbplug.graph.index import Template, adjacent, complete
from kbplug.graph.node import Node, scalar_of
from kbplug.graph.spec import Spec, normalize_axes, normalize_axis
from kbplug.ops.linalg.products import contracted


class Combined(NamedTuple):
    """The role of an axis that goes into a combination; ``along`` tells the axes apart that are combined together."""

    how: str
    along: int = 0


Role = int | Combined | None
Roles = tuple[Role, ...]
"""A role for each axis of one operand."""

COMBINE: Mapping[str, str] = {
    "sum": "add",
    "prod": "multiply",
    "max": "maximum",
    "min": "minimum",
    "all": "logical_and",
    "any": "logical_or",
}
"""The elementwise op that puts two partial results together."""


def roles(node: Node) -> tuple[Roles, ...] | None:
    """Return the roles of the axes of each operand of ``node``, or None if nothing is known of its op."""
    if {"effect", "random", "control"} & node.op.traits:
        return None
    if "elementwise" in node.op.traits:
        return _broadcast(node)
    rule = RULES.get(node.op.name)
    return None if rule is None else rule(node)


def _ndim(node: Node) -> int:
    return _first(node).ndim


def _first(node: Node) -> Spec:
    """Return the spec of the result, or of the first of several."""
    return node.spec if isinstance(node.spec, Spec) else node.spec[0]


def _sizes(node: Node) -> tuple[int | None, ...]:
    return node.result.shape


def _kept(count: int, gone: Sequence[int], how: str | None = None, shift: int = 0) -> Roles:
    """Return roles where the axes ``gone`` are combined, or needed whole, and the others close ranks from ``shift``."""
    place = iter(range(shift, shift + count))
    return tuple(_role(how, gone.index(i)) if i in gone else next(place) for i in range(count))


def _role(how: str | None, along: int) -> Combined | None:
    return None if how is None else Combined(how, along)


def _identity(node: Node, blocked: Iterable[int] = ()) -> Roles:
    """Return the roles of an operand whose axes are those of the result, ``blocked`` ones needed whole."""
    blocked = set(blocked)
    return tuple(None if i in blocked else i for i in range(node.result.ndim))


def _none(node: Node) -> Roles:
    return (None,) * node.result.ndim


def _aligned(operand: Node, ndim: int) -> Roles:
    """Return the roles of an operand that is broadcast to ``ndim`` dimensions."""
    return tuple(range(ndim - operand.result.ndim, ndim))


def _broadcast(node: Node) -> tuple[Roles, ...]:
    return tuple(_aligned(i, _ndim(node)) for i in node.inputs)


def _spread(node: Node) -> tuple[Roles, ...]:
    x, *sizes = node.inputs
    return (_aligned(x, _ndim(node)), *[()] * len(sizes))


def _reduction(how: str | None) -> Callable[[Node], tuple[Roles, ...]]:
    """Return the rule of a reduction over the parameter ``axis``."""

    def rule(node: Node) -> tuple[Roles, ...]:
        (x,) = node.inputs
        axes = normalize_axes(node.params["axis"], x.result.ndim)
        if node.params["keepdims"]:
            return (tuple(_role(how, i) if i in axes else i for i in range(x.result.ndim)),)
        return (_kept(x.result.ndim, axes, how),)

    return rule


def _along(node: Node) -> tuple[Roles, ...]:
    """Rule of what works along the parameter ``axis``, or ``axes``, and leaves all others as they are."""
    (x,) = node.inputs
    axis = node.params["axis" if "axis" in node.params else "axes"]
    return (_identity(x, normalize_axes(axis, x.result.ndim)),)


def _matmul(node: Node) -> tuple[Roles, ...]:
    a, b = (i.result.ndim for i in node.inputs)
    lead = max(a, b, 2) - 2
    terms = Combined("sum")
    left = (*range(lead - (a - 2), lead), lead, terms) if a > 1 else (terms,)
    right = (*range(lead - (b - 2), lead), terms, lead + (a > 1)) if b > 1 else (terms,)
    return left, right


def _tensordot(node: Node) -> tuple[Roles, ...]:
    a, b = (i.result.ndim for i in node.inputs)
    of_a, of_b = contracted(node.params["axes"], a, b)
    return _kept(a, of_a, "sum"), _kept(b, of_b, "sum", shift=a - len(of_a))


def _vecdot(node: Node) -> tuple[Roles, ...]:
    ndim = max(i.result.ndim for i in node.inputs)
    rows = _kept(ndim, [ndim + node.params["axis"]], "sum")
    return tuple(rows[ndim - i.result.ndim :] for i in node.inputs)


def _batched(axis_role: Role) -> Callable[[Node], tuple[Roles, ...]]:
    """Return the rule of what slides windows: the first axis counts the samples, the others are needed whole."""

    def rule(node: Node) -> tuple[Roles, ...]:
        return tuple((axis_role, *_none(i)[1:]) if i.result.ndim else () for i in node.inputs)

    return rule


def _convolved(node: Node) -> tuple[Roles, ...]:
    x, kernel, *sizes = node.inputs
    return ((0, *_none(x)[1:]), _none(kernel), *[()] * len(sizes))


def _matrices(node: Node) -> tuple[Roles, ...]:
    """Rule of what treats the last two axes as matrices and gives a result for each."""
    return tuple((*range(i.result.ndim - 2), None, None) for i in node.inputs)


def _transposed(node: Node) -> tuple[Roles, ...]:
    ndim = _ndim(node)
    return ((*range(ndim - 2), ndim - 1, ndim - 2),)


def _permuted(node: Node) -> tuple[Roles, ...]:
    order = normalize_axes(node.params["axes"], _ndim(node))
    return (tuple(order.index(i) for i in range(len(order))),)


def _moved(node: Node) -> tuple[Roles, ...]:
    ndim = _ndim(node)
    taken, given = (normalize_axes(node.params[k], ndim) for k in ("source", "destination"))
    placed = dict(zip(taken, given, strict=True))
    rest = iter(i for i in range(ndim) if i not in given)
    return (tuple(placed[i] if i in placed else next(rest) for i in range(ndim)),)


def _expanded(node: Node) -> tuple[Roles, ...]:
    new = normalize_axes(node.params["axis"], _ndim(node))
    return (tuple(i for i in range(_ndim(node)) if i not in new),)


def _squeezed(node: Node) -> tuple[Roles, ...]:
    (x,) = node.inputs
    return (_kept(x.result.ndim, normalize_axes(node.params["axis"], x.result.ndim)),)


def _concatenated(node: Node) -> tuple[Roles, ...]:
    axis = node.params["axis"]
    gone = range(node.inputs[0].result.ndim) if axis is None else [normalize_axis(axis, _ndim(node))]
    return tuple(_identity(i, gone) for i in node.inputs)


def _stacked(node: Node) -> tuple[Roles, ...]:
    at = normalize_axis(node.params["axis"], _ndim(node))
    return tuple(tuple(i + (i >= at) for i in range(x.result.ndim)) for x in node.inputs)


def _unstacked(node: Node) -> tuple[Roles, ...]:
    (x,) = node.inputs
    return (_kept(x.result.ndim, [normalize_axis(node.params["axis"], x.result.ndim)]),)


def _tiled(node: Node) -> tuple[Roles, ...]:
    (x,) = node.inputs
    ndim = _ndim(node)
    times = [1] * (ndim - len(node.params["repetitions"])) + [*node.params["repetitions"]]
    return (tuple(i if times[i] == 1 else None for i in range(ndim - x.result.ndim, ndim)),)


def _repeated(node: Node) -> tuple[Roles, ...]:
    x, *counts = node.inputs
    axis = node.params["axis"]
    gone = range(x.result.ndim) if axis is None else [normalize_axis(axis, x.result.ndim)]
    return (_identity(x, gone), *map(_none, counts))


def _padded(node: Node) -> tuple[Roles, ...]:
    return (_identity(node, [i for i, w in enumerate(node.params["widths"]) if any(w)]),)


def _segmented(how: str) -> Callable[[Node], tuple[Roles, ...]]:
    def rule(node: Node) -> tuple[Roles, ...]:
        data, ids, *sizes = node.inputs
        rows = ids.result.ndim
        of_ids = tuple(Combined(how, i) for i in range(rows))
        return (_kept(data.result.ndim, range(rows), how, shift=1), of_ids, *[()] * len(sizes))

    return rule


def _sum_like(node: Node) -> tuple[Roles, ...]:
    x, like = node.inputs
    extra = x.result.ndim - like.result.ndim
    places = [i - extra for i in range(x.result.ndim)]
    return tuple(Combined("sum", i) if i < 0 or _sizes(like)[i] == 1 else i for i in places), _identity(like)


def _taken(node: Node) -> tuple[Roles, ...]:
    x, _ = node.inputs
    at = normalize_axis(node.params["axis"] or 0, x.result.ndim)
    return _identity(x, [at]), (at,)


def _taken_along(node: Node) -> tuple[Roles, ...]:
    x, indices = node.inputs
    return _identity(x, [normalize_axis(node.params["axis"], x.result.ndim)]), _identity(indices)


def _found(node: Node) -> tuple[Roles, ...]:
    """Rule of what looks up each element of one operand, the second, in another."""
    x, sought, *rest = node.inputs
    return (_none(x), _identity(sought), *map(_none, rest))


def _sought(node: Node) -> tuple[Roles, ...]:
    sought, x = node.inputs
    return _identity(sought), _none(x)


class _Part(NamedTuple):
    """How an indexed array and its part lie to each other."""

    whole: Mapping[int, int]
    """Axes of the array that are taken whole, each to its place in the part."""
    begin: int
    """Where the dimensions that arrays pick begin in the part."""
    picked: int
    """How many they are."""
    ndim: int

    def array(self, operand: Node, how: str | None = None) -> Roles:
        """Return the roles of an array in the index: its places in the part, or those of what is combined there."""
        axes = range(self.picked - operand.result.ndim, self.picked)
        return tuple(self.begin + i if how is None else Combined(how, i) for i in axes)


def _part(x: Node, operands: Sequence[Node], index: Template) -> _Part | None:
    """Return how ``x`` and ``x[index]`` lie to each other; None where a mask chooses."""
    if any(o.result.dtype == "bool" for o in operands):
        return None
    picked = max((o.result.ndim for o in operands), default=0)  # sizes among them have no dimension
    axis, place = 0, 0 if adjacent(index) else picked
    begin: int | None = None if adjacent(index) else 0
    whole = {}
    for entry in complete(index, [o.result for o in operands], x.result.ndim, lambda spec: 1):
        if isinstance(entry, int | Spec):
            begin, place = (place, place + picked) if begin is None else (begin, place)
            axis += 1
        elif entry is None:
            place += 1
        else:
            if (entry.start, entry.stop, entry.step or 1) == (None, None, 1):
                whole[axis] = place
            axis, place = axis + 1, place + 1
    return _Part(whole, begin or 0, picked, place)


def _got(node: Node) -> tuple[Roles, ...] | None:
    x, *operands = node.inputs
    part = _part(x, operands, node.params["index"])
    if part is None:
        return None
    return tuple(part.whole.get(i) for i in range(x.result.ndim)), *map(part.array, operands)


def _put(node: Node) -> tuple[Roles, ...] | None:
    x, value, *operands = node.inputs
    part = _part(x, operands, node.params["index"])
    if part is None:
        return None
    how = "sum" if node.op.name == "scatter_add" and is_zero(x) else None  # parts would each add x again
    back: dict[int, Role] = {place: axis for axis, place in part.whole.items()}
    back |= {part.begin + i: _role(how, i) for i in range(part.picked)}
    of_value = tuple(back.get(i) for i in range(part.ndim - value.result.ndim, part.ndim))
    of_arrays = [part.array(o, how) if how else _none(o) for o in operands]
    return tuple(i if i in part.whole else None for i in range(x.result.ndim)), of_value, *of_arrays


def is_zero(node: Node) -> bool:
    """Say whether every element of ``node`` is surely 0."""
    while node.op.name in ("broadcast_to", "reshape", "astype", "expand_dims"):
        node = node.inputs[0]
    return scalar_of(node) == 0


_FFT = ("fft.fft", "fft.ifft", "fft.rfft", "fft.irfft", "fft.fftn", "fft.ifftn", "fft.fftshift", "fft.ifftshift")
_LINALG = ("cholesky", "qr", "svd", "svdvals", "eigh", "eigvalsh", "eig", "eigvals", "inv", "det", "slogdet")

RULES: Mapping[str, Callable[[Node], tuple[Roles, ...] | None]] = {
    **{name: _reduction(name) for name in COMBINE},
    "count_nonzero": _reduction("sum"),
    **dict.fromkeys(("mean", "var", "std", "linalg.vector_norm", "logsumexp"), _reduction(None)),
    **dict.fromkeys(("argmax", "argmin"), _reduction(None)),
    **dict.fromkeys(("sort", "argsort", "top_k", "cumulative_sum", "cumulative_prod"), _along),
    **dict.fromkeys(("softmax", "log_softmax", "flip", "roll", *_FFT), _along),
    **dict.fromkeys((f"linalg.{name}" for name in _LINALG), _matrices),
    **dict.fromkeys(("tril", "triu"), _matrices),
    "matmul": _matmul,
    "tensordot": _tensordot,
    "vecdot": _vecdot,
    "conv": _convolved,
    "conv_input": _convolved,
    "conv_kernel": _batched(Combined("sum")),
    **dict.fromkeys(("max_pool", "avg_pool", "max_pool_input", "max_pool_pick", "avg_pool_input"), _batched(0)),
    "broadcast_to": _spread,
    "broadcast_arrays": _broadcast,
    "expand_dims": _expanded,
    "squeeze": _squeezed,
    "permute_dims": _permuted,
    "matrix_transpose": _transposed,
    "moveaxis": _moved,
    "concat": _concatenated,
    "stack": _stacked,
    "unstack": _unstacked,
    "tile": _tiled,
    "repeat": _repeated,
    "pad": _padded,
    "sum_like": _sum_like,
    "getitem": _got,
    "setitem": _put,
    "scatter_add": _put,
    "take": _taken,
    "take_along_axis": _taken_along,
    "searchsorted": _found,
    "isin": _sought,
    "one_in_row": lambda node: tuple(_identity(i, [i.result.ndim - 1]) for i in node.inputs),
    "one_hot": lambda node: (_identity(node.inputs[0]),),
    "segment_sum": _segmented("sum"),
    "segment_max": _segmented("max"),
    "segment_min": _segmented("min"),
}
"""The rule of each op that is not elementwise."""

__all__ = ["COMBINE", "RULES", "Combined", "Role", "Roles", "is_zero", "roles"]
