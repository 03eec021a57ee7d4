"""Random graphs made of the registry, for properties of every graph. Names only ops that need a fitting parameter."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from kbplug.dtypes import BOOL, INTEGER, is_floating
from kbplug.errors import KbplugError
from kbplug.graph.graph import Graph
from kbplug.graph.node import placeholder
from kbplug.graph.op import REGISTRY, Op
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor, outputs
from kbplug.ops.control import choose, fold_over
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import shape_of
from kbplug.testing.application import HostArray

CHAPTERS = frozenset({"elementwise", "manipulation", "statistical", "searching", "sorting", "nn"})
"""Chapters whose ops are drawn: all values are welcome to them, and one value gives one result."""

BARRED = frozenset({"effect", "random", "leaf", "control"})
UNDEFINED = frozenset(
    {"bitwise_left_shift", "bitwise_right_shift", "clip", "copysign", "pow", "searchsorted", "signbit"}
)
"""Ops that a standard leaves undefined for some values: negative shifts, crossed bounds, a sorter that sorts not, and
the sign of NaN, which IEEE 754 lets an operation of two of them choose."""

SCALARS: tuple[bool | int | float, ...] = (0, 1, 2, -1, 0.0, -0.0, 1.0, 2.0, 0.1, float("nan"), float("inf"), True)
NUMBERS = (0.0, -0.0, 1.0, -1.5, 0.25, 3.0, -2.0, 1e-3, float("nan"), float("inf"), -float("inf"))
ATTEMPTS, OUTPUTS = 4, 8


class Space(NamedTuple):
    """What graphs are drawn from.

    Attributes
    ----------
    shapes, dtypes
        Of inputs and constants; one that stands here often is drawn often.
    largest
        Results of more elements are thrown away.
    closed
        Whether results that are neither integers nor booleans are thrown away too.
    """

    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    largest: int = 256
    closed: bool = False


_DTYPES = (*("float64",) * 6, "float32", "float32", "int64", "int8", "bool", "complex128")
_BATCHES = ((24, 5), (24, 5), (24,), (24, 1), (1, 5), (5,), (5, 5), (), (24, 3, 5), (2, 24, 5), (0, 5))

SMALL = Space(((2, 3), (2, 3), (3,), (2, 1), (1, 3), (3, 3), (), (2, 2, 3), (0, 3)), _DTYPES)
BATCHES = Space(_BATCHES, _DTYPES, largest=4096)
"""Graphs whose arrays can be cut: most have an axis of 24."""

EXACT = Space(_BATCHES, ("int64", "int64", "int32", "int8", "uint16", "bool"), largest=4096, closed=True)
"""The same over integers, whose sums are the same in any order, since they wrap around."""


class Entry(NamedTuple):
    """A tensor twice: with all sizes known, and with some unknown."""

    known: Tensor
    hidden: Tensor


class Drawn(NamedTuple):
    """One random graph twice, with all sizes known and with some unknown, and values for the inputs of both."""

    known: Graph
    hidden: Graph
    values: tuple[HostArray, ...]

    def __repr__(self) -> str:
        return f"\n{self.known}\nor, with sizes hidden,\n{self.hidden}\nof {self.values}"


Operand = Entry | bool | int | float
Move = tuple[Sequence[Operand], Callable[..., Any]]
"""Operands, and what to build of them."""


class Pool(list[Entry]):
    """What may be built on, in the order in which it was drawn."""

    def __init__(self, space: Space, inputs: Sequence[Entry]) -> None:
        super().__init__(inputs)
        self.space = space


@st.composite
def graphs(draw: st.DrawFn, *, steps: int = 30, space: Space = SMALL) -> Drawn:
    """Draw a graph of up to about ``3 * steps`` nodes with several inputs and outputs."""
    values = draw(st.lists(arrays(space), min_size=1, max_size=4))
    inputs = [_input(draw, v) for v in values]
    pool = Pool(space, inputs)
    for _ in range(draw(st.sampled_from((steps, steps // 2, steps // 4)))):
        pool.extend(_step(draw, pool))
    wanted = [*_ends(pool), draw(st.sampled_from(pool))]
    return Drawn(
        Graph([e.known.node for e in inputs], [e.known.node for e in wanted]),
        Graph([e.hidden.node for e in inputs], [e.hidden.node for e in wanted]),
        tuple(values),
    )


@st.composite
def arrays(draw: st.DrawFn, space: Space = SMALL) -> HostArray:
    """Draw an array, with NaN, infinities and signed zeros among its floats."""
    shape, dtype = draw(st.sampled_from(space.shapes)), draw(st.sampled_from(space.dtypes))
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    if np.dtype(dtype).kind in "fc":
        return np.asarray(random.choice(NUMBERS, shape)).astype(dtype)
    return np.asarray(random.integers(-3, 4, shape)).astype(dtype)


def _input(draw: st.DrawFn, value: HostArray) -> Entry:
    dtype = value.dtype.name
    hidden = tuple(None if draw(st.booleans()) else n for n in value.shape)
    return Entry(*(Tensor(placeholder(Spec(shape, dtype))) for shape in (value.shape, hidden)))


def _ends(pool: Sequence[Entry]) -> list[Entry]:
    """Return the entries that no other is made of, the last few."""
    taken = {i for e in pool for i in e.known.node.inputs}
    return [e for e in pool if e.known.node not in taken][-OUTPUTS:]


def _step(draw: st.DrawFn, pool: Pool) -> list[Entry]:
    """Return what one of a few moves adds to the pool; a move that fits no operand adds nothing."""
    for _ in range(ATTEMPTS):
        operands, build = draw(st.sampled_from(MOVES))(draw, pool)
        with contextlib.suppress(KbplugError):
            return _grown(operands, build, pool.space)
    return []


def _grown(operands: Sequence[Operand], build: Callable[..., Any], space: Space) -> list[Entry]:
    """Return the results of a move; none whose sizes depend on values or that the space does not hold."""
    known, hidden = (_results(build(*(_side(o, i) for o in operands))) for i in (0, 1))
    pairs = map(Entry, known, hidden)
    specs = ((e, e.known.node.result) for e in pairs)  # a concrete tensor would compute its sizes
    return [e for e, known in specs if _holds(space, known)]


def _holds(space: Space, spec: Spec) -> bool:
    fits = None not in spec.shape and (spec.size or 0) <= space.largest
    return fits and (not space.closed or spec.dtype in INTEGER + BOOL)


def _side(operand: Operand, side: int) -> Any:
    return operand[side] if isinstance(operand, Entry) else operand


def _results(returned: Any) -> tuple[Tensor, ...]:
    found = returned if isinstance(returned, tuple | list) else (returned,)
    return tuple(t for r in found for t in outputs(r))


def _recent(pool: Sequence[Entry]) -> st.SearchStrategy[Entry]:
    """Return entries of a pool, the last ones more often, so that graphs grow deep."""
    return st.one_of(st.sampled_from(pool[-4:]), st.sampled_from(pool))


def _pick(draw: st.DrawFn, pool: Sequence[Entry]) -> Entry:
    return draw(_recent(pool))


def _axis(draw: st.DrawFn, x: Entry) -> int:
    return draw(st.integers(-x.known.ndim, x.known.ndim - 1)) if x.known.ndim else 0


def _drawable(op: Op) -> bool:
    """Say whether an op can be drawn: it needs no parameter, takes 1 to 3 arrays, and is of a tame chapter."""
    parameters = list(op.signature.parameters.values())
    required = [p for p in parameters if p.name not in op.arrays and p.default is p.empty]
    tame = op.chapter in CHAPTERS and not BARRED & op.traits and op.name not in UNDEFINED
    return tame and not required and 1 <= len(op.arrays) <= 3


def _any_op(draw: st.DrawFn, pool: Sequence[Entry]) -> Move:
    op = draw(st.sampled_from([REGISTRY[n] for n in sorted(REGISTRY) if _drawable(REGISTRY[n])]))
    scalars = st.sampled_from(SCALARS)
    others = st.one_of(_recent(pool), _recent(pool), scalars)
    operands = [_pick(draw, pool), *(draw(others) for _ in op.arrays[1:])]
    draw(st.randoms(use_true_random=False)).shuffle(operands)
    return operands, op


def _limited(draw: st.DrawFn, pool: Sequence[Entry]) -> Move:
    """Return a call of an op that is undefined for some operands, with operands for which it is defined."""
    calls: tuple[Callable[[Tensor], Tensor], ...] = (
        lambda t: xp.clip(t, -1, 2),
        lambda t: t << 1,
        lambda t: t >> 2,
        lambda t: t**2,
        lambda t: xp.abs(t) ** 1.5,
        lambda t: xp.astype(t, "float64") ** -1,
        lambda t: xp.signbit(xp.where(xp.isnan(t), 1, t)),
        lambda t: xp.copysign(t, xp.where(xp.isnan(t), 1, t)),
    )
    return [_pick(draw, pool)], draw(st.sampled_from(calls))


def _reduction(draw: st.DrawFn, pool: Sequence[Entry]) -> Move:
    x, keepdims = _pick(draw, pool), draw(st.booleans())
    name = draw(st.sampled_from(("sum", "max", "min", "mean", "prod", "all", "any", "var")))
    axis = draw(st.sampled_from((None, _axis(draw, x), (), tuple(range(x.known.ndim)))))
    return [x], lambda t: getattr(xp, name)(t, axis=axis, keepdims=keepdims)


def _merged(draw: st.DrawFn, pool: Sequence[Entry]) -> Move:
    x = _pick(draw, pool)
    if x.known.ndim < 2:
        return [x], lambda t: xp.reshape(t, (-1,))
    at = draw(st.integers(0, x.known.ndim - 2))

    def merge(t: Tensor) -> Tensor:
        sizes = shape_of(t)
        return xp.reshape(t, (*sizes[:at], sizes[at] * sizes[at + 1], *sizes[at + 2 :]))

    return [x], merge


def _permuted(draw: st.DrawFn, pool: Sequence[Entry]) -> Move:
    x = _pick(draw, pool)
    axes = tuple(draw(st.permutations(range(x.known.ndim))))
    return [x], lambda t: xp.permute_dims(t, axes)


def _expanded(draw: st.DrawFn, pool: Sequence[Entry]) -> Move:
    x, k = _pick(draw, pool), draw(st.integers(1, 2))
    return [x], lambda t: xp.broadcast_to(t, (k, *shape_of(t)))


def _joined(draw: st.DrawFn, pool: Sequence[Entry]) -> Move:
    x, name = _pick(draw, pool), draw(st.sampled_from(("concat", "stack")))
    axis = _axis(draw, x)
    return [x, _pick(draw, pool)], lambda a, b: getattr(xp, name)([a, b], axis=axis)


def _indexed(draw: st.DrawFn, pool: Sequence[Entry]) -> Move:
    x = _pick(draw, pool)
    index = tuple(draw(_index(n)) for n in x.known.shape[: draw(st.integers(0, x.known.ndim))])
    extra = draw(st.sampled_from(((), (...,), (None,), (..., None))))
    return [x], lambda t: t[(*index, *extra)]


def _index(size: int | None) -> st.SearchStrategy[Any]:
    whole, backwards = slice(None), slice(None, None, -1)
    slices = st.sampled_from((whole, slice(1, None), slice(None, -1), slice(None, None, 2), backwards))
    if not size:
        return slices
    return st.one_of(slices, st.integers(-size, size - 1), st.just(np.array([size - 1, 0])))


def _multiplied(draw: st.DrawFn, pool: Sequence[Entry]) -> Move:
    return [_pick(draw, pool), _pick(draw, pool)], lambda a, b: a @ b.mT if b.ndim > 1 else a @ b


def _several(draw: st.DrawFn, pool: Sequence[Entry]) -> Move:
    return [_pick(draw, pool), _pick(draw, pool)], xp.broadcast_arrays


def _cast(draw: st.DrawFn, pool: Pool) -> Move:
    dtype = draw(st.sampled_from(pool.space.dtypes))
    return [_pick(draw, pool)], lambda t: xp.astype(xp.where(xp.isfinite(t), t, 0) if dtype in INTEGER else t, dtype)


def _constant(draw: st.DrawFn, pool: Pool) -> Move:
    scalar, value = draw(st.sampled_from(SCALARS)), draw(arrays(pool.space))
    if draw(st.booleans()):
        return [], lambda: xp.asarray(value)
    dtype = value.dtype.name if isinstance(scalar, float) and is_floating(value.dtype.name) else None
    return [], lambda: xp.asarray(scalar, dtype=dtype)


def _chosen(draw: st.DrawFn, pool: Sequence[Entry]) -> Move:
    def either(a: Tensor, b: Tensor) -> Any:
        return choose(xp.any(a != 0), lambda: a * 1 + b, lambda: xp.negative(-a) - b)

    return [_pick(draw, pool), _pick(draw, pool)], either


def _looped(draw: st.DrawFn, pool: Sequence[Entry]) -> Move:
    def loop(rows: Tensor) -> Any:
        ends, kept = fold_over(lambda c, row: ([c + row], [c * 1 - row]), [xp.zeros_like(rows[0])], [rows])
        return (*ends, *kept)

    return [_pick(draw, pool)], loop


MOVES: tuple[Callable[[st.DrawFn, Pool], Move], ...] = (
    *(_any_op,) * 6,
    *(_reduction, _merged, _permuted, _expanded, _joined, _indexed, _limited),
    *(_multiplied, _several, _cast, _constant, _chosen, _looped),
)
"""Ways to grow a graph; one that stands here often is drawn often."""
