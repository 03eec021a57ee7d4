"""Special functions under SciPy's names, as ops with derivatives of every order; lowered over the bare standard."""

from kbplug.ops.special import (
    angle,
    entropy,
    erf,
    gamma,
    gammainc,
    logistic,
    loss,
    normal,
    polygamma,
    power,
    quantile,
    reduction,
    zeta,
)

__all__ = [
    "angle",
    "entropy",
    "erf",
    "gamma",
    "gammainc",
    "logistic",
    "loss",
    "normal",
    "polygamma",
    "power",
    "quantile",
    "reduction",
    "zeta",
]
