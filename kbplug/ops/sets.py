"""Distinct elements, in ascending order on every engine, and membership. Each NaN is distinct from every other."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import ALL, REAL, accept, primitive
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.patches import device_of

Array = Any


class UniqueAll(NamedTuple):
    """Distinct values, where each stands first, which of them each element is, and how often each occurs."""

    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


class UniqueCounts(NamedTuple):
    """Distinct values, and how often each occurs."""

    values: Any
    counts: Any


class UniqueInverse(NamedTuple):
    """Distinct values, and which of them each element is."""

    values: Any
    inverse_indices: Any


def _distinct(name: str, x: Spec) -> Spec:
    accept(name, ALL, x)
    return Spec((None,) if x.size != 0 else (0,), x.dtype)


def _grouped(xp: Any, x: Array) -> UniqueAll:
    """Return everything about the distinct elements, by one stable sort."""
    size = prod(x.shape)
    flat = xp.reshape(x, (size,))
    if not size:
        none = xp.zeros((0,), dtype=xp.int64, device=device_of(x))
        return UniqueAll(flat, none, xp.reshape(none, x.shape), none)
    order = _order(xp, flat)
    ranked = xp.take(flat, order)
    first = xp.ones((1,), dtype=xp.bool, device=device_of(x))
    begins = xp.concat([first, ranked[1:] != ranked[:-1]])
    (starts,) = xp.nonzero(begins)
    ends = xp.concat([starts[1:], xp.full((1,), size, dtype=starts.dtype, device=device_of(x))])
    group = xp.cumulative_sum(xp.astype(begins, xp.int64)) - 1
    inverse = xp.take(group, xp.argsort(order))
    return UniqueAll(xp.take(ranked, starts), xp.take(order, starts), xp.reshape(inverse, x.shape), ends - starts)


def _order(xp: Any, x: Array) -> Array:
    """Return the order that sorts ``x``, which may be boolean, or complex: by real, then by imaginary part."""
    if xp.isdtype(x.dtype, "complex floating"):
        minor = xp.argsort(xp.imag(x), stable=True)
        return xp.take(minor, xp.argsort(xp.take(xp.real(x), minor), stable=True))
    return xp.argsort(xp.astype(x, xp.uint8) if xp.isdtype(x.dtype, "bool") else x, stable=True)


@primitive()
def unique_all(x: Spec, /) -> UniqueAll:
    """The distinct elements, where each stands first, which of them each element is, and how often each occurs."""
    values = _distinct("unique_all", x)
    indices = values.like(dtype="int64")
    return UniqueAll(values, indices, x.like(dtype="int64"), indices)


@unique_all.implement
def _(xp: Any, x: Array, /) -> UniqueAll:
    return _grouped(xp, x)


@primitive()
def unique_counts(x: Spec, /) -> UniqueCounts:
    """The distinct elements, and how often each occurs."""
    values = _distinct("unique_counts", x)
    return UniqueCounts(values, values.like(dtype="int64"))


@unique_counts.implement
def _(xp: Any, x: Array, /) -> UniqueCounts:
    found = _grouped(xp, x)
    return UniqueCounts(found.values, found.counts)


@primitive()
def unique_inverse(x: Spec, /) -> UniqueInverse:
    """The distinct elements, and which of them each element is."""
    return UniqueInverse(_distinct("unique_inverse", x), x.like(dtype="int64"))


@unique_inverse.implement
def _(xp: Any, x: Array, /) -> UniqueInverse:
    found = _grouped(xp, x)
    return UniqueInverse(found.values, found.inverse_indices)


@unique_all.derive
@unique_counts.derive
@unique_inverse.derive
def _(g: Any, y: Any, x: Tensor) -> tuple[Any]:
    return (None if g[0] is None else _shared(g[0], x),)


@primitive()
def unique_values(x: Spec, /) -> Spec:
    """The distinct elements; equal ones share the gradient evenly."""
    return _distinct("unique_values", x)


@unique_values.implement
def _(xp: Any, x: Array, /) -> Array:
    return _grouped(xp, x).values


@unique_values.derive
def _(g: Tensor, y: Tensor, x: Tensor) -> tuple[Any]:
    return (_shared(g, x),)


def _shared(g: Tensor, x: Tensor) -> Tensor:
    _, _, inverse, counts = xp.unique_all(x)
    return (g / xp.astype(counts, g.dtype))[inverse]


@primitive(promotes=range)
def isin(x1: Spec, x2: Spec, /, *, invert: bool = False) -> Spec:
    """Whether each of ``x1`` is among ``x2``, or with ``invert`` is not."""
    accept("isin", REAL, x1, x2)
    return Spec(x1.shape, "bool")


@isin.implement
def _(xp: Any, x1: Array, x2: Array, /, *, invert: bool) -> Array:
    if 0 in x2.shape:
        return xp.full(x1.shape, invert, dtype=xp.bool, device=device_of(x1))
    ranked = xp.sort(xp.reshape(x2, (prod(x2.shape),)))
    flat = xp.reshape(x1, (prod(x1.shape),))
    place = xp.searchsorted(ranked, flat)
    found = xp.take(ranked, xp.where(place == ranked.shape[0], 0, place)) == flat
    return xp.reshape(xp.logical_not(found) if invert else found, x1.shape)


__all__ = ["UniqueAll", "UniqueCounts", "UniqueInverse", "isin", "unique_all", "unique_values"]
