"""The Python Array API standard, 2025.12, over lazy tensors: what ``x.__array_namespace__()`` returns.

Code written for the standard runs on kbplug's tensors through it, and is thereby traced: it can be
differentiated, compiled and moved between engines. Beside the standard's names stand ``special``, with SciPy's
names, and the transformations ``jit``, ``grad``, ``value_and_grad``, ``vjp``, ``jvp``, ``hessian`` and ``vmap``, with
the names and the order of arguments of JAX.

Examples
--------
>>> import numpy as np
>>> import kbplug.array_api as xp
>>> def distance(x, y):
...     return xp.sqrt(xp.sum((x - y) ** 2))
>>> slope = xp.grad(distance)
>>> slope(np.array([3.0, 4.0]), np.array([0.0, 0.0]))
array([0.6, 0.8])
"""

from __future__ import annotations

from typing import Any

import kbplug.runtime.interpret  # noqa: F401 -- computes tensors that are asked for their value
from kbplug.array_api.compiled import jit
from kbplug.array_api.mapping import vmap
from kbplug.array_api.transforms import grad, hessian, jvp, value_and_grad, vjp
from kbplug.ops.inspection import DTYPES
from kbplug.ops.namespace import namespace

__array_api_version__ = namespace.__array_api_version__
__array_namespace_info__ = namespace.__array_namespace_info__

__all__ = [
    "__array_api_version__",
    "__array_namespace_info__",
    "grad",
    "hessian",
    "jit",
    "jvp",
    "value_and_grad",
    "vjp",
    "vmap",
]


def __getattr__(name: str) -> Any:
    value = DTYPES[name] if name in DTYPES else getattr(namespace, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *dir(namespace)})
