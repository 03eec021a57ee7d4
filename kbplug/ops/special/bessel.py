"""The Bessel functions of order 0 and 1, computed in float64.

Up to 8 Chebyshev series in ``x**2``, for ``Y`` with its logarithm and pole taken out (DLMF 10.8.1). Beyond, the waves
of DLMF 10.17.3 with their slowly varying amplitudes as Chebyshev series in ``1 / x**2``. Interpolated in 40 digits
to within 1e-17; near a zero the error is that small absolutely.
"""

from __future__ import annotations

import math
from typing import Any

from kbplug.ops.declare import REAL_FLOAT, unary
from kbplug.ops.namespace import namespace as nx
from kbplug.ops.special.forward import slopes
from kbplug.ops.special.polynomial import chebyshev
from kbplug.ops.special.precision import double

J0_NEAR = (
    *(0.15772797147489012, -0.008723442352852221, 0.2651786132033368, -0.37009499387264977),
    *(0.15806710233209725, -0.034893769411408884, 0.004819180069467605, -0.00046062616620627504),
    *(3.246032882100508e-05, -1.7619469077621507e-06, 7.608163592418782e-08, -2.679253530557673e-09),
    *(7.848696314479465e-11, -1.9438346867370164e-12, 4.125320595634374e-14, -7.588508125447546e-16),
    *(1.2218515873961411e-17,),
)

J1_NEAR = (
    *(0.08104484632565812, -0.1489751450676521, 0.1609992623572097, -0.08268049176681791),
    *(0.022213639654966037, -0.003646940600769276, 0.0004050337728354822, -3.255554866857259e-05),
    *(1.9858774049915165e-06, -9.521984756750436e-08, 3.687133759097148e-09, -1.178026622695885e-10),
    *(3.160154580348003e-12, -7.221755239651773e-14, 1.4232144003513942e-15, -2.4441972916190464e-17),
)

Y0_NEAR = (
    *(0.03645469809116044, -0.2783237094075825, 0.2960499990207148, 0.09825508408187864),
    *(-0.10755155280627783, 0.031799074084414514, -0.005161397105810715, 0.0005498525320039012),
    *(-4.1996983149420134e-05, 2.4290361107923793e-06, -1.1049969793472957e-07, 4.06651736597911e-09),
    *(-1.2374148898289854e-10, 3.1685725528945945e-12, -6.926956032431002e-14, 1.3086308625876684e-15),
    *(-2.1586201986914482e-17,),
)

Y1_NEAR = (
    *(0.038300769852423776, -0.08182561412732826, -0.0248677076121964, 0.047967452752746984),
    *(-0.01852588451089802, 0.003680607687823511, -0.0004627254060293369, 4.06940026958087e-05),
    *(-2.6617695125295625e-06, 1.350602691325434e-07, -5.483524110336276e-09, 1.8245086841229007e-10),
    *(-5.070666636591129e-12, 1.1956162517587948e-13, -2.423162442712473e-15, 4.268126513072962e-17),
)

P0 = (
    *(0.9994603493475187, -0.0005365220468132117, 3.0751847875194745e-06, -5.1705945376060975e-08),
    *(1.6306464635151382e-09, -7.86409137723707e-11, 5.168262387349193e-12, -4.3045788699253914e-13),
    *(4.3265957431549404e-14, -5.069034095935236e-15, 6.748072215733873e-16, -1.0011513723467786e-16),
    *(1.6305919233744186e-17,),
)

Q0 = (
    *(-0.12444683684269607, 0.0005470815954089319, -5.9315987288485175e-06, 1.4377965798375193e-07),
    *(-5.817532749493056e-09, 3.376097523734991e-10, -2.565397936797308e-11, 2.404916100281365e-12),
    *(-2.6690625482579414e-13, 3.4041800321963686e-14, -4.87994410531204e-15, 7.729703176242605e-16),
    *(-1.3348852171502517e-16, 2.4865952389390515e-17, -4.952892629886516e-18),
)

P1 = (
    *(1.0009030408600137, 0.0008989898330859408, -3.987284300488908e-06, 6.177633960644299e-08),
    *(-1.8718907491063067e-09, 8.816898659582339e-11, -5.704863640395645e-12, 4.699195515230542e-13),
    *(-4.6842237839904895e-14, 5.452674896044717e-15, -7.221180842274018e-16, 1.0667689114335412e-16),
    *(-1.7312313216116335e-17,),
)

Q1 = (
    *(0.3742222965562826, -0.0007702178839325664, 7.3108922063643636e-06, -1.676782510726674e-07),
    *(6.583354662120443e-09, -3.749090950541556e-10, 2.8121750359748866e-11, -2.61145253946232e-12),
    *(2.8774212663332235e-13, -3.649001916061838e-14, 5.206626366226707e-15, -8.215318025458595e-16),
    *(1.4141084390211833e-16, -2.626761589838529e-17, 5.2192649196714085e-18),
)

TWO_OVER_PI = 2 / math.pi


def _waves(xp: Any, order: int, x: Any) -> tuple[Any, Any]:
    """Return ``J(order, x)`` and ``Y(order, x)`` for ``x >= 8``."""
    inverse = 1.0 / x
    t = 128.0 * inverse * inverse - 1.0
    p = chebyshev(t, P1 if order else P0)
    q = inverse * chebyshev(t, Q1 if order else Q0)
    cos, sin = xp.cos(x), xp.sin(x)
    first, second = cos + sin, sin - cos  # cosine and sine of x - pi / 4, times the square root of 2
    c, s = (second, -first) if order else (first, second)
    scale = xp.sqrt(inverse) / math.sqrt(math.pi)
    return scale * (p * c - q * s), scale * (p * s + q * c)


def _split(xp: Any, x: Any) -> tuple[Any, Any, Any]:
    """Return ``|x|`` clamped to 8, clamped from 8 on and finite, and the square of the former on [-1, 1]."""
    size = xp.where(x < 0, -x, x)
    near = xp.minimum(size, 8.0)
    return near, xp.maximum(xp.where(size < math.inf, size, 8.0), 8.0), near * near * 0.03125 - 1.0


def _j0(xp: Any, x: Any) -> Any:
    _, far, t = _split(xp, x)
    size = xp.abs(x)
    result = xp.where(size > 8.0, _waves(xp, 0, far)[0], chebyshev(t, J0_NEAR))
    return xp.where(size == math.inf, 0.0, result)


def _j1(xp: Any, x: Any) -> Any:
    _, far, t = _split(xp, x)
    size = xp.abs(x)
    outer = _waves(xp, 1, far)[0]
    inner = xp.clip(x, -8.0, 8.0) * chebyshev(t, J1_NEAR)
    result = xp.where(size > 8.0, xp.where(x < 0, -outer, outer), inner)
    return xp.where(size == math.inf, 0.0, result)


@double
def j0(xp: Any, x: Any) -> Any:
    """Bessel function of the first kind and order 0; 0 at infinity."""
    return _j0(xp, x)


@double
def j1(xp: Any, x: Any) -> Any:
    """Bessel function of the first kind and order 1; 0 at infinity."""
    return _j1(xp, x)


def _ends(xp: Any, x: Any, result: Any) -> Any:
    """Return the result with the limits of ``Y``: -inf at 0, 0 at infinity, and NaN below 0."""
    result = xp.where(x > 0, result, math.nan)
    return xp.where(x == 0, -math.inf, xp.where(x == math.inf, 0.0, result))


@double
def y0(xp: Any, x: Any) -> Any:
    """Bessel function of the second kind and order 0."""
    near, far, t = _split(xp, x)
    near = xp.maximum(near, 5e-324)
    inner = TWO_OVER_PI * (xp.log(near) - math.log(2.0)) * chebyshev(t, J0_NEAR) + chebyshev(t, Y0_NEAR)
    return _ends(xp, x, xp.where(x > 8.0, _waves(xp, 0, far)[1], inner))


@double
def y1(xp: Any, x: Any) -> Any:
    """Bessel function of the second kind and order 1."""
    near, far, t = _split(xp, x)
    tiny = near < 4e-309
    near = xp.maximum(near, 4e-309)
    logarithmic = TWO_OVER_PI * (xp.log(near) - math.log(2.0)) * chebyshev(t, J1_NEAR)
    inner = near * (logarithmic + chebyshev(t, Y1_NEAR)) - TWO_OVER_PI / near
    inner = xp.where(tiny, -math.inf, inner)
    return _ends(xp, x, xp.where(x > 8.0, _waves(xp, 1, far)[1], inner))


j1_slope = slopes("special.j1_slope", "Derivatives of ``j1``.", _j1, 1)

unary(
    (
        "special.j0",
        REAL_FLOAT,
        "Bessel function of the first kind and order 0.",
        lambda g, y, x: (-g * nx.special.j1(x),),
        j0,
    ),
    (
        "special.j1",
        REAL_FLOAT,
        "Bessel function of the first kind and order 1.",
        lambda g, y, x: (g * j1_slope(x, orders=(1,)),),
        j1,
    ),
    (
        "special.y0",
        REAL_FLOAT,
        "Bessel function of the second kind and order 0.",
        lambda g, y, x: (-g * nx.special.y1(x),),
        y0,
    ),
    (
        "special.y1",
        REAL_FLOAT,
        "Bessel function of the second kind and order 1.",
        lambda g, y, x: (g * (nx.special.y0(x) - y / x),),
        y1,
    ),
)
