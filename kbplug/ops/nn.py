"""What neural networks add to the standard: the rectifier, and exponentials normalised over an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import REAL, composite, unary
from kbplug.ops.namespace import namespace as nx
from kbplug.ops.statistical import restore

unary(
    (
        "relu",
        REAL,
        "The larger of ``x`` and 0; the gradient at 0 is 0.",
        lambda g, y, x: (nx.where(x <= 0, 0.0, g),),
        lambda xp, x: xp.where(x <= 0, 0, x),  # so that NaN stays
    ),
)


@composite()
def softmax(xp: Any, x: Any, /, *, axis: int = -1) -> Any:
    """Exponentials normalised over ``axis``."""
    e = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
    return e / xp.sum(e, axis=axis, keepdims=True)


@softmax.derive
def _(g: Tensor, y: Tensor, x: Tensor, axis: int) -> tuple[Tensor]:
    return (y * (g - nx.sum(g * y, axis=axis, keepdims=True)),)


@composite()
def log_softmax(xp: Any, x: Any, /, *, axis: int = -1) -> Any:
    """Logarithm of ``softmax``."""
    shifted = x - xp.max(x, axis=axis, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=axis, keepdims=True))


@log_softmax.derive
def _(g: Tensor, y: Tensor, x: Tensor, axis: int) -> tuple[Tensor]:
    return (g - nx.exp(y) * nx.sum(g, axis=axis, keepdims=True),)


@composite()
def logsumexp(xp: Any, x: Any, /, *, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Any:
    """Logarithm of the sum of exponentials over ``axis``, without overflow."""
    top = xp.max(x, axis=axis, keepdims=True)
    shift = xp.where(xp.isfinite(top), top, 0.0)  # infinities would cancel to NaN
    total = xp.log(xp.sum(xp.exp(x - shift), axis=axis, keepdims=True)) + shift
    return total if keepdims else xp.sum(total, axis=axis)


@logsumexp.derive
def _(g: Tensor, y: Tensor, x: Tensor, axis: int | Sequence[int] | None, keepdims: bool) -> tuple[Tensor]:
    total = restore(y, x, axis, keepdims)
    shift = nx.where(nx.isfinite(total), total, 0.0)
    return (restore(g, x, axis, keepdims) * nx.exp(x - shift),)
