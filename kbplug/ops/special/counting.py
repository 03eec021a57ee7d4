"""Distribution functions of counts: binomial, negative binomial and Poisson, their tails and inverses, in float64.

Sums of probabilities are incomplete beta and gamma functions (DLMF 8.17.5, 8.4.10). Counts are rounded down; they carry
no gradient.
"""

from __future__ import annotations

import math
from typing import Any

from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import REAL_FLOAT, binary, ternary
from kbplug.ops.namespace import namespace as nx
from kbplug.ops.special import betainc, gammainc
from kbplug.ops.special.inverse import beta_inverse, gamma_inverse
from kbplug.ops.special.precision import double


def _binomial(xp: Any, k: Any, n: Any, p: Any) -> tuple[Any, Any]:
    """Return the probabilities of at most and of more than ``k`` successes in ``n`` trials."""
    k, n = xp.floor(k), xp.floor(n)
    q = 1.0 - p
    defined = (k <= n) & (p >= 0) & (q >= 0) & (n < math.inf)
    inside = defined & (k >= 0) & (k < n)
    failures, successes = xp.where(inside, n - k, 1.0), xp.where(inside, k + 1.0, 1.0)
    upper, lower = betainc.ratios(xp, successes, failures, p, q)
    lower, upper = xp.where(inside, lower, math.nan), xp.where(inside, upper, math.nan)
    certain, impossible = defined & (k >= n), defined & (k < 0)
    return xp.where(certain, 1.0, lower), xp.where(certain, 0.0, xp.where(impossible, 1.0, upper))


@double
def bdtr(xp: Any, k: Any, n: Any, p: Any) -> Any:
    """Binomial distribution function."""
    return _binomial(xp, k, n, p)[0]


@double
def bdtrc(xp: Any, k: Any, n: Any, p: Any) -> Any:
    """Upper tail of the binomial distribution."""
    return _binomial(xp, k, n, p)[1]


@double
def bdtri(xp: Any, k: Any, n: Any, y: Any) -> Any:
    """Probability of success at which the binomial distribution function is ``y``."""
    k, n = xp.floor(k), xp.floor(n)
    inside = (k >= 0) & (k < n) & (n < math.inf)
    failures, successes = xp.where(inside, n - k, math.nan), xp.where(inside, k + 1.0, math.nan)
    return beta_inverse(xp, failures, successes, y, 1.0 - y)[1]


def _negative(xp: Any, k: Any, n: Any) -> tuple[Any, Any]:
    """Return successes and failures plus one, NaN unless they are counts."""
    k, n = xp.floor(k), xp.floor(n)
    defined = (k >= 0) & (n > 0) & (n < math.inf)
    return xp.where(defined, n, math.nan), xp.where(defined, k + 1.0, math.nan)


@double
def nbdtr(xp: Any, k: Any, n: Any, p: Any) -> Any:
    """Negative binomial distribution function."""
    return betainc.ratios(xp, *_negative(xp, k, n), p, 1.0 - p)[0]


@double
def nbdtrc(xp: Any, k: Any, n: Any, p: Any) -> Any:
    """Upper tail of the negative binomial distribution."""
    return betainc.ratios(xp, *_negative(xp, k, n), p, 1.0 - p)[1]


@double
def nbdtri(xp: Any, k: Any, n: Any, y: Any) -> Any:
    """Probability of success at which the negative binomial distribution function is ``y``."""
    return beta_inverse(xp, *_negative(xp, k, n), y, 1.0 - y)[0]


def _shape(xp: Any, k: Any) -> Any:
    """Return ``floor(k) + 1``, NaN for a negative ``k``."""
    return xp.floor(xp.where(k >= 0, k, math.nan)) + 1.0


@double
def pdtr(xp: Any, k: Any, m: Any) -> Any:
    """Poisson distribution function."""
    return gammainc.ratios(xp, _shape(xp, k), m)[1]


@double
def pdtrc(xp: Any, k: Any, m: Any) -> Any:
    """Upper tail of the Poisson distribution."""
    return gammainc.ratios(xp, _shape(xp, k), m)[0]


@double
def pdtri(xp: Any, k: Any, y: Any) -> Any:
    """Mean at which the Poisson distribution function is ``y``."""
    return gamma_inverse(xp, _shape(xp, k), 1.0 - y, y)


def _binomial_density(k: Tensor, n: Tensor, p: Tensor) -> Tensor:
    """Return the derivative of the upper tail by ``p``, which is 0 where that is certain or impossible."""
    k, n = nx.floor(k), nx.floor(n)
    inside = (k >= 0) & (k < n)
    density = nx.special.beta_density(nx.where(inside, k + 1, 1.0), nx.where(inside, n - k, 1.0), p)
    return nx.where(inside, density, 0.0)


def _negative_density(k: Tensor, n: Tensor, p: Tensor) -> Tensor:
    return nx.special.beta_density(nx.floor(n), nx.floor(k) + 1, p)


def _poisson_density(k: Tensor, m: Tensor) -> Tensor:
    return nx.special.gamma_density(nx.floor(k) + 1, m)


ternary(
    (
        "special.bdtr",
        REAL_FLOAT,
        "Probability of at most ``x1`` successes in ``x2`` trials of probability ``x3``.",
        lambda g, y, k, n, p: (None, None, -g * _binomial_density(k, n, p)),
        bdtr,
    ),
    (
        "special.bdtrc",
        REAL_FLOAT,
        "Probability of more than ``x1`` successes in ``x2`` trials of probability ``x3``.",
        lambda g, y, k, n, p: (None, None, g * _binomial_density(k, n, p)),
        bdtrc,
    ),
    (
        "special.bdtri",
        REAL_FLOAT,
        "Inverse of ``bdtr`` by its third argument.",
        lambda g, y, k, n, p: (None, None, -g / _binomial_density(k, n, y)),
        bdtri,
    ),
    (
        "special.nbdtr",
        REAL_FLOAT,
        "Probability of at most ``x1`` failures before ``x2`` successes of probability ``x3``.",
        lambda g, y, k, n, p: (None, None, g * _negative_density(k, n, p)),
        nbdtr,
    ),
    (
        "special.nbdtrc",
        REAL_FLOAT,
        "Probability of more than ``x1`` failures before ``x2`` successes of probability ``x3``.",
        lambda g, y, k, n, p: (None, None, -g * _negative_density(k, n, p)),
        nbdtrc,
    ),
    (
        "special.nbdtri",
        REAL_FLOAT,
        "Inverse of ``nbdtr`` by its third argument.",
        lambda g, y, k, n, p: (None, None, g / _negative_density(k, n, y)),
        nbdtri,
    ),
)

binary(
    (
        "special.pdtr",
        REAL_FLOAT,
        "Probability of at most ``x1`` events of a Poisson distribution with mean ``x2``.",
        lambda g, y, k, m: (None, -g * _poisson_density(k, m)),
        pdtr,
    ),
    (
        "special.pdtrc",
        REAL_FLOAT,
        "Probability of more than ``x1`` events of a Poisson distribution with mean ``x2``.",
        lambda g, y, k, m: (None, g * _poisson_density(k, m)),
        pdtrc,
    ),
    (
        "special.pdtri",
        REAL_FLOAT,
        "Inverse of ``pdtr`` by its second argument.",
        lambda g, y, k, m: (None, -g / _poisson_density(k, y)),
        pdtri,
    ),
)
