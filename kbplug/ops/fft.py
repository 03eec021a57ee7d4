"""Discrete Fourier transforms: the standard's extension. It knows which transform is the adjoint of which.

With ``norm="backward"`` a transform is a matrix F and its inverse F^H / n. So the adjoint of a transform is the
opposite one that scales at the other end (``norm`` swapped), between zero-padding and cutting swapped likewise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from kbplug.dtypes import complex_of, real_of
from kbplug.errors import ArgumentError
from kbplug.graph.spec import Size, Spec, normalize_axes
from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import FLOAT, REAL_FLOAT, accept, composite, primitive
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import shape_of, size_along

Norm = Literal["backward", "ortho", "forward"]
Sizes = Sequence[int] | None
Axes = Sequence[int] | None

SWAPPED: dict[str, Norm] = {"backward": "forward", "ortho": "ortho", "forward": "backward"}
"""Where the opposite transform scales."""


def _lengths(x: Spec | Tensor, s: Sizes, axes: Axes) -> dict[int, Size]:
    """Return the length of the transform along each axis: what ``s`` says, else the size of ``x``."""
    if axes is None:
        axes = range(x.ndim) if s is None else range(-len(s), 0)
    at = normalize_axes(axes, x.ndim)
    if not at:
        raise ArgumentError("A transform needs at least one axis.")
    if s is not None and len(s) != len(at):
        raise ArgumentError(
            f"A Fourier transform needs a length for each axis, not the lengths {s} for the axes {axes}."
        )
    return {axis: x.shape[axis] if s is None else s[i] for i, axis in enumerate(at)}


def _line(x: Spec | Tensor, n: int | None, axis: int) -> dict[int, Size]:
    """Return likewise the length along one axis."""
    return _lengths(x, None if n is None else (n,), (axis,))


def _spec(name: str, x: Spec, lengths: dict[int, Size], norm: str, dtype: str) -> Spec:
    if norm not in SWAPPED:
        raise ArgumentError(f"The norm of {name} is 'backward', 'ortho' or 'forward', not {norm!r}.")
    for axis, n in lengths.items():
        if n is not None and n < 1:
            raise ArgumentError(f"{name} needs at least 1 point along axis {axis} of {x.shape}, not {n}.")
    return Spec(tuple(lengths.get(i, n) for i, n in enumerate(x.shape)), dtype)


def _complex_spec(name: str, x: Spec, lengths: dict[int, Size], norm: str) -> Spec:
    accept(name, FLOAT, x)
    return _spec(name, x, lengths, norm, complex_of(x.dtype))


def _half(n: Size) -> Size:
    """Return how many bins of a real signal's spectrum are not conjugates of others."""
    return None if n is None else n // 2 + 1


def _half_spec(name: str, x: Spec, lengths: dict[int, Size], norm: str) -> Spec:
    accept(name, REAL_FLOAT, x)
    full = _spec(name, x, lengths, norm, complex_of(x.dtype))
    last = _last(lengths)
    return full.like(shape=tuple(_half(n) if i == last else n for i, n in enumerate(full.shape)))


def _real_spec(name: str, x: Spec, lengths: dict[int, Size], s: Sequence[int] | int | None, norm: str) -> Spec:
    accept(name, FLOAT, x)
    last = _last(lengths)
    bins = lengths[last]
    if s is None and bins is not None:
        lengths = {**lengths, last: 2 * (bins - 1)}
    return _spec(name, x, lengths, norm, real_of(x.dtype))


def _last(lengths: dict[int, Size]) -> int:
    """Return the axis along which a transform is half of a real signal's."""
    return list(lengths)[-1]


def _apply(name: str, x: Tensor, axes: Sequence[int], norm: str) -> Tensor:
    """Return a transform over whole axes, by the one-dimensional function where there is one axis."""
    if len(axes) == 1:
        return getattr(xp.fft, name)(x, axis=axes[0], norm=norm)
    return getattr(xp.fft, f"{name}n")(x, axes=tuple(axes), norm=norm)


def _resized(x: Tensor, axis: int, size: int | Tensor) -> Tensor:
    """Return ``x`` cut or padded by zeros along ``axis``; both where it is not known which."""
    has = x.shape[axis]
    missing = size - has if isinstance(size, int) and has is not None else None
    if missing is None or missing > 0:
        sizes = shape_of(x)
        filler = (*sizes[:axis], size if missing is None else missing, *sizes[axis + 1 :])
        x = xp.concat([x, xp.zeros(filler, dtype=x.dtype)], axis=axis)
    return x if missing is not None and missing >= 0 else x[(slice(None),) * axis + (slice(None, size),)]


def _restored(g: Tensor, x: Tensor, lengths: dict[int, Size]) -> Tensor:
    """Undo what the lengths of a transform cut from ``x`` or added to it."""
    for axis, n in lengths.items():
        if n != x.shape[axis]:
            g = _resized(g, axis, size_along(x, axis))
    return g


def _complex_rule(g: Tensor, x: Tensor, lengths: dict[int, Size], norm: str, opposite: str) -> tuple[Tensor]:
    return (_restored(_apply(opposite, g, tuple(lengths), SWAPPED[norm]), x, lengths),)


def _half_rule(g: Tensor, x: Tensor, lengths: dict[int, Size], norm: str) -> tuple[Tensor]:
    """The bins that were left out have no gradient: they are zeros."""
    last = _last(lengths)
    n = lengths[last]
    g = _resized(g, last, size_along(x, last) if n is None else n)
    return (_restored(xp.real(_apply("ifft", g, tuple(lengths), SWAPPED[norm])), x, lengths),)


def _real_rule(g: Tensor, x: Tensor, lengths: dict[int, Size], norm: str) -> tuple[Tensor]:
    """Each bin stands for its conjugate too, except the first and, of an even length, the last."""
    last = _last(lengths)
    bins = _apply("rfft", g, tuple(lengths), SWAPPED[norm])
    index = xp.arange(size_along(bins, last))
    single = (index == 0) | (2 * index == size_along(g, last))
    bins = xp.where(xp.expand_dims(single, axis=tuple(range(1, x.ndim - last))), bins, 2 * bins)
    for axis in lengths:
        bins = _resized(bins, axis, size_along(x, axis))
    return (bins,)


def _as_complex(xp: Any, x: Any) -> Any:
    """Return ``x`` as a complex array; the standard's transforms take no other."""
    if xp.isdtype(x.dtype, "complex floating"):
        return x
    return xp.astype(x, xp.complex128 if x.dtype == xp.float64 else xp.complex64)


@primitive("fft.fft")
def fft(x: Spec, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Spec:
    """Fourier transform along ``axis``, cut or padded by zeros to ``n`` points."""
    return _complex_spec("fft.fft", x, _line(x, n, axis), norm)


@fft.implement
def _(xp: Any, x: Any, /, *, n: int | None, axis: int, norm: Norm) -> Any:
    return xp.fft.fft(_as_complex(xp, x), n=n, axis=axis, norm=norm)


@fft.derive
def _(g: Tensor, y: Tensor, x: Tensor, n: int | None, axis: int, norm: Norm) -> tuple[Tensor]:
    return _complex_rule(g, x, _line(x, n, axis), norm, "ifft")


@primitive("fft.ifft")
def ifft(x: Spec, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Spec:
    """Inverse Fourier transform along ``axis``, cut or padded by zeros to ``n`` points."""
    return _complex_spec("fft.ifft", x, _line(x, n, axis), norm)


@ifft.implement
def _(xp: Any, x: Any, /, *, n: int | None, axis: int, norm: Norm) -> Any:
    return xp.fft.ifft(_as_complex(xp, x), n=n, axis=axis, norm=norm)


@ifft.derive
def _(g: Tensor, y: Tensor, x: Tensor, n: int | None, axis: int, norm: Norm) -> tuple[Tensor]:
    return _complex_rule(g, x, _line(x, n, axis), norm, "fft")


@primitive("fft.fftn")
def fftn(x: Spec, /, *, s: Sizes = None, axes: Axes = None, norm: Norm = "backward") -> Spec:
    """Fourier transform along several axes; with ``s`` and no ``axes``, along the last ones."""
    return _complex_spec("fft.fftn", x, _lengths(x, s, axes), norm)


@fftn.implement
def _(xp: Any, x: Any, /, *, s: Sizes, axes: Axes, norm: Norm) -> Any:
    return xp.fft.fftn(_as_complex(xp, x), s=s, axes=_axes(x, s, axes), norm=norm)


def _axes(x: Any, s: Sizes, axes: Axes) -> Axes:
    """Return the axes in full: libraries differ on what lengths without axes mean."""
    return tuple(range(x.ndim)[0 if s is None else -len(s) :]) if axes is None else axes


@fftn.derive
def _(g: Tensor, y: Tensor, x: Tensor, s: Sizes, axes: Axes, norm: Norm) -> tuple[Tensor]:
    return _complex_rule(g, x, _lengths(x, s, axes), norm, "ifft")


@primitive("fft.ifftn")
def ifftn(x: Spec, /, *, s: Sizes = None, axes: Axes = None, norm: Norm = "backward") -> Spec:
    """Inverse Fourier transform along several axes; with ``s`` and no ``axes``, along the last ones."""
    return _complex_spec("fft.ifftn", x, _lengths(x, s, axes), norm)


@ifftn.implement
def _(xp: Any, x: Any, /, *, s: Sizes, axes: Axes, norm: Norm) -> Any:
    return xp.fft.ifftn(_as_complex(xp, x), s=s, axes=_axes(x, s, axes), norm=norm)


@ifftn.derive
def _(g: Tensor, y: Tensor, x: Tensor, s: Sizes, axes: Axes, norm: Norm) -> tuple[Tensor]:
    return _complex_rule(g, x, _lengths(x, s, axes), norm, "fft")


@primitive("fft.rfft")
def rfft(x: Spec, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Spec:
    """Fourier transform of a real signal: the ``n // 2 + 1`` bins that are not conjugates of others."""
    return _half_spec("fft.rfft", x, _line(x, n, axis), norm)


@rfft.derive
def _(g: Tensor, y: Tensor, x: Tensor, n: int | None, axis: int, norm: Norm) -> tuple[Tensor]:
    return _half_rule(g, x, _line(x, n, axis), norm)


@primitive("fft.rfftn")
def rfftn(x: Spec, /, *, s: Sizes = None, axes: Axes = None, norm: Norm = "backward") -> Spec:
    """Fourier transform of a real signal along several axes, along the last of them by half."""
    return _half_spec("fft.rfftn", x, _lengths(x, s, axes), norm)


@rfftn.implement
def _(xp: Any, x: Any, /, *, s: Sizes, axes: Axes, norm: Norm) -> Any:
    return xp.fft.rfftn(x, s=s, axes=_axes(x, s, axes), norm=norm)


@rfftn.derive
def _(g: Tensor, y: Tensor, x: Tensor, s: Sizes, axes: Axes, norm: Norm) -> tuple[Tensor]:
    return _half_rule(g, x, _lengths(x, s, axes), norm)


@primitive("fft.irfft")
def irfft(x: Spec, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Spec:
    """The real signal of ``n`` points with the spectrum ``x``; an even number, unless ``n`` says otherwise."""
    return _real_spec("fft.irfft", x, _line(x, n, axis), n, norm)


@irfft.implement
def _(xp: Any, x: Any, /, *, n: int | None, axis: int, norm: Norm) -> Any:
    return xp.fft.irfft(_as_complex(xp, x), n=n, axis=axis, norm=norm)


@irfft.derive
def _(g: Tensor, y: Tensor, x: Tensor, n: int | None, axis: int, norm: Norm) -> tuple[Tensor]:
    return _real_rule(g, x, _line(x, n, axis), norm)


@primitive("fft.irfftn")
def irfftn(x: Spec, /, *, s: Sizes = None, axes: Axes = None, norm: Norm = "backward") -> Spec:
    """The real signal with a spectrum along several axes that is given by half along the last of them."""
    return _real_spec("fft.irfftn", x, _lengths(x, s, axes), s, norm)


@irfftn.implement
def _(xp: Any, x: Any, /, *, s: Sizes, axes: Axes, norm: Norm) -> Any:
    return xp.fft.irfftn(_as_complex(xp, x), s=s, axes=_axes(x, s, axes), norm=norm)


@irfftn.derive
def _(g: Tensor, y: Tensor, x: Tensor, s: Sizes, axes: Axes, norm: Norm) -> tuple[Tensor]:
    return _real_rule(g, x, _lengths(x, s, axes), norm)


@composite("fft.hfft")
def hfft(xp: Any, x: Any, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Any:
    """The real spectrum of a signal with Hermitian symmetry, of which half is given."""
    return xp.fft.irfft(xp.conj(x), n=n, axis=axis, norm=SWAPPED.get(norm, norm))


@composite("fft.ihfft")
def ihfft(xp: Any, x: Any, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Any:
    """Half of the signal with Hermitian symmetry whose spectrum is real."""
    return xp.conj(xp.fft.rfft(x, n=n, axis=axis, norm=SWAPPED.get(norm, norm)))


@composite("fft.fftfreq", traits=("nameless",))
def fftfreq(xp: Any, n: int, *, d: float = 1.0, dtype: Any = None) -> Any:
    """The frequency of each bin for samples ``d`` apart: 0, positive ones, then negative ones."""
    index = xp.arange(n)
    return _frequencies(xp, xp.where(index < (n + 1) // 2, index, index - n), n, d, dtype)


@composite("fft.rfftfreq", traits=("nameless",))
def rfftfreq(xp: Any, n: int, *, d: float = 1.0, dtype: Any = None) -> Any:
    """The frequency of each bin of a real signal, for samples ``d`` apart."""
    return _frequencies(xp, xp.arange(n // 2 + 1), n, d, dtype)


def _frequencies(xp: Any, cycles: Any, n: int, d: float, dtype: Any) -> Any:
    return xp.astype(cycles, xp.float64 if dtype is None else dtype) / (n * d)


@primitive("fft.fftshift")
def fftshift(x: Spec, /, *, axes: int | Sequence[int] | None = None) -> Spec:
    """Bins in the order of their frequencies: the zero in the middle of each axis."""
    return _shifted("fft.fftshift", x, axes)


@primitive("fft.ifftshift")
def ifftshift(x: Spec, /, *, axes: int | Sequence[int] | None = None) -> Spec:
    """The inverse of ``fftshift``; they differ for odd sizes."""
    return _shifted("fft.ifftshift", x, axes)


def _shifted(name: str, x: Spec, axes: int | Sequence[int] | None) -> Spec:
    accept(name, FLOAT, x)
    normalize_axes(axes, x.ndim)
    return x


@fftshift.derive
def _(g: Tensor, y: Tensor, x: Tensor, axes: int | Sequence[int] | None) -> tuple[Tensor]:
    return (xp.fft.ifftshift(g, axes=axes),)


@ifftshift.derive
def _(g: Tensor, y: Tensor, x: Tensor, axes: int | Sequence[int] | None) -> tuple[Tensor]:
    return (xp.fft.fftshift(g, axes=axes),)


__all__ = ["SWAPPED"]
