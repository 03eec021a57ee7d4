"""The exponential integrals, computed in float64.

Up to 1 (``E1``) and 6 (``Ei``) by their power series, DLMF 6.6.2 and 6.6.1. Beyond, ``x exp(x) E1(x)`` and
``x exp(-x) Ei(x)`` are Chebyshev series in ``(x - 4) / (x + 2)`` and in ``1 / x``, interpolated in 40 digits to within
1e-17. ``En`` is the recurrence from ``E1`` (DLMF 8.19.12) where that is stable, elsewhere the fraction DLMF 8.19.17.
"""

from __future__ import annotations

import math
from typing import Any

from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import REAL_FLOAT, binary, unary
from kbplug.ops.namespace import namespace as nx
from kbplug.ops.special.gammainc import upper_fraction
from kbplug.ops.special.polynomial import chebyshev, polynomial
from kbplug.ops.special.precision import bounded_product, double

EULER = 0.5772156649015329
SERIES = tuple(1 / (k * math.factorial(k)) for k in range(1, 46))
"""``Ein(-x) / x``, up to 6."""
SHORT = tuple((-1) ** k * c for k, c in enumerate(SERIES[:20]))
"""``Ein(x) / x``, up to 1."""
RECURRENCES = 30
"""The largest order that comes from ``E1`` by recurrence."""

E1_SCALED = (
    *(0.8121695479291701, 0.19877948214947017, -0.013589634127867593, 0.0029498916375537004),
    *(-0.0003907636762266594, 9.295514456059183e-05, -1.4795052892102334e-05, 3.8005682780246923e-06),
    *(-6.424367330990174e-07, 1.794013017306885e-07, -2.997531758156375e-08, 9.367192724736652e-09),
    *(-1.430990110218307e-09, 5.340360951053552e-10, -6.525881950383355e-11, 3.344891116610805e-11),
    *(-2.330605548854824e-12, 2.350337637930449e-12, 1.921631896960905e-14, 1.9034983784207435e-13),
    *(1.9976803734972913e-14, 1.8061305202331017e-14, 3.647060613875213e-15, 1.992148815013435e-15),
    *(5.5754607643578855e-16, 2.4856648220534434e-16, 8.263153846691172e-17, 3.402500091202205e-17),
    *(1.2407903097726667e-17,),
)

EI_NEAR = (
    *(1.1680733396026677, 0.10407374192304131, 0.00789965885502367, -0.0008252157069900883),
    *(-0.0003729267763680881, 2.331920122553071e-05, 1.4670027820474274e-05, -2.57902435029795e-06),
    *(-3.0202399976650966e-07, 1.794120067590596e-07, -2.318897334676356e-08, -3.5241037171908044e-09),
    *(2.082796860577049e-09, -3.875449342306865e-10, 3.1997839004861025e-12, 1.9390049785253573e-11),
    *(-6.2238744871933494e-12, 9.731040295252425e-13, 1.1047497660181232e-14, -5.611528237957154e-14),
    *(1.8836493871170515e-14, -3.600937620070161e-15, 2.6610128203774515e-16, 9.979295236810216e-17),
    *(-5.140637317378683e-17, 1.3726003797112981e-17),
)

EI_MIDDLE = (
    *(1.048770495052241, 0.022968647746404083, 0.0005772221510351512, 2.6391231089166217e-05),
    *(2.0180941963157556e-06, 1.9703776847979273e-07, 9.703581408143273e-09, -3.377814629108972e-09),
    *(-9.81584569683767e-10, -2.8764093542544555e-11, 3.233851320791911e-11, 3.126523300648457e-12),
    *(-1.1606787297823743e-12, -1.2218673258253727e-13, 5.08236169585855e-14, 2.3444868549285246e-15),
    *(-2.325525363386709e-15, 1.220187343389524e-16, 8.719019400203214e-17, -1.671993368528686e-17),
)

EI_FAR = (
    *(1.013000946388941, 0.013173609544194371, 0.00017620552371111085, 3.642352053413062e-06),
    *(1.0363147927429254e-07, 3.813480680688831e-09, 1.747202457794016e-10, 9.723024129155511e-12),
    *(6.466039306640236e-13, 5.0886257016631476e-14, 4.721533478404251e-15, 5.180722800738425e-16),
    *(6.776097942327009e-17, 1.0570669943310718e-17),
)


def _scaled(x: Any) -> Any:
    """Return ``x exp(x) E1(x)`` for ``x >= 1``."""
    return chebyshev(1.0 - 6.0 / (x + 2.0), E1_SCALED)


def positive_exp1(xp: Any, x: Any) -> Any:
    """Return ``E1(x)`` for ``x > 0``."""
    near, far = xp.minimum(x, 1.0), xp.maximum(x, 1.0)
    inner = near * polynomial(near, SHORT) - EULER - xp.log(near)
    return xp.where(x < 1.0, inner, _scaled(far) * xp.exp(-far) / far)


@double
def exp1(xp: Any, x: Any) -> Any:
    """Exponential integral ``E1``: infinite at 0, not real and so NaN below."""
    inside = positive_exp1(xp, xp.where(x > 0, x, 1.0))
    return xp.where(x == 0, math.inf, xp.where(x > 0, inside, math.nan))


def _positive_expi(xp: Any, x: Any) -> Any:
    """Return ``Ei(x)`` for ``x > 0``."""
    near, far = xp.minimum(x, 6.0), xp.clip(x, 6.0, 1500.0)
    inner = near * polynomial(near, SERIES) + EULER + xp.log(near)
    inverse = 1.0 / far
    low = chebyshev((xp.maximum(inverse, 1 / 16) - 1 / 16) * (2 / (1 / 6 - 1 / 16)) - 1.0, EI_NEAR)
    middle = chebyshev((xp.clip(inverse, 1 / 40, 1 / 16) - 1 / 40) * (2 / (1 / 16 - 1 / 40)) - 1.0, EI_MIDDLE)
    high = chebyshev(xp.minimum(inverse, 1 / 40) * 80.0 - 1.0, EI_FAR)
    scaled = xp.where(far < 16.0, low, xp.where(far < 40.0, middle, high))
    half = xp.exp(xp.minimum(0.5 * far, 700.0))
    return xp.where(x < 6.0, inner, bounded_product(xp, scaled * inverse * half, half))


@double
def expi(xp: Any, x: Any) -> Any:
    """Exponential integral ``Ei``, the principal value where positive and ``-E1(-x)`` where negative."""
    size = xp.where(x == 0, 1.0, xp.abs(x))
    result = xp.where(x < 0, -positive_exp1(xp, size), _positive_expi(xp, size))
    return xp.where(x == 0, -math.inf, result)


@double
def expn(xp: Any, n: Any, x: Any) -> Any:
    """Exponential integral of integer order; NaN for any other order and for a negative ``x``."""
    defined = (n >= 0) & (n == xp.floor(n)) & (x >= 0)
    inside = defined & (x > 0) & (x < math.inf)
    order, x_inside = xp.where(defined, n, 1.0), xp.where(inside, x, 1.0)
    high = xp.maximum(order, 2.0)
    near = xp.minimum(x_inside, 3.0)
    decay = xp.exp(-near)
    value = positive_exp1(xp, near)
    for k in range(1, RECURRENCES):
        value = xp.where(high > k, (decay - near * value) * (1.0 / k), value)
    fraction = high > RECURRENCES
    bounded = xp.minimum(high, 1e300)
    far = xp.where(fraction, x_inside, xp.maximum(x_inside, 3.0))
    upper = xp.exp(-far) * upper_fraction(1.0 - bounded, far)
    result = xp.where(fraction | (x_inside > 3.0), upper, value)
    first = xp.where(order == 0, _zeroth(xp, x_inside), positive_exp1(xp, x_inside))
    result = xp.where(order <= 1.0, first, result)
    result = xp.where(x == 0, xp.where(order <= 1.0, math.inf, 1.0 / (high - 1.0)), result)
    return xp.where(defined, xp.where(x == math.inf, 0.0, result), math.nan)


def _zeroth(xp: Any, x: Any) -> Any:
    """Return ``exp(-x) / x`` for ``x > 0``."""
    return bounded_product(xp, xp.exp(-x), xp.where(x < 6e-309, math.inf, 1.0 / xp.maximum(x, 6e-309)))


def _expn_slope(g: Tensor, y: Tensor, n: Tensor, x: Tensor) -> tuple[None, Tensor]:
    lower = nx.special.expn(nx.maximum(n - 1, 0.0), x)
    return None, -g * nx.where(n == 0, y * (1 + 1 / x), lower)


unary(
    (
        "special.exp1",
        REAL_FLOAT,
        "Exponential integral ``E1``: the integral of ``exp(-t) / t`` from ``x`` on.",
        lambda g, y, x: (-g * nx.exp(-x) / x,),
        exp1,
    ),
    (
        "special.expi",
        REAL_FLOAT,
        "Exponential integral ``Ei``: the integral of ``exp(t) / t`` up to ``x``.",
        lambda g, y, x: (g * nx.exp(x) / x,),
        expi,
    ),
)

binary(
    (
        "special.expn",
        REAL_FLOAT,
        "Exponential integral of the integer order ``x1``: that of ``exp(-x2 * t) / t**x1`` from 1 on.",
        _expn_slope,
        expn,
    ),
)
