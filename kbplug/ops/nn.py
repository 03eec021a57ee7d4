"""What neural networks add to the standard: activations, exponentials normalised over an axis, and crossentropies.

The logistic function, which they call sigmoid, is ``special.expit``.
"""

from __future__ import annotations

from typing import Any

from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import REAL, REAL_FLOAT, composite, unary
from kbplug.ops.namespace import namespace as nx
from kbplug.ops.sizes import unbroadcast
from kbplug.ops.statistical import Axis, restore

unary(
    (
        "relu",
        REAL,
        "The larger of ``x`` and 0; the gradient at 0 is 0.",
        lambda g, y, x: (nx.where(x <= 0, 0.0, g),),
        lambda xp, x: xp.maximum(x, 0),
    ),
    (
        "softplus",
        REAL_FLOAT,
        "``log(1 + exp(x))`` without overflow.",
        lambda g, y, x: (g * nx.special.expit(x),),
        lambda xp, x: xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.abs(x))),
    ),
)


@composite(traits=("elementwise",))
def leaky_relu(xp: Any, x: Any, /, *, negative_slope: float = 0.2) -> Any:
    """``x`` where it is positive, else ``negative_slope * x``."""
    return xp.where(x > 0, x, negative_slope * x)


@composite(traits=("elementwise",))
def elu(xp: Any, x: Any, /, *, alpha: float = 1.0) -> Any:
    """``x`` where it is positive, else ``alpha * (exp(x) - 1)``."""
    positive = x > 0
    return xp.where(positive, x, alpha * xp.expm1(xp.where(positive, 0.0, x)))  # no overflow where it is not taken


_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


@composite(traits=("elementwise",))
def selu(xp: Any, x: Any, /) -> Any:
    """``elu``, scaled so that mean 0 and variance 1 are a fixed point: Klambauer et al., 2017, equation 2."""
    positive = x > 0
    below = _SELU_ALPHA * xp.expm1(xp.where(positive, 0.0, x))
    return _SELU_SCALE * xp.where(positive, x, below)


@composite(traits=("elementwise",))
def softsign(xp: Any, x: Any, /) -> Any:
    """``x / (1 + abs(x))``."""
    return x / (1.0 + xp.abs(x))


@composite(traits=("elementwise",))
def hard_sigmoid(xp: Any, x: Any, /) -> Any:
    """``0.2 * x + 0.5`` kept between 0 and 1; the gradient at a bound is 0.2."""
    return xp.clip(0.2 * x + 0.5, 0.0, 1.0)


@composite()
def softmax(xp: Any, x: Any, /, *, axis: Axis = -1) -> Any:
    """Exponentials normalised over ``axis``."""
    e = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
    return e / xp.sum(e, axis=axis, keepdims=True)


@softmax.derive
def _(g: Tensor, y: Tensor, x: Tensor, axis: Axis) -> tuple[Tensor]:
    return (y * (g - nx.sum(g * y, axis=axis, keepdims=True)),)


@composite(promotes=range)
def scaled_softmax(xp: Any, x: Any, scale: Any, /, *, axis: Axis = -1) -> Any:
    """``softmax(x) * scale``, with each factor divided by its sum first, which is not below 1."""
    e = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
    return e * (scale / xp.sum(e, axis=axis, keepdims=True))


@scaled_softmax.derive
def _(g: Tensor, y: Tensor, x: Tensor, scale: Tensor, axis: Axis) -> tuple[Tensor, Tensor]:
    p, flow = nx.softmax(x, axis=axis), g * scale
    return p * (flow - nx.sum(flow * p, axis=axis, keepdims=True)), g * p


@composite()
def log_softmax(xp: Any, x: Any, /, *, axis: Axis = -1) -> Any:
    """Logarithm of ``softmax``."""
    shifted = x - xp.max(x, axis=axis, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=axis, keepdims=True))


@log_softmax.derive
def _(g: Tensor, y: Tensor, x: Tensor, axis: Axis) -> tuple[Tensor]:
    total = nx.sum(g, axis=axis, keepdims=True)
    return (g + nx.scaled_softmax(x, -total, axis=axis),)  # shares its exponentials with y


@composite()
def logsumexp(xp: Any, x: Any, /, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Logarithm of the sum of exponentials over ``axis``, without overflow."""
    top = xp.max(x, axis=axis, keepdims=True)
    shift = xp.where(xp.isfinite(top), top, 0.0)  # infinities would cancel to NaN
    total = xp.log(xp.sum(xp.exp(x - shift), axis=axis, keepdims=True)) + shift
    return total if keepdims else xp.sum(total, axis=axis)


@logsumexp.derive
def _(g: Tensor, y: Tensor, x: Tensor, axis: Axis, keepdims: bool) -> tuple[Tensor]:
    """The exponentials of the body by their sum; of a row with an infinite maximum they are the slope themselves."""
    top = nx.max(x, axis=axis, keepdims=True)
    finite = nx.isfinite(top)
    e = nx.exp(x - nx.stop_gradient(nx.where(finite, top, 0.0)))  # no shift changes the quotient
    total = nx.where(finite, nx.sum(e, axis=axis, keepdims=True), 1.0)
    return (e * (restore(g, x, axis, keepdims) / total),)


@composite(promotes=range)
def softmax_cross_entropy(xp: Any, logits: Any, targets: Any, /, *, axis: int = -1) -> Any:
    """``-sum(targets * log_softmax(logits))`` over ``axis``; a target of 0 counts nothing, whatever its logit."""
    shifted = logits - xp.max(logits, axis=axis, keepdims=True)
    surprise = xp.log(xp.sum(xp.exp(shifted), axis=axis, keepdims=True)) - shifted
    return xp.sum(xp.where(targets == 0, 0.0, targets * surprise), axis=axis)


@softmax_cross_entropy.derive
def _(g: Tensor, y: Tensor, logits: Tensor, targets: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    g = nx.expand_dims(g, axis=axis)
    flow = unbroadcast(_across(g * targets, logits, axis), logits)
    slope = nx.scaled_softmax(logits, nx.sum(flow, axis=axis, keepdims=True), axis=axis) - flow
    return slope, _across(-g * nx.log_softmax(logits, axis=axis), targets, axis)


def _across(x: Tensor, other: Tensor, axis: int) -> Tensor:
    """Return ``x`` with an element for each one of ``other`` along ``axis``, as it is where it surely has them."""
    surely = x.ndim == other.ndim and x.shape[axis] == other.shape[axis] is not None
    return x if surely else nx.broadcast_arrays(x, other)[0]


@composite(promotes=range, traits=("elementwise",))
def sigmoid_cross_entropy(xp: Any, logits: Any, targets: Any, /) -> Any:
    """``-targets * log(p) - (1 - targets) * log(1 - p)`` for ``p = expit(logits)``, exact for logits of any size."""
    return (xp.maximum(logits, 0.0) - logits * targets) + xp.log1p(xp.exp(-xp.abs(logits)))


@sigmoid_cross_entropy.derive
def _(g: Tensor, y: Tensor, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    return g * (nx.special.expit(logits) - targets), -g * logits
