"""Regions to generate kernels for: every op of the table by dtype, reductions, and operands of every class of shape."""

import numpy as np

import kbplug.ops  # noqa: F401 -- declares the ops
from kbplug.graph.graph import Graph
from kbplug.graph.node import parameter
from kbplug.graph.op import lookup
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor

FLOATS = ("float16", "bfloat16", "float32", "float64")
KINDS = {
    "bool": ("bool",),
    "int": ("int32", "int64", "int8"),
    "uint": ("uint8", "uint64"),
    "float": FLOATS,
    "complex": ("complex64",),
}


def region(function, *specs):
    """Return what ``function`` makes of tensors of ``specs``, pairs of rank and dtype, as a graph over them."""
    formal = [parameter(i, Spec((None,) * ndim, dtype)) for i, (ndim, dtype) in enumerate(specs)]
    found = function(*map(Tensor, formal))
    found = found if isinstance(found, tuple) else (found,)
    return Graph(formal, [t.node for t in found])


def applied(op, dtype, ndim=1, **params):
    """Return one op on operands of one dtype and rank, ``where`` with its condition."""
    count = len(lookup(op).arrays)
    dtypes = ("bool", dtype, dtype) if op == "where" else (dtype,) * count
    return region(lambda *t: lookup(op)(*t, **params), *((ndim, d) for d in dtypes))


def operands(shape, dtype, seed, low=-3.0, high=3.0):
    """Return numbers of ``dtype`` in a range, as NumPy computes with them (bfloat16 as float32)."""
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.startswith(("int", "uint")):
        return rng.integers(max(low, 0) if dtype.startswith("u") else low, high + 1, shape).astype(dtype)
    if dtype.startswith("complex"):
        return (rng.uniform(low, high, shape) + 1j * rng.uniform(low, high, shape)).astype(dtype)
    return rng.uniform(low, high, shape).astype("float32" if dtype == "bfloat16" else dtype)
