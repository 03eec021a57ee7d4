"""Forward-mode derivatives of lowerings: dual numbers, the namespace that computes with them, and the ops they make.

Parameters such as the ``a`` of ``gammainc(a, x)`` have no closed derivative. Their lowering, run on dual numbers,
computes it; run on dual numbers of dual numbers, the second one; and so on.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from kbplug.graph.op import Op, register
from kbplug.graph.spec import Spec, broadcast
from kbplug.ops.declare import REAL_FLOAT, accept
from kbplug.ops.special.precision import double

Lowering = Callable[..., Any]


class Dual:
    """A value and its derivative along one direction; ``slope`` is None for a constant."""

    __slots__ = ("slope", "value")

    def __init__(self, value: Any, slope: Any = None) -> None:
        self.value, self.slope = value, slope

    @property
    def dtype(self) -> Any:
        """The dtype of the value."""
        return self.value.dtype

    def __neg__(self) -> Dual:
        return Dual(-self.value, None if self.slope is None else -self.slope)

    def __add__(self, other: Any) -> Dual:
        b = _dual(other)
        return Dual(self.value + b.value, _sum(self.slope, b.slope))

    def __sub__(self, other: Any) -> Dual:
        return self + -other

    def __rsub__(self, other: Any) -> Dual:
        return -self + other

    def __mul__(self, other: Any) -> Dual:
        b = _dual(other)
        return Dual(self.value * b.value, _sum(_times(self.slope, b.value), _times(b.slope, self.value)))

    def __truediv__(self, other: Any) -> Dual:
        b = _dual(other)
        ratio = self.value / b.value
        if b.slope is None:
            return Dual(ratio, None if self.slope is None else self.slope / b.value)
        fall = ratio * b.slope
        return Dual(ratio, (-fall if self.slope is None else self.slope - fall) / b.value)

    def __rtruediv__(self, other: Any) -> Dual:
        return Dual(other) / self

    __radd__ = __add__
    __rmul__ = __mul__

    def __lt__(self, other: Any) -> Any:
        return self.value < _dual(other).value

    def __le__(self, other: Any) -> Any:
        return self.value <= _dual(other).value

    def __gt__(self, other: Any) -> Any:
        return self.value > _dual(other).value

    def __ge__(self, other: Any) -> Any:
        return self.value >= _dual(other).value

    def __eq__(self, other: object) -> Any:
        return self.value == _dual(other).value

    def __ne__(self, other: object) -> Any:
        return self.value != _dual(other).value

    __hash__ = None  # type: ignore[assignment]


def _dual(x: Any) -> Dual:
    return x if isinstance(x, Dual) else Dual(x)


def _sum(a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _times(slope: Any, factor: Any) -> Any:
    return None if slope is None else slope * factor


SLOPES: dict[str, Callable[[Any, Any, Any], Any] | None] = {
    "abs": lambda xp, y, x: xp.sign(x),
    "cos": lambda xp, y, x: -xp.sin(x),
    "exp": lambda xp, y, x: y,
    "expm1": lambda xp, y, x: y + 1.0,
    "floor": None,
    "log": lambda xp, y, x: 1.0 / x,
    "log1p": lambda xp, y, x: 1.0 / (1.0 + x),
    "ones_like": None,
    "round": None,
    "sign": None,
    "sin": lambda xp, y, x: xp.cos(x),
    "sqrt": lambda xp, y, x: 0.5 / y,
}
"""The derivative of each function of one array from its result and argument; None where it is zero."""


class DualNamespace:
    """The part of the standard that lowerings with slopes use, over dual numbers of another namespace.

    Parameters
    ----------
    xp
        The namespace of the values, which may itself be one of dual numbers.
    """

    def __init__(self, xp: Any) -> None:
        self.xp = xp

    def __getattr__(self, name: str) -> Callable[[Dual], Dual]:
        slope, function = SLOPES[name], getattr(self.xp, name)

        def call(x: Dual) -> Dual:
            y = function(x.value)
            return Dual(y, None if slope is None or x.slope is None else x.slope * slope(self.xp, y, x.value))

        return call

    def isnan(self, x: Dual) -> Any:
        """Return whether the value is no number."""
        return self.xp.isnan(x.value)

    def pow(self, x: Any, y: Any) -> Dual:
        """Return ``x ** y`` for positive ``x``."""
        a, b = _dual(x), _dual(y)
        power = self.xp.pow(a.value, b.value)
        along_base = None if a.slope is None else a.slope * b.value * power / a.value
        return Dual(power, _sum(along_base, None if b.slope is None else b.slope * self.xp.log(a.value) * power))

    def clip(self, x: Dual, low: float, high: float) -> Dual:
        """Return ``x`` between two constants, flat beyond them."""
        clipped = self.xp.clip(x.value, low, high)
        return Dual(clipped, None if x.slope is None else self.xp.where(clipped == x.value, x.slope, 0.0))

    def maximum(self, x: Dual, y: Any) -> Dual:
        """Return the larger."""
        return self.where(x >= y, x, y)

    def minimum(self, x: Dual, y: Any) -> Dual:
        """Return the smaller."""
        return self.where(x <= y, x, y)

    def where(self, condition: Any, x: Any, y: Any) -> Dual:
        """Return ``x`` where the condition holds, else ``y``, each with its own derivative."""
        a, b = _dual(x), _dual(y)
        value = self.xp.where(condition, a.value, b.value)
        if a.slope is None and b.slope is None:
            return Dual(value)
        chosen = (0.0 if s is None else s for s in (a.slope, b.slope))
        return Dual(value, self.xp.where(condition, *chosen))


def partial(lowering: Lowering, position: int) -> Lowering:
    """Return the lowering of the derivative of ``lowering`` by the array at ``position``."""

    def derivative(xp: Any, *arrays: Any) -> Any:
        seeds = [Dual(a, xp.ones_like(a) if i == position else None) for i, a in enumerate(arrays)]
        result = lowering(DualNamespace(xp), *seeds)
        slope = 0.0 if result.slope is None else result.slope
        return xp.where(xp.isnan(result.value), result.value, slope)  # NaN and shape are the value's

    return derivative


def slopes(name: str, doc: str, lowering: Lowering, arrays: int) -> Op:
    """Declare the op of all partial derivatives of a function whose parameters have no closed one.

    Parameters
    ----------
    name
        The op's name; its parameter ``orders`` says how often to differentiate by each array.
    doc
        One line.
    lowering
        What to differentiate: it computes in float64 with the functions of ``DualNamespace``.
    arrays
        How many arrays it takes.
    """

    @double
    def lower(xp: Any, *operands: Any, orders: tuple[int, ...]) -> Any:
        derivative = lowering
        for position, order in enumerate(orders):
            for _ in range(order):
                derivative = partial(derivative, position)
        return derivative(xp, *operands)

    def infer(*specs: Spec, orders: tuple[int, ...]) -> Spec:
        accept(name, REAL_FLOAT, *specs)
        return Spec(broadcast(*[s.shape for s in specs]), specs[0].dtype)

    def vjp(g: Any, y: Any, *operands: Any, orders: tuple[int, ...]) -> tuple[Any, ...]:
        raised = [tuple(n + (i == j) for j, n in enumerate(orders)) for i in range(arrays)]
        return tuple(g * op(*operands, orders=o) for o in raised)

    formal = [inspect.Parameter(f"x{i + 1}", inspect.Parameter.POSITIONAL_ONLY) for i in range(arrays)]
    signature = inspect.Signature([*formal, inspect.Parameter("orders", inspect.Parameter.KEYWORD_ONLY)])
    op = Op(
        *(name, signature),
        doc=doc,
        infer=infer,
        lower=lower,
        vjp=vjp,
        traits=("elementwise",),
        chapter=lowering.__module__.removeprefix("kbplug.ops."),
        promotes=range,
    )
    return register(op)
