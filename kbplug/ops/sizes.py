"""Sizes as values: what a graph computes with when a dimension is known only when run.

A ``dim`` and integer arithmetic on dims are Python integers in emitted code, so shapes stay static for
engines that trace; see ``kbplug.runtime.emit``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kbplug.graph.node import Node, scalar_of
from kbplug.graph.spec import Shape, Spec, normalize_axis
from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import primitive
from kbplug.ops.extents import same_shape
from kbplug.ops.namespace import namespace as xp


@primitive()
def dim(x: Spec, /, *, axis: int) -> Spec:
    """The size of one dimension, a 0-d int64."""
    normalize_axis(axis, x.ndim)
    return Spec((), "int64")


@dim.implement
def _(xp: Any, x: Any, /, *, axis: int) -> Any:
    return x.shape[axis]


@primitive()
def shape(x: Spec, /) -> Spec:
    """All sizes as a one-dimensional int64."""
    return Spec((x.ndim,), "int64")


@shape.implement
def _(xp: Any, x: Any, /) -> Any:
    return xp.asarray(list(x.shape), dtype=xp.int64)


@primitive(traits=("alias",))
def sum_like(x: Spec, like: Spec, /) -> Spec:
    """``x`` summed over the dimensions along which ``like`` was broadcast to it."""
    return Spec(like.shape, x.dtype)


@sum_like.implement
def _(xp: Any, x: Any, like: Any, /) -> Any:
    if x.shape == like.shape:
        return x
    extra = x.ndim - like.ndim
    axes = tuple(i for i in range(x.ndim) if i < extra or (like.shape[i - extra] == 1 and x.shape[i] != 1))
    return xp.reshape(xp.sum(x, axis=axes, dtype=x.dtype), like.shape)


@sum_like.derive
def _(g: Tensor, y: Tensor, x: Tensor, like: Tensor) -> tuple[Any, ...]:
    return xp.broadcast_to(g, shape_of(x)), None


def unbroadcast(g: Tensor, x: Tensor) -> Tensor:
    """Return the gradient ``g`` of a broadcast ``x`` summed back to the shape of ``x``.

    Where sizes are unknown and may turn out to be 1, the decision is left to the run (``sum_like``).
    """
    if g.shape == x.shape and None not in x.shape:
        return g
    extra = g.ndim - x.ndim
    pairs = list(zip(g.shape[extra:], x.shape, strict=True))
    if any(small is None and small is not large for large, small in pairs) or (None, None) in pairs:
        return g if same_shape(g, x) else sum_like(g, x)
    if extra:
        g = xp.sum(g, axis=tuple(range(extra)), dtype=g.dtype)
    stretched = tuple(i for i, (large, small) in enumerate(pairs) if small == 1 != large)
    return xp.sum(g, axis=stretched, dtype=g.dtype, keepdims=True) if stretched else g


def size_along(x: Tensor, axis: int) -> int | Tensor:
    """Return the size of one dimension: an integer if it is known, else a tensor."""
    size = x.shape[axis]
    return dim(x, axis=normalize_axis(axis, x.ndim)) if size is None else size


def shape_of(x: Tensor) -> tuple[int | Tensor, ...]:
    """Return the sizes of ``x``, each an integer if it is known, else a tensor."""
    return tuple(size_along(x, i) for i in range(x.ndim))


def known_size(x: Tensor) -> int | Tensor:
    """Return a 0-d integer tensor as the integer it must be, if the specs below it tell; else the tensor itself."""
    value = _evaluate(x.node)
    return x if value is None else value


_ARITHMETIC: Mapping[str, Callable[[int, int], int]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "floor_divide": lambda a, b: a // b,
    "maximum": max,
    "minimum": min,
}
"""Integer arithmetic that stays on the host when its operands are sizes."""


def _evaluate(node: Node) -> int | None:
    scalar = scalar_of(node)
    if scalar is not None:
        return int(scalar) if isinstance(scalar, int) else None
    name = node.op.name
    if name == "dim":
        return node.inputs[0].result.shape[node.params["axis"]]
    if name == "astype":
        return _evaluate(node.inputs[0])
    if name == "getitem":
        return _element(node)
    if name in _ARITHMETIC:
        a, b = map(_evaluate, node.inputs)
        return None if a is None or b is None else _ARITHMETIC[name](a, b)
    return None


def _element(node: Node) -> int | None:
    source, index = node.inputs[0], node.params["index"]
    if source.op.name != "shape" or len(index) != 1 or not isinstance(index[0], int):
        return None
    return source.inputs[0].result.shape[index[0]]


def host_arithmetic(name: str) -> Any:
    """Return the Python function of an op that emitted code may compute on integers, or None."""
    return _ARITHMETIC.get(name)


def static_shape(sizes: tuple[int | Tensor, ...]) -> Shape:
    """Return sizes as a spec's shape: tensors become None."""
    return tuple(s if isinstance(s, int) else None for s in sizes)


__all__ = [
    "dim",
    "host_arithmetic",
    "known_size",
    "shape",
    "shape_of",
    "size_along",
    "static_shape",
    "sum_like",
    "unbroadcast",
]
