"""SciPy's names for the normalised exponentials of ``nn``; they differ in the default axis, which is all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from kbplug.graph.op import Op
from kbplug.ops import nn
from kbplug.ops.declare import composite
from kbplug.ops.statistical import Axis


def _body(op: Op) -> Callable[..., Any]:
    return cast("Callable[..., Any]", op.lower)


@composite("special.softmax")
def softmax(xp: Any, x: Any, /, axis: Axis = None) -> Any:
    """Exponentials normalised over ``axis``."""
    return _body(nn.softmax)(xp, x, axis=axis)


@composite("special.log_softmax")
def log_softmax(xp: Any, x: Any, /, axis: Axis = None) -> Any:
    """Logarithm of ``softmax``, exact where that is nearly 0."""
    return _body(nn.log_softmax)(xp, x, axis=axis)


@composite("special.logsumexp")
def logsumexp(xp: Any, x: Any, /, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Logarithm of the sum of exponentials over ``axis``, without overflow."""
    return _body(nn.logsumexp)(xp, x, axis=axis, keepdims=keepdims)


softmax.vjp, log_softmax.vjp, logsumexp.vjp = nn.softmax.vjp, nn.log_softmax.vjp, nn.logsumexp.vjp
