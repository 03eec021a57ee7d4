"""Ops that move elements about: the standard's manipulation functions, and padding. Knows shapes, not values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import prod
from typing import Any

from kbplug.errors import ArgumentError, ShapeError
from kbplug.graph.spec import (
    Shape,
    Size,
    Spec,
    broadcast,
    compatible,
    merge_shapes,
    normalize_axes,
    normalize_axis,
)
from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import INTEGER, accept, primitive
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.patches import device_of, pad_along
from kbplug.ops.sizes import shape_of, size_along

Axis = int | Sequence[int]


@primitive(traits=("alias", "sized"))
def reshape(x: Spec, /, *sizes: Spec, shape: Shape) -> Spec:
    """``x`` in another shape; one size may be -1, which is what the others leave."""
    known = [n for n in shape if n is not None]
    if any(n < -1 for n in known) or known.count(-1) > 1:
        raise ShapeError(f"reshape cannot make the shape {shape}; sizes are non-negative and only one may be -1.")
    if -1 in shape:
        return x.like(shape=_inferred(x, shape))
    target = None if len(known) < len(shape) else prod(known)
    if None not in (target, x.size) and target != x.size:
        raise ShapeError(f"reshape cannot make the shape {shape} of {x.shape}: {target} elements of {x.size}.")
    return x.like(shape=shape)


def _inferred(x: Spec, shape: Shape) -> Shape:
    """Return ``shape`` with -1 replaced by what it comes to, or by None while that is unknown."""
    others = [n for n in shape if n != -1]
    if None in others or x.size is None:
        return tuple(None if n == -1 else n for n in shape)
    left = prod(n for n in others if n is not None)
    if (left == 0) or x.size % left:
        raise ShapeError(f"reshape cannot make the shape {shape} of {x.shape}: {x.size} elements leave no size for -1.")
    return tuple(x.size // left if n == -1 else n for n in shape)


@reshape.derive
def _(g: Tensor, y: Tensor, x: Tensor, *sizes: Tensor, shape: Shape) -> tuple[Any, ...]:
    return xp.reshape(g, shape_of(x)), *[None] * len(sizes)


@primitive(traits=("alias", "sized"))
def broadcast_to(x: Spec, /, *sizes: Spec, shape: Shape) -> Spec:
    """``x`` repeated along dimensions of size 1, and along new ones in front, to ``shape``."""
    if any(n is not None and n < 0 for n in shape):
        raise ShapeError(f"broadcast_to cannot make the shape {shape}, since sizes are non-negative.")
    if len(shape) < x.ndim:
        raise ShapeError(f"broadcast_to cannot make the shape {shape} of {x.shape}, which has more dimensions.")
    for n, m in zip(shape[len(shape) - x.ndim :], x.shape, strict=True):
        if None not in (n, m) and m not in (1, n):
            raise ShapeError(f"broadcast_to cannot make the shape {shape} of {x.shape}: size {m} does not become {n}.")
    return x.like(shape=shape)


@broadcast_to.derive
def _(g: Tensor, y: Tensor, x: Tensor, *sizes: Tensor, shape: Shape) -> tuple[Any, ...]:
    return g, *[None] * len(sizes)  # the walk sums over what was repeated


@primitive(traits=("alias", "tuple"))
def broadcast_arrays(*arrays: Spec) -> tuple[Spec, ...]:
    """All arrays broadcast to their common shape."""
    shape = broadcast(*[a.shape for a in arrays])
    return tuple(a.like(shape=shape) for a in arrays)


@broadcast_arrays.derive
def _(g: tuple[Any, ...], y: tuple[Tensor, ...], *arrays: Tensor) -> tuple[Any, ...]:
    return g


@primitive(traits=("alias",))
def expand_dims(x: Spec, /, axis: Axis) -> Spec:
    """``x`` with new dimensions of size 1 at the positions ``axis`` of the result."""
    new = normalize_axes(axis, x.ndim + (len(axis) if isinstance(axis, tuple) else 1))
    rest = iter(x.shape)
    return x.like(shape=tuple(1 if i in new else next(rest) for i in range(x.ndim + len(new))))


@expand_dims.derive
def _(g: Tensor, y: Tensor, x: Tensor, axis: Axis) -> tuple[Tensor]:
    return (xp.squeeze(g, axis=axis),)


@primitive(traits=("alias",))
def squeeze(x: Spec, /, axis: Axis) -> Spec:
    """``x`` without the dimensions ``axis``, whose sizes are 1."""
    gone = normalize_axes(axis, x.ndim)
    for i in gone:
        if x.shape[i] not in (1, None):
            raise ShapeError(f"squeeze takes out dimensions of size 1, but dimension {i} of {x.shape} is larger.")
    return x.like(shape=tuple(n for i, n in enumerate(x.shape) if i not in gone))


@squeeze.derive
def _(g: Tensor, y: Tensor, x: Tensor, axis: Axis) -> tuple[Tensor]:
    return (xp.expand_dims(g, axis=normalize_axes(axis, x.ndim)),)


@primitive(traits=("alias",))
def permute_dims(x: Spec, /, axes: Sequence[int]) -> Spec:
    """``x`` with dimension ``axes[i]`` in place ``i``."""
    order = normalize_axes(axes, x.ndim)
    if len(order) != x.ndim:
        raise ArgumentError(f"permute_dims needs all {x.ndim} axes in some order, not {axes}.")
    return x.like(shape=tuple(x.shape[i] for i in order))


@permute_dims.derive
def _(g: Tensor, y: Tensor, x: Tensor, axes: Sequence[int]) -> tuple[Tensor]:
    order = normalize_axes(axes, x.ndim)
    return (xp.permute_dims(g, axes=tuple(order.index(i) for i in range(x.ndim))),)


@primitive(traits=("alias",))
def matrix_transpose(x: Spec, /) -> Spec:
    """The last two dimensions exchanged."""
    if x.ndim < 2:
        raise ShapeError(f"matrix_transpose needs at least 2 dimensions, not the shape {x.shape}.")
    return x.like(shape=(*x.shape[:-2], x.shape[-1], x.shape[-2]))


@matrix_transpose.derive
def _(g: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor]:
    return (xp.matrix_transpose(g),)


@primitive(traits=("alias", "nameless"))
def moveaxis(x: Spec, /, source: Axis, destination: Axis) -> Spec:
    """``x`` with dimensions ``source`` moved to ``destination``, the others in their order."""
    taken, given = normalize_axes(source, x.ndim), normalize_axes(destination, x.ndim)
    if len(taken) != len(given):
        raise ArgumentError(f"moveaxis needs as many destinations as sources, not {source} to {destination}.")
    placed = dict(zip(given, taken, strict=True))
    rest = (i for i in range(x.ndim) if i not in taken)
    return x.like(shape=tuple(x.shape[placed[i] if i in placed else next(rest)] for i in range(x.ndim)))


@moveaxis.derive
def _(g: Tensor, y: Tensor, x: Tensor, source: Axis, destination: Axis) -> tuple[Tensor]:
    return (xp.moveaxis(g, destination, source),)


@primitive(traits=("alias",))
def flip(x: Spec, /, *, axis: Axis | None = None) -> Spec:
    """``x`` in reverse order along ``axis``, by default along all."""
    normalize_axes(axis, x.ndim)
    return x


@flip.derive
def _(g: Tensor, y: Tensor, x: Tensor, axis: Axis | None) -> tuple[Tensor]:
    return (xp.flip(g, axis=axis),)


@primitive()
def roll(x: Spec, /, shift: int | Sequence[int], *, axis: Axis | None = None) -> Spec:
    """``x`` shifted along ``axis``, in at one end what goes out at the other; without an axis, as if flat."""
    axes = None if axis is None else normalize_axes(axis, x.ndim)
    if isinstance(shift, tuple) and (axes is None or len(axes) != len(shift)):
        raise ArgumentError(f"roll needs one axis for each shift, not the shift {shift} along the axis {axis}.")
    return x


@roll.derive
def _(g: Tensor, y: Tensor, x: Tensor, shift: int | Sequence[int], axis: Axis | None) -> tuple[Tensor]:
    back = -shift if isinstance(shift, int) else tuple(-s for s in shift)
    return (xp.roll(g, back, axis=axis),)


@primitive(promotes=range, traits=("sequence",))
def concat(*arrays: Spec, axis: int | None = 0) -> Spec:
    """Arrays one after the other along ``axis``; without an axis, each flat."""
    first = _first_of("concat", arrays)
    if axis is None:
        return first.like(shape=(_sum(a.size for a in arrays),))
    if first.ndim == 0:
        raise ShapeError("concat needs arrays of at least 1 dimension; use stack for 0-d ones.")
    at = normalize_axis(axis, first.ndim)
    others = [tuple(None if i == at else n for i, n in enumerate(a.shape)) for a in arrays]
    around = merge_shapes(others, f"concat along axis {axis}")
    return first.like(shape=(*around[:at], _sum(a.shape[at] for a in arrays), *around[at + 1 :]))


def _first_of(name: str, arrays: Sequence[Spec]) -> Spec:
    if not arrays:
        raise ArgumentError(f"{name} needs at least one array.")
    return arrays[0]


def _sum(sizes: Iterable[Size]) -> Size:
    known = list(sizes)
    return None if None in known else sum(known)  # type: ignore[arg-type]


@concat.derive
def _(g: Tensor, y: Tensor, *arrays: Tensor, axis: int | None) -> tuple[Tensor, ...]:
    at = 0 if axis is None else normalize_axis(axis, y.ndim)
    sizes = [_elements(a) if axis is None else size_along(a, at) for a in arrays]
    ends = list(accumulate(sizes))
    parts = [g[(slice(None),) * at + (slice(a, b),)] for a, b in zip([0, *ends], ends, strict=False)]
    return tuple(xp.reshape(p, shape_of(a)) if axis is None else p for p, a in zip(parts, arrays, strict=True))


def _elements(x: Tensor) -> Any:
    """Return the number of elements: an integer if it is known, else a tensor."""
    sizes: Iterable[Any] = shape_of(x)
    return prod(sizes)


@primitive(promotes=range, traits=("sequence",))
def stack(*arrays: Spec, axis: int = 0) -> Spec:
    """Arrays of one shape along a new dimension ``axis``."""
    first = _first_of("stack", arrays)
    shape = merge_shapes([a.shape for a in arrays], "stack")
    at = normalize_axis(axis, first.ndim + 1)
    return first.like(shape=(*shape[:at], len(arrays), *shape[at:]))


@stack.derive
def _(g: Tensor, y: Tensor, *arrays: Tensor, axis: int) -> tuple[Tensor, ...]:
    return tuple(xp.unstack(g, axis=axis))


@primitive(traits=("alias", "tuple"))
def unstack(x: Spec, /, *, axis: int = 0) -> tuple[Spec, ...]:
    """The slices of ``x`` along ``axis``, whose size must be known."""
    at = normalize_axis(axis, x.ndim)
    size = x.shape[at]
    if size is None:
        raise ShapeError(
            f"unstack needs to know the size of dimension {at} of {x.shape}, since each slice is a result."
        )
    return (x.like(shape=(*x.shape[:at], *x.shape[at + 1 :])),) * size


@unstack.derive
def _(g: tuple[Any, ...], y: tuple[Tensor, ...], x: Tensor, axis: int) -> tuple[Tensor]:
    return (xp.stack([xp.zeros_like(b) if a is None else a for a, b in zip(g, y, strict=True)], axis=axis),)


@primitive(traits=("nameless",))
def tile(x: Spec, /, repetitions: Sequence[int]) -> Spec:
    """``x`` laid out ``repetitions[i]`` times along dimension ``i``, counted from the last."""
    if any(not hasattr(r, "__index__") or r < 0 for r in repetitions):
        raise ArgumentError(f"tile needs repetitions that are whole numbers of at least 0, not {repetitions}.")
    times, sizes = _aligned(x.shape, repetitions)
    return x.like(shape=tuple(None if n is None else n * r for n, r in zip(sizes, times, strict=True)))


def _aligned(shape: Sequence[Any], repetitions: Sequence[int]) -> tuple[list[int], list[Any]]:
    """Return repetitions and sizes, the shorter of them with ones in front."""
    rank = max(len(shape), len(repetitions))
    return [1] * (rank - len(repetitions)) + [*repetitions], [1] * (rank - len(shape)) + [*shape]


@tile.derive
def _(g: Tensor, y: Tensor, x: Tensor, repetitions: Sequence[int]) -> tuple[Tensor]:
    times, sizes = _aligned(shape_of(x), repetitions)
    copies = xp.reshape(g, [n for pair in zip(times, sizes, strict=True) for n in pair])
    return (xp.reshape(xp.sum(copies, axis=tuple(range(0, 2 * len(times), 2))), shape_of(x)),)


@primitive()
def repeat(x: Spec, counts: Spec | None = None, /, *, axis: int | None = None, repeats: int | None = None) -> Spec:
    """Each element along ``axis`` ``repeats`` times, or as often as ``counts`` says; without an axis, as if flat."""
    if (counts is None) is (repeats is None):
        raise ArgumentError("repeat needs either counts as an array or one number of repeats.")
    shape = (x.size,) if axis is None else x.shape
    at = 0 if axis is None else normalize_axis(axis, x.ndim)
    size = shape[at]
    if counts is not None:
        accept("repeat, in its counts,", INTEGER, counts)
        if counts.ndim > 1 or not (counts.shape in ((), (1,)) or compatible((size,), counts.shape)):
            raise ShapeError(
                f"repeat needs one count, or one for each of {size} elements, not the shape {counts.shape}."
            )
        size = None
    elif repeats is not None:
        if repeats < 0:
            raise ArgumentError(f"repeat needs at least 0 repeats, not {repeats}.")
        size = None if size is None else size * repeats
    return x.like(shape=(*shape[:at], size, *shape[at + 1 :]))


@repeat.implement
def _(xp: Any, x: Any, counts: Any = None, /, *, axis: int | None, repeats: int | None) -> Any:
    return xp.repeat(x, repeats if counts is None else xp.astype(counts, xp.int64), axis=axis)


@repeat.derive
def _(g: Tensor, y: Tensor, x: Tensor, counts: Tensor | None, axis: int | None, repeats: int | None) -> tuple[Any, ...]:
    at = 0 if axis is None else normalize_axis(axis, x.ndim)
    sizes = [_elements(x)] if axis is None else list(shape_of(x))
    if counts is None:
        copies = xp.reshape(g, (*sizes[: at + 1], repeats or 0, *sizes[at + 1 :]))
        return xp.reshape(xp.sum(copies, axis=at + 1), shape_of(x)), None
    ids = xp.repeat(xp.arange(sizes[at]), counts)
    total = xp.segment_sum(xp.moveaxis(g, at, 0), ids, sizes[at])
    return xp.reshape(xp.moveaxis(total, 0, at), shape_of(x)), None


PADDING = ("constant", "edge", "reflect", "symmetric")
Widths = Sequence[Sequence[int]]


@primitive(traits=("alias",))
def pad(x: Spec, /, *, widths: Widths, mode: str = "constant", value: float = 0) -> Spec:
    """``x`` with ``widths[i]`` elements before and after it along dimension ``i``: a value, its edge or its image."""
    if mode not in PADDING:
        raise ArgumentError(f"pad knows the modes {', '.join(PADDING)}, not {mode!r}.")
    if len(widths) != x.ndim or any(len(w) != 2 or min(w) < 0 for w in widths):
        raise ArgumentError(f"pad needs two widths of at least 0 for each of {x.ndim} dimensions, not {widths}.")
    if mode != "constant" and any(n == 0 and any(w) for n, w in zip(x.shape, widths, strict=True)):
        raise ShapeError(f"pad has nothing to take its {mode} from in the shape {x.shape}.")
    return x.like(shape=tuple(None if n is None else sum(w, n) for n, w in zip(x.shape, widths, strict=True)))


@pad.implement
def _(xp: Any, x: Any, /, *, widths: Widths, mode: str, value: float) -> Any:
    for axis, (before, after) in enumerate(widths):
        if mode != "constant":
            x = xp.take(x, _mirrored(xp, x.shape[axis], before, after, mode, device_of(x)), axis=axis)
        else:
            x = pad_along(xp, x, axis, (before, after), value)
    return x


def _mirrored(xp: Any, size: Any, before: int, after: int, mode: str, device: Any = None) -> Any:
    """Return where each element along a padded axis of ``size`` comes from."""
    place = xp.arange(-before, size + after, device=device)
    if mode == "edge":
        return xp.clip(place, 0, size - 1)
    twice = int(mode == "symmetric")  # the edge itself appears twice
    period = 2 * size if twice else 2 * size - 2 + (size == 1)
    place = place % period
    return xp.where(place < size, place, period - twice - place)


@pad.derive
def _(g: Tensor, y: Tensor, x: Tensor, widths: Widths, mode: str, value: float) -> tuple[Tensor]:
    sizes = shape_of(x)
    for axis, (before, after) in enumerate(widths):
        if mode == "constant":
            g = g[(slice(None),) * axis + (slice(before, before + sizes[axis]),)]
        elif before or after:
            ids = _mirrored(xp, sizes[axis], before, after, mode)
            g = xp.moveaxis(xp.segment_sum(xp.moveaxis(g, axis, 0), ids, sizes[axis]), 0, axis)
    return (g,)
