"""Arrays made of numbers alone. What repeats one value, like ``zeros``, is ``broadcast_to`` in the namespace."""

from __future__ import annotations

from typing import Any, Literal

from kbplug.dtypes import check_dtype
from kbplug.errors import ArgumentError, ShapeError
from kbplug.graph.spec import Shape, Spec, size_of
from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import ALL, accept, composite, primitive
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.patches import device_of
from kbplug.ops.sizes import shape_of

Array = Any


@primitive(traits=("sized",))
def arange(*sizes: Spec, shape: Shape, start: float = 0, step: float = 1, dtype: str = "int64") -> Spec:
    """``start + step * i`` for ``i`` below the size."""
    return Spec(shape, check_dtype(dtype))


@arange.implement
def _(xp: Any, /, *, shape: tuple[int], start: float, step: float, dtype: Any) -> Array:
    if isinstance(start, int) and isinstance(step, int):
        return xp.arange(start, start + shape[0] * step, step, dtype=dtype)
    return xp.arange(shape[0], dtype=dtype) * step + start  # a stop that is rounded may add an element


@primitive(traits=("sized",))
def eye(*sizes: Spec, shape: Shape, k: int = 0, dtype: str = "float64") -> Spec:
    """A matrix of zeros with ones on its diagonal ``k``."""
    if any(n is not None and n < 0 for n in shape):
        raise ShapeError(f"eye cannot make the shape {shape}, since sizes are non-negative.")
    return Spec(shape, check_dtype(dtype))


@eye.implement
def _(xp: Any, /, *, shape: tuple[int, int], k: int, dtype: Any) -> Array:
    return xp.eye(*shape, k=k, dtype=dtype)


@composite()
def linspace(xp: Any, start: Any, stop: Any, /, num: int, *, endpoint: bool = True) -> Any:
    """``num`` evenly spaced numbers from ``start`` to ``stop``, which is the last if ``endpoint``."""
    parts = max(num - 1 if endpoint else num, 1)
    at = xp.arange(num, device=device_of(start))
    share = xp.astype(at, start.dtype) / parts
    # XLA divides by a constant through its reciprocal, so that the last share may fall short of 1.
    return xp.where(at == parts, stop, start * (1 - share) + stop * share)


@primitive(traits=("tuple",))
def meshgrid(*arrays: Spec, indexing: Literal["xy", "ij"] = "xy") -> tuple[Spec, ...]:
    """The coordinates of a grid whose axes are the one-dimensional ``arrays``."""
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f'meshgrid takes the indexing "xy" or "ij", not {indexing!r}.')
    if any(a.ndim > 1 for a in arrays):
        raise ShapeError(f"meshgrid takes one-dimensional arrays, not the shapes {[a.shape for a in arrays]}.")
    sizes = [size_of(a.shape) for a in arrays]
    shape = tuple(sizes[_axis(i, len(arrays), indexing)] for i in range(len(arrays)))
    return tuple(a.like(shape=shape) for a in arrays)


def _axis(i: int, count: int, indexing: str) -> int:
    """Return the axis of the grid along which array ``i`` runs."""
    return 1 - i if indexing == "xy" and i < 2 <= count else i


@meshgrid.derive
def _(g: tuple[Any, ...], y: tuple[Tensor, ...], *arrays: Tensor, indexing: str) -> tuple[Any, ...]:
    def collected(i: int, x: Tensor) -> Any:
        if g[i] is None:
            return None
        others = tuple(j for j in range(len(arrays)) if j != _axis(i, len(arrays), indexing))
        return xp.reshape(xp.sum(g[i], axis=others), shape_of(x))

    return tuple(collected(i, x) for i, x in enumerate(arrays))


@primitive()
def tril(x: Spec, /, *, k: int = 0) -> Spec:
    """The lower triangle of matrices, up to the diagonal ``k``; zero above it."""
    return _triangle("tril", x)


@primitive()
def triu(x: Spec, /, *, k: int = 0) -> Spec:
    """The upper triangle of matrices, from the diagonal ``k``; zero below it."""
    return _triangle("triu", x)


def _triangle(name: str, x: Spec) -> Spec:
    accept(name, ALL, x)
    if x.ndim < 2:
        raise ShapeError(f"{name} needs at least 2 dimensions, not the shape {x.shape}.")
    return x


@tril.derive
def _(g: Tensor, y: Tensor, x: Tensor, k: int) -> tuple[Tensor]:
    return (xp.tril(g, k=k),)


@triu.derive
def _(g: Tensor, y: Tensor, x: Tensor, k: int) -> tuple[Tensor]:
    return (xp.triu(g, k=k),)


__all__ = ["arange", "eye", "linspace", "meshgrid", "tril", "triu"]
