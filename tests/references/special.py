"""Special functions by SciPy, and the derivatives that SciPy lacks by differences of mpmath in 50 digits."""

import mpmath
import numpy as np
import scipy.special as scipy
from scipy import stats

from kbplug.ops import REGISTRY

# What SciPy's own loops do not take: floats for counts, an order by keyword, an argument named in another way.
WHOLE = {
    "polygamma": (0,),
    "bdtr": (1,),
    "bdtrc": (1,),
    "bdtri": (1,),
    "nbdtr": (0, 1),
    "nbdtrc": (0, 1),
    "nbdtri": (0, 1),
    "pdtri": (0,),
}


def by_scipy(name):
    function = getattr(scipy, name)

    def reference(*arrays, **params):
        arrays = [a.astype("int64") if i in WHOLE.get(name, ()) else a for i, a in enumerate(arrays) if a is not None]
        return np.asarray(function(*arrays, **params), dtype="float64")

    return reference


def upward_sinc(x):
    """Return sinc with the zeros that it has, which NumPy's formula rounds, and its limit at infinity."""
    whole = (x == np.round(x)) & (x != 0)
    return np.where(np.isinf(x) | whole, 0.0, np.sinc(np.where(np.isinf(x), 1.0, x)))


def at_infinity(function, limit):
    """Return ``function`` with a limit at both infinities that SciPy gives as NaN."""
    return lambda x: np.where(np.isinf(x), limit(x), function(np.where(np.isinf(x), 1.0, x)))


def nothing(x):
    return np.zeros_like(x)


def overflow(x):
    return np.full_like(x, np.inf)


def undefined(x):
    return np.full_like(x, np.nan)


def differences(function):
    """Return the derivative of ``orders`` of a function of mpmath, element by element."""

    def at(point, orders):
        with mpmath.workdps(50):
            exact = tuple(mpmath.mpf(float(v)) for v in point)
            return float(mpmath.diff(function, exact, orders, h=mpmath.mpf(10) ** -15))

    def reference(*arrays, orders):
        full = np.broadcast_arrays(*arrays)
        flat = [at(point, orders) for point in zip(*(a.ravel() for a in full), strict=True)]
        return np.array(flat).reshape(full[0].shape)

    return reference


def student(v, t):
    tail = mpmath.betainc(v / 2, 0.5, 0, v / (v + t * t), regularized=True) / 2
    return tail if t < 0 else 1 - tail


def riemann(s, *, orders):
    return np.vectorize(lambda v: float(mpmath.zeta(mpmath.mpf(v), 1, orders[0])), otypes=[float])(s)


REFERENCES = {
    **{
        name: by_scipy(name.removeprefix("special."))
        for name in REGISTRY
        if name.startswith("special.") and hasattr(scipy, name.removeprefix("special."))
    },
    "special.zeta": lambda x, q=None: scipy.zeta(x) if q is None else scipy.zeta(x, q),
    "special.multigammaln": lambda a, *, d: scipy.multigammaln(a, d),
    "special.sinc": upward_sinc,
    # SciPy gives 0 for any angle above 1e14 degrees, where it has lost them all.
    **{
        f"special.{name}": at_infinity(getattr(scipy, name), undefined) for name in ("sindg", "cosdg", "tandg", "cotdg")
    },
    "special.j0": at_infinity(scipy.j0, nothing),
    "special.j1": at_infinity(scipy.j1, nothing),
    "special.y0": lambda x: np.where(x == np.inf, 0.0, scipy.y0(np.where(x == np.inf, 1.0, x))),
    "special.y1": lambda x: np.where(x == np.inf, 0.0, scipy.y1(np.where(x == np.inf, 1.0, x))),
    "special.i0": at_infinity(scipy.i0, overflow),
    "special.i1": at_infinity(scipy.i1, lambda x: x),
    "special.spence": lambda x: np.where(x == np.inf, -np.inf, scipy.spence(x)),
    "special.gamma_density": lambda a, x: stats.gamma.pdf(x, a),
    "special.beta_density": lambda a, b, x: stats.beta.pdf(x, a, b),
    "special.sinc_slope": differences(mpmath.sincpi),
    "special.exprel_slope": differences(lambda x: mpmath.expm1(x) / x),
    "special.log1prel_slope": differences(lambda x: mpmath.log1p(x) / x),
    "special.i1_slope": differences(lambda x: mpmath.besseli(1, x)),
    "special.j1_slope": differences(lambda x: mpmath.besselj(1, x)),
    "special.ellipkm1_slope": differences(lambda p: mpmath.ellipk(1 - p)),
    "special.riemann_slope": riemann,
    "special.zeta_slope": differences(mpmath.zeta),
    "special.gammainc_slope": differences(lambda a, x: mpmath.gammainc(a, 0, x, regularized=True)),
    "special.betainc_slope": differences(lambda a, b, x: mpmath.betainc(a, b, 0, x, regularized=True)),
    "special.fdtr_slope": differences(
        lambda a, b, x: mpmath.betainc(a / 2, b / 2, 0, a * x / (b + a * x), regularized=True)
    ),
    "special.stdtr_slope": differences(student),
}
