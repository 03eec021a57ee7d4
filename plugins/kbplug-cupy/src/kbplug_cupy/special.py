"""Special functions by CuPy's own, which follow SciPy: each is one kernel where the generic body is dozens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cupyx.scipy.special

NAMES = (
    *("betainc", "betaincinv", "betaln", "digamma", "entr", "erf", "erfc", "erfcinv", "erfcx", "erfinv", "expit"),
    *("gamma", "gammainc", "gammaincc", "gammaincinv", "gammainccinv", "gammaln", "i0", "i0e", "i1", "i1e"),
    *("j0", "j1", "kl_div", "log_expit", "log_ndtr", "logit", "ndtr", "ndtri", "rel_entr", "rgamma", "xlog1py"),
    *("xlogy", "y0", "y1"),
)


def _kernel(name: str) -> Callable[..., Any]:
    function = getattr(cupyx.scipy.special, name)

    def kernel(*arrays: Any) -> Any:
        return function(*arrays).astype(arrays[0].dtype, copy=False)

    return kernel


KERNELS: dict[str, Callable[..., Any]] = {f"special.{name}": _kernel(name) for name in NAMES}
