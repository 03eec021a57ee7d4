"""Samples for the special functions: a domain for each where it is smooth, pairs and triples that broadcast."""

from __future__ import annotations

import numpy as np

from kbplug.testing.samples import Sample, sample

REAL = np.array([[-1.7, -0.6, 0.3], [0.9, 1.4, 2.2]])
POSITIVE = np.array([[0.3, 0.7, 1.2], [1.9, 2.6, 3.3]])
LARGER = np.array([[0.6, 2.3, 5.1], [9.4, 17.0, 31.5]])
SHARE = np.array([[0.08, 0.2, 0.35], [0.55, 0.72, 0.9]])
INSIDE = np.array([[-0.9, -0.35, -0.1], [0.2, 0.55, 0.8]])
BETWEEN_POLES = np.array([[-2.6, -1.4, -0.3], [0.4, 1.7, 4.2]])
ROW = np.array([0.8, 1.6, 2.9])
COLUMN = np.array([[1.3], [2.7]])
ORDERS = np.array([[0, 1, 2], [3, 4, 5]])
COUNTS = ORDERS + 0.5  # rounded down, and so flat around here
TRIALS = np.array([7.5, 9.5, 12.5])
DEGREES = np.array([[-100.0, -31.0, 12.0], [47.0, 130.0, 200.0]])
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 0.5, -2.5, 3.5])
NOTHING = np.zeros((2, 0))


def _one(domain: np.ndarray) -> list[Sample]:
    """Return the samples of a function of one array: its domain, a scalar, nothing, and the special values."""
    return [
        sample(domain),
        sample(domain[1, 1], label="0-d"),
        sample(NOTHING, label="empty"),
        sample(SPECIAL, smooth=False, label="special values"),
    ]


def _several(*arrays: np.ndarray) -> list[Sample]:
    """Return the samples of a function of several arrays: arrays that broadcast, and one element of each."""
    return [sample(*arrays), sample(*[a.ravel()[-1] for a in arrays], label="0-d")]


DOMAINS = {
    **dict.fromkeys(("erf", "erfc", "erfcx", "ndtr", "log_ndtr", "expit", "log_expit", "exp2", "exp10"), REAL),
    **dict.fromkeys(("exprel", "sinc", "cosm1", "i0", "i0e", "i1", "i1e", "j0", "j1"), REAL),
    **dict.fromkeys(("gamma", "gammaln", "digamma", "psi", "rgamma"), BETWEEN_POLES),
    **dict.fromkeys(("loggamma", "entr", "cbrt", "k0", "k0e", "k1", "k1e", "y0", "y1"), POSITIVE),
    **dict.fromkeys(("exp1", "expi", "spence", "ellipkm1"), POSITIVE),
    **dict.fromkeys(("ndtri", "logit"), SHARE),
    **dict.fromkeys(("sindg", "cosdg", "tandg", "cotdg"), DEGREES),
    "erfinv": INSIDE,
    "erfcinv": 1.0 + INSIDE,
    "ellipk": INSIDE,
    "gammasgn": BETWEEN_POLES,
    "zetac": np.array([[-3.3, -1.4, -0.5], [0.4, 2.2, 5.1]]),
}

PAIRS = {
    **dict.fromkeys(("xlogy", "xlog1py", "rel_entr", "kl_div"), (POSITIVE, ROW)),
    **dict.fromkeys(("boxcox", "boxcox1p"), (POSITIVE, np.array([-0.7, 0.4, 1.5]))),
    **dict.fromkeys(("inv_boxcox", "inv_boxcox1p"), (SHARE, np.array([-0.7, 0.4, 1.5]))),
    **dict.fromkeys(("beta", "betaln", "poch"), (LARGER, COLUMN)),
    **dict.fromkeys(("gammainc", "gammaincc", "gamma_density", "chdtr", "chdtrc"), (LARGER, np.array([1.1, 3.4, 8.2]))),
    **dict.fromkeys(("gammaincinv", "gammainccinv", "chdtri", "stdtrit"), (LARGER, np.array([0.15, 0.4, 0.8]))),
    **dict.fromkeys(("pdtr", "pdtrc"), (COUNTS, ROW)),
    "pdtri": (COUNTS, np.array([0.15, 0.4, 0.8])),
    "binom": (LARGER + 4.25, COLUMN),
    "huber": (np.array([0.5, 1.1, 1.8]), REAL),
    "pseudo_huber": (np.array([0.5, 1.1, 1.8]), REAL),
    "stdtr": (LARGER, np.array([-1.3, 0.4, 2.1])),
}

TRIPLES = {
    **dict.fromkeys(("betainc", "betaincc", "beta_density"), (LARGER, COLUMN, np.array([0.2, 0.55, 0.85]))),
    **dict.fromkeys(("betaincinv", "betainccinv"), (LARGER, COLUMN, np.array([0.2, 0.55, 0.85]))),
    **dict.fromkeys(("gdtr", "gdtrc"), (ROW, COLUMN, POSITIVE)),
    **dict.fromkeys(("fdtr", "fdtrc"), (LARGER, COLUMN, ROW)),
    **dict.fromkeys(("bdtr", "bdtrc", "nbdtr", "nbdtrc", "bdtri", "nbdtri"), (COUNTS, TRIALS, SHARE)),
    "fdtri": (LARGER, COLUMN, np.array([0.15, 0.4, 0.8])),
    "radian": (DEGREES, ROW, COLUMN),
}

SLOPES = {
    "sinc_slope": (REAL,),
    "exprel_slope": (REAL,),
    "log1prel_slope": (INSIDE,),
    "i1_slope": (REAL,),
    "j1_slope": (REAL,),
    "ellipkm1_slope": (POSITIVE,),
    "riemann_slope": (np.array([[-3.3, -1.4, 0.4], [1.7, 2.2, 5.1]]),),
    "zeta_slope": (1.2 + POSITIVE, ROW),
    "gammainc_slope": (LARGER, np.array([1.1, 3.4, 8.2])),
    "stdtr_slope": (LARGER, np.array([-1.3, 0.4, 2.1])),
    "betainc_slope": (LARGER, COLUMN, np.array([0.2, 0.55, 0.85])),
    "fdtr_slope": (LARGER, COLUMN, ROW),
}


def _slopes(arrays: tuple[np.ndarray, ...]) -> list[Sample]:
    """Return a sample for the first derivative by each array."""
    count = len(arrays)
    orders = [tuple(int(i == j) for j in range(count)) for i in range(count)]
    return [sample(*arrays, orders=o, label=f"by array {i}") for i, o in enumerate(orders)]


SAMPLES: dict[str, list[Sample]] = {
    **{f"special.{name}": _one(domain) for name, domain in DOMAINS.items()},
    **{f"special.{name}": _several(*arrays) for name, arrays in (PAIRS | TRIPLES).items()},
    **{f"special.{name}": _slopes(arrays) for name, arrays in SLOPES.items()},
    "special.polygamma": [*_several(ORDERS, ROW), sample(ORDERS, BETWEEN_POLES, label="left of 0")],
    "special.expn": _several(ORDERS, ROW),
    "special.zeta": [*_several(1.2 + POSITIVE, ROW), sample(DOMAINS["zetac"], label="Riemann")],
    "special.multigammaln": [sample(LARGER + 1.5, d=d, label=f"dimension {d}") for d in (1, 3)],
    "special.softmax": [sample(REAL), sample(REAL, axis=1, label="rows")],
    "special.log_softmax": [sample(REAL), sample(REAL, axis=1, label="rows")],
    "special.logsumexp": [sample(REAL), sample(REAL, axis=0, keepdims=True, label="kept")],
}

# Where a function of two or three arrays has a limit that its formula misses.
SAMPLES["special.xlogy"] += [sample(np.array([0.0, 0.0, 2.0]), np.array([0.0, 3.0, 0.0]), smooth=False, label="zeros")]
SAMPLES["special.rel_entr"] += [
    sample(np.array([0.0, 0.0, 1.0]), np.array([0.0, 2.0, 0.0]), smooth=False, label="zeros")
]
SAMPLES["special.gammainc"] += [sample(np.array([20.0, 45.0]), np.array([20.0, 47.0]), label="central")]
SAMPLES["special.betainc"] += [sample(np.array([60.0]), np.array([100.0]), np.array([0.375, 0.4]), label="central")]
SAMPLES["special.stdtr"] += [sample(np.array([3.0, 8.0]), np.array([0.0, 0.0]), smooth=False, label="median")]
