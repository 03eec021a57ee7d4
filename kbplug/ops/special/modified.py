"""The modified Bessel functions of order 0 and 1, plain and scaled, computed in float64.

``I`` is its power series up to 8 (DLMF 10.25.2), all of whose terms are positive. ``K`` up to 2 is its logarithm times
``I`` and a series in ``x**2`` (DLMF 10.31.1). Beyond, ``sqrt(x)`` times the scaled function is a Chebyshev series in
``1 / x``, interpolated in 40 digits to within 1e-17.
"""

from __future__ import annotations

import math
from typing import Any

from kbplug.ops.declare import REAL_FLOAT, unary
from kbplug.ops.namespace import namespace as nx
from kbplug.ops.special.forward import slopes
from kbplug.ops.special.polynomial import chebyshev, polynomial
from kbplug.ops.special.precision import bounded_product, double

SERIES = tuple(tuple(0.25**k / (math.factorial(k) * math.factorial(k + n)) for k in range(30)) for n in (0, 1))
"""``I(n, x) (2 / x)**n`` in powers of ``x**2``."""

I0_FAR = (
    *(0.4022452055070544, 0.0033691164782556943, 6.889758346916825e-05, 2.8913705208347567e-06),
    *(2.0489185894690638e-07, 2.266668990498178e-08, 3.3962320257083865e-09, 4.94060238822497e-10),
    *(1.1889147107846439e-11, -3.1499165279632416e-11, -1.3215811840447713e-11, -1.7941785315068062e-12),
    *(7.180124451383666e-13, 3.8527783827421426e-13, 1.54008621752141e-14, -4.150569347287222e-14),
    *(-9.554846698828307e-15, 3.8116806693526224e-15, 1.7725601330565263e-15, -3.425485619677219e-16),
    *(-2.8276239805165836e-16, 3.461222867697461e-17, 4.46562142029676e-17, -4.830504485944182e-18),
    *(-7.233180487874754e-18,),
)

I1_FAR = (
    *(0.38928811750914005, -0.009761097491361469, -0.00011058893876262371, -3.882564808877691e-06),
    *(-2.512236237870209e-07, -2.6314688468895196e-08, -3.835380385964237e-09, -5.589743462196584e-10),
    *(-1.8974958123505413e-11, 3.2526035830154884e-11, 1.4125807436613782e-11, 2.0356285441470896e-12),
    *(-7.198551776245908e-13, -4.0835511110921974e-13, -2.1015418427726643e-14, 4.272440016711951e-14),
    *(1.0420276984128802e-14, -3.8144030724370075e-15, -1.8803547755107825e-15, 3.3082023109209285e-16),
    *(2.96262899764595e-16, -3.209525921993424e-17, -4.6503053684893586e-17, 4.414348323071708e-18),
    *(7.517296310842105e-18,),
)

K0_FAR = (
    *(1.2201515410329777, -0.0314481013119645, 0.0015698838857300533, -0.00012849549581627802),
    *(1.39498137188765e-05, -1.8317555227191195e-06, 2.766813639445015e-07, -4.660489897687948e-08),
    *(8.574034017414225e-09, -1.6975345093890614e-09, 3.5773972814003283e-10, -7.957489244477396e-11),
    *(1.8559491149549264e-11, -4.514597883374519e-12, 1.1403405882073441e-12, -2.9800969231481784e-13),
    *(8.032890775068375e-14, -2.2275133267462965e-14, 6.340076476276646e-15, -1.848593377920907e-15),
    *(5.5120559994043335e-16, -1.6782311257549006e-16, 5.2103917776435543e-17, -1.6475805939842632e-17),
)

K1_FAR = (
    *(1.3603130952422213, 0.10392373657681724, -0.002857816859622779, 0.00019521551847135162),
    *(-1.936197974166083e-05, 2.406484947837217e-06, -3.5019606030878126e-07, 5.7410841254500495e-08),
    *(-1.0345762465678097e-08, 2.0150497551970347e-09, -4.1903547593419254e-10, 9.218315187605315e-11),
    *(-2.129967838427791e-11, 5.139639673482343e-12, -1.2891739609498229e-12, 3.348419666052243e-13),
    *(-8.976705182010146e-14, 2.4771544242195988e-14, -7.0198370892147685e-15, 2.038703166239861e-15),
    *(-6.057047270643018e-16, 1.8380935752430455e-16, -5.689462849193648e-17, 1.7940510478863572e-17),
)

K0_NEAR = (
    *(-0.2676636966169514, 0.3442898999246285, 0.0359799365153615, 0.001264615411446926),
    *(2.286212103119452e-05, 2.5347910790261494e-07, 1.904516377220209e-09, 1.0349695257633625e-11),
    *(4.2598161427910826e-14, 1.3744654358807508e-16),
)

K1_NEAR = (
    *(-0.06409034516866254, -0.10916919599320105, -0.006636878452817714, -0.00016822792382067343),
    *(-2.389559180803608e-06, -2.1853569024549695e-08, -1.3982271326113327e-10, -6.618562752976041e-13),
    *(-2.4134516242987822e-15, -6.990873731242567e-18),
)


def _near(order: int, x: Any) -> Any:
    """Return ``I(order, x)`` for ``|x| <= 8``."""
    series = polynomial(x * x, SERIES[order])
    return series if order == 0 else 0.5 * x * series


def _far(order: int, x: Any) -> Any:
    """Return ``sqrt(x) exp(-x) I(order, x)`` for ``x >= 8``."""
    return chebyshev(16.0 / x - 1.0, I1_FAR if order else I0_FAR)


def _first(xp: Any, order: int, x: Any) -> Any:
    """Return ``I(order, x)``, infinite once it overflows."""
    size = xp.where(x < 0, -x, x)
    near, far = xp.clip(x, -8.0, 8.0), xp.clip(size, 8.0, 720.0)
    half = xp.exp(0.5 * far)
    outer = bounded_product(xp, _far(order, far) / xp.sqrt(far) * half, half)
    outer = xp.where(x < 0, -outer, outer) if order else outer
    return xp.where(size > 8.0, outer, _near(order, near))


def _first_scaled(xp: Any, order: int, x: Any) -> Any:
    """Return ``exp(-|x|) I(order, x)``."""
    size = xp.abs(x)
    near, far = xp.clip(x, -8.0, 8.0), xp.maximum(size, 8.0)
    outer = _far(order, far) / xp.sqrt(far)
    outer = xp.where(x < 0, -outer, outer) if order else outer
    return xp.where(size > 8.0, outer, _near(order, near) * xp.exp(-xp.abs(near)))


def _second(xp: Any, order: int, x: Any, scaled: bool) -> Any:
    """Return ``K(order, x)``, times ``exp(x)`` if ``scaled``; infinite at 0, NaN below."""
    near = xp.clip(x, 5e-324, 2.0)
    log = xp.log(near) - math.log(2.0)
    t = 0.5 * near * near - 1.0
    if order == 0:
        inner = chebyshev(t, K0_NEAR) - log * _near(0, near)
    else:
        inverse = xp.where(near < 6e-309, math.inf, 1.0 / xp.maximum(near, 6e-309))
        inner = inverse + log * _near(1, near) + near * chebyshev(t, K1_NEAR)
    far = xp.maximum(x, 2.0)
    outer = chebyshev(4.0 / far - 1.0, K1_FAR if order else K0_FAR) / xp.sqrt(far)
    inner, outer = (inner * xp.exp(near), outer) if scaled else (inner, outer * xp.exp(-far))
    result = xp.where(x > 2.0, outer, inner)
    return xp.where(x == 0, math.inf, xp.where(x > 0, result, math.nan))


@double
def i0(xp: Any, x: Any) -> Any:
    """Modified Bessel function of the first kind and order 0."""
    return _first(xp, 0, x)


@double
def i0e(xp: Any, x: Any) -> Any:
    """Scaled modified Bessel function of the first kind and order 0."""
    return _first_scaled(xp, 0, x)


def _i1(xp: Any, x: Any) -> Any:
    return _first(xp, 1, x)


@double
def i1(xp: Any, x: Any) -> Any:
    """Modified Bessel function of the first kind and order 1."""
    return _i1(xp, x)


@double
def i1e(xp: Any, x: Any) -> Any:
    """Scaled modified Bessel function of the first kind and order 1."""
    return _first_scaled(xp, 1, x)


@double
def k0(xp: Any, x: Any) -> Any:
    """Modified Bessel function of the second kind and order 0."""
    return _second(xp, 0, x, False)


@double
def k0e(xp: Any, x: Any) -> Any:
    """Scaled modified Bessel function of the second kind and order 0."""
    return _second(xp, 0, x, True)


@double
def k1(xp: Any, x: Any) -> Any:
    """Modified Bessel function of the second kind and order 1."""
    return _second(xp, 1, x, False)


@double
def k1e(xp: Any, x: Any) -> Any:
    """Scaled modified Bessel function of the second kind and order 1."""
    return _second(xp, 1, x, True)


i1_slope = slopes("special.i1_slope", "Derivatives of ``i1``.", _i1, 1)


def _i1e_slope(y: Any, x: Any) -> Any:
    origin = x == 0
    return nx.special.i0e(x) - y * nx.sign(x) - nx.where(origin, 0.5, y / nx.where(origin, 1.0, x))


unary(
    (
        "special.i0",
        REAL_FLOAT,
        "Modified Bessel function of the first kind and order 0.",
        lambda g, y, x: (g * nx.special.i1(x),),
        i0,
    ),
    (
        "special.i0e",
        REAL_FLOAT,
        "``i0(x)`` times ``exp(-abs(x))``.",
        lambda g, y, x: (g * (nx.special.i1e(x) - y * nx.sign(x)),),
        i0e,
    ),
    (
        "special.i1",
        REAL_FLOAT,
        "Modified Bessel function of the first kind and order 1.",
        lambda g, y, x: (g * i1_slope(x, orders=(1,)),),
        i1,
    ),
    (
        "special.i1e",
        REAL_FLOAT,
        "``i1(x)`` times ``exp(-abs(x))``.",
        lambda g, y, x: (g * _i1e_slope(y, x),),
        i1e,
    ),
    (
        "special.k0",
        REAL_FLOAT,
        "Modified Bessel function of the second kind and order 0.",
        lambda g, y, x: (-g * nx.special.k1(x),),
        k0,
    ),
    (
        "special.k0e",
        REAL_FLOAT,
        "``k0(x)`` times ``exp(x)``.",
        lambda g, y, x: (g * (y - nx.special.k1e(x)),),
        k0e,
    ),
    (
        "special.k1",
        REAL_FLOAT,
        "Modified Bessel function of the second kind and order 1.",
        lambda g, y, x: (-g * (nx.special.k0(x) + y / x),),
        k1,
    ),
    (
        "special.k1e",
        REAL_FLOAT,
        "``k1(x)`` times ``exp(x)``.",
        lambda g, y, x: (g * (y - y / x - nx.special.k0e(x)),),
        k1e,
    ),
)
