"""Special functions that run on the host, since XLA compiles the thousands of steps of each for a minute.

Inside a compiled function each is one callback, which computes the op's own body with NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np

from kbplug.graph.op import lookup

Array = Any

LONG = (
    *("bdtr", "bdtrc", "bdtri", "betainc", "betainc_slope", "betaincc", "betainccinv", "betaincinv", "chdtri"),
    *("fdtr", "fdtr_slope", "fdtrc", "fdtri", "gammainc_slope", "gammainccinv", "gammaincinv"),
    *("nbdtr", "nbdtrc", "nbdtri", "pdtri", "stdtr", "stdtr_slope", "stdtrit"),
)
"""The functions whose bodies are longer than two thousand steps."""


def _on_host(name: str, *arrays: Array, **params: Any) -> Array:
    """Compute an elementwise op of floating-point arrays, all of one dtype."""
    shape = jax.numpy.broadcast_shapes(*(a.shape for a in arrays))
    body = lookup(name).lower

    def compute(*given: Any) -> np.ndarray[Any, Any]:
        with np.errstate(all="ignore"):
            found = body(np, *(np.asarray(a) for a in given), **params)  # type: ignore[misc]
        return np.asarray(found, dtype=arrays[0].dtype)

    return jax.pure_callback(compute, jax.ShapeDtypeStruct(shape, arrays[0].dtype), *arrays)


KERNELS: dict[str, Callable[..., Any]] = {f"special.{name}": partial(_on_host, f"special.{name}") for name in LONG}
