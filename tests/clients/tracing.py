"""Somebody's function on tensors: traced, run on an engine and differentiated, beside itself on NumPy.

The function on NumPy arrays is the reference, for the values and, by differences, for the gradient.
"""

import importlib.util
import zlib

import numpy as np
import pytest

import kbplug
import kbplug.array_api as xp
from kbplug import autodiff
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor, tensor
from kbplug.runtime.function import Function
from kbplug.testing.differences import assert_slope, slope

ENGINES = [info.name for info in kbplug.engines() if importlib.util.find_spec(info.value.partition(":")[0])]
on_engines = pytest.mark.parametrize("engine", ENGINES)

random = np.random.default_rng(7)
MATRIX, OTHER, TALL = (random.uniform(0.2, 0.8, shape) for shape in ((3, 4), (3, 4), (6, 3)))
ROW, PARTNER, SIGNAL = random.uniform(0.2, 0.8, 6), random.uniform(0.2, 0.8, 6), random.normal(size=12)
SAMPLE = random.normal(size=20)


def calls(table):
    """Return a mark over ``call, arrays``: a row is a function, or its name and a function, and its arrays."""
    return pytest.mark.parametrize(("call", "arrays"), [pytest.param(f, a, id=name) for name, f, *a in table])


def check(call, arrays, engine):
    """Check that a call is traced on placeholders and gives the values and the slopes that it has on NumPy arrays."""
    inputs = [Tensor(placeholder(Spec(a.shape, a.dtype.name), where="the test")) for a in arrays]
    results = several(call(*(Tensor(t.node) for t in inputs)))
    assert all(isinstance(r, Tensor) for r in results)
    with kbplug.engine_scope(engine):
        found = Function(inputs, results)([a.copy() for a in arrays])
        check_values(found, several(call(*(a.copy() for a in arrays))))
        check_slopes(call, inputs, results, arrays)


def check_demanded(call, arrays, engine):
    """Check that a call that looks at values gives, on concrete tensors, what it gives on NumPy arrays."""
    with kbplug.engine_scope(engine):
        results = several(call(*(tensor(a) for a in arrays)))
        found = [r.value() if isinstance(r, Tensor) else np.asarray(r) for r in results]
    check_values(found, several(call(*(a.copy() for a in arrays))))


def several(found):
    """Return one result or several as a list."""
    return list(found) if isinstance(found, tuple | list) else [found]


def check_values(found, expected):
    """Check values and shapes against NumPy's."""
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert a.shape == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


def check_slopes(call, inputs, results, arrays):
    """Check the gradient of a random combination of all results against differences of the call on NumPy arrays."""
    flowing = [i for i, r in enumerate(results) if r.dtype.startswith(("float", "complex"))]
    shapes = [np.shape(y) for y in several(call(*(a.copy() for a in arrays)))]
    noise = np.random.default_rng(zlib.crc32(repr(shapes).encode()))
    weights = {i: noise.normal(size=shapes[i]) for i in flowing}

    def combined(given):
        found = several(call(*(np.array(a) for a in given)))
        return float(sum(np.sum(np.real(found[i]) * w) for i, w in weights.items()))

    loss = sum(xp.sum(xp.real(results[i]) * tensor(w)) for i, w in weights.items())
    slopes = autodiff.gradients(loss, inputs)
    assert all(s is not None for s in slopes), "No gradient flows to one of the arrays."
    for i, found in enumerate(Function(inputs, slopes)([a.copy() for a in arrays])):
        assert_slope(found, slope(combined, [a.copy() for a in arrays], i), f"The gradient of operand {i}")
