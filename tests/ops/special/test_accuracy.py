"""The accuracy that each special function promises, on grids over its whole domain."""

import mpmath as mp
import numpy as np
import pytest

from ops.special.accuracy import check

rng = np.random.default_rng(20)


def spread(low, high, count=160):
    """Return numbers of every magnitude between two powers of ten."""
    return 10.0 ** rng.uniform(low, high, count)


def even(low, high, count=240):
    return np.linspace(low, high, count)


LINE = np.concatenate([even(-6, 6), spread(-30, 1), -spread(-30, 1)])
POSITIVE = np.concatenate([even(0.01, 30), spread(-30, 3)])
MODERATE = np.concatenate([even(0.02, 12, 40), spread(-2, 2, 20)])  # mpmath takes its time over K
LEFT = -np.concatenate([even(0.013, 33.1), spread(-30, 0)])
SHARE = np.concatenate([even(0.001, 0.999), spread(-30, -1), 1 - spread(-7, -1)])
BELOW_TAIL = np.concatenate([even(-36, 8), -spread(-30, 1)])


def erfcx(x):
    return mp.exp(x * x) * mp.erfc(x)


def log_ndtr(x):
    with mp.workdps(60 if x < 5 else 400):
        return mp.log(mp.ncdf(x))


def ndtri(p):
    return mp.sqrt(2) * mp.erfinv(2 * p - 1)


def gammaln(x):
    return mp.re(mp.loggamma(x))


SMOOTH = {
    "erf": (mp.erf, LINE, 4e-16),
    "erfc": (mp.erfc, np.concatenate([LINE, even(6, 25)]), 8e-16),
    "erfcx": (erfcx, np.concatenate([LINE, even(6, 60)]), 8e-16),
    "ndtr": (mp.ncdf, BELOW_TAIL, 8e-16),
    "log_ndtr": (log_ndtr, BELOW_TAIL, 1e-15),
    "ndtri": (ndtri, SHARE, 1e-15),
    "erfinv": (mp.erfinv, np.concatenate([even(-0.999, 0.999), spread(-7, -1), spread(-7, -1) - 1]), 1e-15),
    "erfcinv": (lambda x: -ndtri(x / 2) / mp.sqrt(2), 2 * SHARE, 1e-15),
    "expit": (lambda x: 1 / (1 + mp.exp(-x)), np.concatenate([LINE, even(-80, 80)]), 4e-16),
    "log_expit": (lambda x: -mp.log1p(mp.exp(-x)), np.concatenate([LINE, even(-80, 80)]), 4e-16),
    "logit": (lambda p: mp.log(p / (1 - p)), SHARE + 1e-12, 4e-16),
    "gamma": (mp.gamma, np.concatenate([even(0.01, 171), spread(-30, 0), even(-33.1, -0.013, 97)]), 2e-15),
    "rgamma": (mp.rgamma, np.concatenate([even(0.01, 165), spread(-30, 0), even(-33.1, -0.013, 97)]), 2e-15),
    "loggamma": (gammaln, np.concatenate([POSITIVE, spread(0, 30)]), 1e-15),
    "zetac": (lambda s: mp.zeta(s) - 1, even(-1.9, 40, 140), 3e-15),
    "exp2": (lambda x: mp.mpf(2) ** x, LINE, 3e-16),
    "exp10": (lambda x: mp.mpf(10) ** x, LINE, 4e-16),
    "cbrt": (lambda x: mp.sign(x) * mp.cbrt(abs(x)), LINE, 3e-16),
    "exprel": (lambda x: mp.expm1(x) / x, np.concatenate([LINE, even(7, 80)]), 4e-16),
    "sinc": (mp.sincpi, np.concatenate([LINE, even(7.1, 40.2)]), 5e-16),
    "cosm1": (lambda x: mp.cos(x) - 1, LINE[np.abs(LINE) > 1e-15], 5e-16),
    "sindg": (lambda x: mp.sinpi(x / 180), even(-800.3, 800.1), 4e-16),
    "cosdg": (lambda x: mp.cospi(x / 180), even(-800.3, 800.1), 4e-16),
    "tandg": (lambda x: mp.sinpi(x / 180) / mp.cospi(x / 180), even(-800.3, 800.1), 5e-16),
    "entr": (lambda x: -x * mp.log(x), POSITIVE, 4e-16),
    "i0": (lambda x: mp.besseli(0, x), np.concatenate([LINE, even(6, 80)]), 8e-16),
    "i0e": (lambda x: mp.besseli(0, x) * mp.exp(-abs(x)), np.concatenate([LINE, even(6, 80)]), 8e-16),
    "i1": (lambda x: mp.besseli(1, x), np.concatenate([LINE, even(6, 80)]), 8e-16),
    "i1e": (lambda x: mp.besseli(1, x) * mp.exp(-abs(x)), np.concatenate([LINE, even(6, 80)]), 8e-16),
    "k0": (lambda x: mp.besselk(0, x), MODERATE, 2e-15),
    "k0e": (lambda x: mp.besselk(0, x) * mp.exp(x), MODERATE, 2e-15),
    "k1": (lambda x: mp.besselk(1, x), MODERATE, 1e-15),
    "k1e": (lambda x: mp.besselk(1, x) * mp.exp(x), MODERATE, 1e-15),
    "exp1": (mp.e1, POSITIVE, 8e-16),
    "spence": (lambda x: mp.re(mp.polylog(2, 1 - x)), np.concatenate([even(0.01, 6), spread(-12, 12)]), 8e-16),
    "ellipk": (mp.ellipk, np.concatenate([even(-5, 0.999), -spread(0, 9)]), 8e-16),
    "ellipkm1": (lambda p: mp.ellipk(1 - p), spread(-30, 9), 8e-16),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_relative_error(name):
    function, grid, within = SMOOTH[name]
    check(name, function, grid, within=within, ulps=6, digits=90)


WITH_ZEROS = {
    "gammaln": (gammaln, np.concatenate([POSITIVE, LEFT]), 1e-14),
    "digamma": (mp.digamma, np.concatenate([POSITIVE, LEFT]), 1e-14),
    "expi": (mp.ei, np.concatenate([POSITIVE, LEFT, even(30, 80, 20)]), 1e-15),
    "j0": (lambda x: mp.besselj(0, x), even(0.01, 60), 2e-15),
    "j1": (lambda x: mp.besselj(1, x), even(-60, 60), 2e-15),
    "y0": (lambda x: mp.bessely(0, x), even(0.01, 60), 2e-15),
    "y1": (lambda x: mp.bessely(1, x), even(0.01, 60), 2e-15),
}


@pytest.mark.parametrize("name", WITH_ZEROS)
def test_error_near_zeros_is_absolute(name):
    function, grid, within = WITH_ZEROS[name]
    check(name, function, grid, within=within, scale=0.1 if name[0] in "jy" else 1)


@pytest.mark.parametrize("at", [1, 2])
def test_gammaln_is_relatively_exact_beside_its_zeros(at):
    check("gammaln", gammaln, at + np.concatenate([spread(-6, -1), -spread(-6, -1)]), within=2e-15)


A, B = spread(-3, 3, 250), spread(-3, 3, 250)
INTEGERS = np.floor(rng.uniform(0, 12, 120))

PAIRS = {
    "beta": (mp.beta, spread(-6, 2, 200), spread(-6, 4, 200), 1e-13),
    "betaln": (lambda a, b: mp.log(mp.beta(a, b)), spread(-6, 3, 200), spread(-6, 6, 200), 1e-13),
    "poch": (mp.rf, spread(-6, 2, 200), spread(-6, 2, 200), 2e-13),
    "binom": (mp.binomial, spread(-1, 2, 200) + 0.1, spread(-1, 0, 200), 1e-13),
    "polygamma": (lambda n, x: mp.psi(int(n), x), INTEGERS, spread(-2, 3, 120), 3e-15),
    "expn": (lambda n, x: mp.expint(int(n), x), INTEGERS, spread(-6, 1.7, 120), 2e-15),
    "xlogy": (lambda x, y: x * mp.log(y), A, B, 4e-16),
    "rel_entr": (lambda x, y: x * mp.log(x / y), A, B, 1e-15),
    "kl_div": (lambda x, y: x * mp.log(x / y) - x + y, A, A * spread(-0.01, 0.01, 250), 2e-15),
    "pseudo_huber": (lambda d, r: d * (mp.hypot(d, r) - d), A, B, 5e-16),
    "boxcox": (lambda x, p: (x**p - 1) / p, A, rng.normal(size=250), 3e-15),
    "inv_boxcox": (lambda y, p: (1 + p * y) ** (1 / p), A, spread(-2, 1, 250), 1e-13),
    "gammainc": (lambda a, x: mp.gammainc(a, 0, x, regularized=True), spread(-3, 2.6), spread(-3, 2.6), 1e-12),
    "gammaincc": (lambda a, x: mp.gammainc(a, x, mp.inf, regularized=True), spread(-3, 2.6), spread(-3, 2.6), 1e-12),
    "chdtrc": (lambda v, x: mp.gammainc(v / 2, x / 2, mp.inf, regularized=True), spread(0, 2), spread(-1, 2), 1e-12),
    "stdtr": (
        lambda v, t: (1 + mp.sign(t) * mp.betainc(0.5, v / 2, 0, t * t / (v + t * t), regularized=True)) / 2,
        spread(-1, 2),
        rng.normal(size=160) * 3,
        1e-12,
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_relative_error_of_two_arguments(name):
    function, a, b, within = PAIRS[name]
    check(name, function, a, b, within=within, ulps=8, digits=90)


def test_hurwitz_zeta_is_exact_for_orders_and_arguments_of_every_size():
    check("zeta", mp.zeta, 1 + spread(-4, 1.5), spread(-3, 2), within=1e-14, digits=120)


@pytest.mark.parametrize("name", ["betainc", "betaincc"])
def test_incomplete_beta(name):
    a, b = spread(-2, 2, 130), spread(-2, 2, 130)
    x = np.clip(a / (a + b) * spread(-0.5, 0.5, 130), 1e-6, 0.999)
    ends = (lambda x: (0, x)) if name == "betainc" else (lambda x: (x, 1))
    check(name, lambda a, b, x: mp.betainc(a, b, *ends(x), regularized=True), a, b, x, within=1e-12, digits=90)
