"""The checks catch what they are for: an op with one planted fault each, and differences that know their own error."""

import numpy as np
import pytest

from kbplug.engines.numpy.engine import NumpyEngine
from kbplug.graph.graph import Graph
from kbplug.graph.node import placeholder
from kbplug.graph.op import REGISTRY, ZERO
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import primitive
from kbplug.ops.namespace import namespace as xp
from kbplug.passes import simplify as simplifying
from kbplug.testing.checks import (
    check_gradient,
    check_inference,
    check_kernel,
    check_passes,
    check_precision,
    check_unknown_sizes,
    check_value,
)
from kbplug.testing.closeness import assert_close
from kbplug.testing.differences import assert_slope, slope
from kbplug.testing.samples import sample

POINT = np.array([0.3, -0.7, 1.2])
SAMPLE = sample(POINT)


@pytest.fixture
def declare():
    """Declare an op ``x -> x ** 3`` with one rule exchanged, for one test alone."""
    before = set(REGISTRY)

    def made(*, infer=lambda x: x, lower=lambda xp, x: x * x * x, derive=lambda g, y, x: (g * 3.0 * x * x,), vjp=None):
        def cube(x: Spec, /) -> Spec:
            """The third power."""
            return infer(x)

        op = primitive("cube_under_test", vjp=vjp)(cube)
        op.implement(lower)
        if vjp is None and derive is not None:
            op.derive(derive)
        return op

    yield made
    for name in set(REGISTRY) - before:
        del REGISTRY[name]


def every_check(op):
    check_inference(op, SAMPLE, "numpy")
    check_value(op, SAMPLE, "numpy", lambda x: x**3)
    check_value(op, SAMPLE, "numpy", lambda x: x**3, narrow=True)
    check_unknown_sizes(op, SAMPLE, "numpy", order=2)
    check_precision(op, SAMPLE)
    check_gradient(op, SAMPLE, order=3)
    check_kernel(op, SAMPLE, "numpy")


def test_a_sound_op_passes_every_check(declare):
    every_check(declare())


FAULTS = {
    "inferred dtype": ({"infer": lambda x: x.like(dtype="float32")}, "was inferred float32, but is float64"),
    "inferred shape": ({"infer": lambda x: x.like(shape=(4,))}, r"was inferred \(4,\), but is \(3,\)"),
    "value": ({"lower": lambda xp, x: x * x * x + 1e-9}, r"Result 0 of cube_under_test at \(0,\) is"),
    "slope": ({"derive": lambda g, y, x: (g * 3.001 * x * x,)}, "Derivative 1 of cube_under_test by operand 0 at"),
    "sign of a slope": ({"derive": lambda g, y, x: (-g * 3.0 * x * x,)}, "Derivative 1 of"),
    "a slope cut off": ({"derive": lambda g, y, x: (None,)}, "Derivative 1 of"),
    "a slope that is no function of its own": (
        {"derive": lambda g, y, x: (g * 3.0 * xp.stop_gradient(x * x),)},
        "Derivative 2 of cube_under_test",
    ),
    "zero declared": ({"vjp": ZERO}, "Derivative 1 of"),
    "double precision": (
        {"infer": lambda x: x.like(dtype="float64"), "lower": lambda xp, x: xp.astype(x * x * x, xp.float64)},
        "float64",
    ),
}


@pytest.mark.parametrize(("rules", "message"), FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_is_caught(declare, rules, message):
    op = declare(**rules)
    with pytest.raises(AssertionError, match=message):
        every_check(op)


def test_sizes_that_matter_only_when_hidden_are_caught(declare):
    hidden = declare(infer=lambda x: x if x.shape[0] else x.like(shape=(1,)))
    with pytest.raises(AssertionError, match=r"with sizes hidden is \(1,\), which does not allow \(3,\)"):
        check_unknown_sizes(hidden, SAMPLE, "numpy")


def test_an_op_without_a_derivative_must_say_so(declare):
    check_gradient(declare(derive=None), SAMPLE)


def test_a_kernel_that_computes_another_thing_is_caught(declare):
    class Off(NumpyEngine):
        name = "off"
        kernels = {"cube_under_test": lambda x: x * x * x * (1 + 1e-6)}

    with pytest.raises(AssertionError, match="by the kernel of <engine off>"):
        check_kernel(declare(), SAMPLE, Off())


def test_a_pass_that_changes_a_value_is_caught(monkeypatch):
    x = Tensor(placeholder(Spec((3,), "float64")))
    graph = Graph((x.node,), ((x + 0.0).node,))
    check_passes(graph, [POINT], "numpy", within=0)
    wrong = {"add": (lambda a, b: a,)}
    monkeypatch.setattr(simplifying, "_RULES", wrong)
    check_passes(graph, [POINT], "numpy", within=0)
    with pytest.raises(AssertionError, match="Output 0 after the pass simplify"):
        check_passes(graph, [np.array([-0.0, 1.0, 2.0])], "numpy", within=0)


@pytest.mark.parametrize(
    ("actual", "expected", "message"),
    [
        (np.zeros(2), np.zeros(3), r"has the shape \(2,\), but should have \(3,\)"),
        (np.zeros(2, "float32"), np.zeros(2), "is float32, but should be float64"),
        (np.array([1.0, np.nan]), np.array([1.0, 2.0]), r"at \(1,\) is np.float64\(nan\)"),
        (np.array([np.inf]), np.array([-np.inf]), "is np.float64"),
        (np.array([1.0]), np.array([np.inf]), "is np.float64"),
        (np.array([np.inf]), np.array([1.0]), "is np.float64"),
        (np.array([1.0, 2.0]), np.array([1.0, 2.000001]), "1 of 2 elements differ"),
        (np.array([1e-30]), np.array([2e-30]), "is np.float64"),
        (np.array([1 + 2j]), np.array([1 + 2.1j]), "elements differ"),
        (np.array([1]), np.array([2]), "elements differ"),
    ],
)
def test_what_differs_is_told(actual, expected, message):
    with pytest.raises(AssertionError, match=message):
        assert_close(actual, expected, "It")


def test_what_rounding_explains_is_close():
    assert_close(np.array([1.0 + 1e-14, 1e-17]), np.array([1.0, 0.0]), "It")
    assert_close(np.array([np.nan, -np.inf, 0.0]), np.array([np.nan, -np.inf, -0.0]), "It")
    with pytest.raises(AssertionError):
        assert_close(np.array([0.0]), np.array([-0.0]), "It", within=0)
    assert_close(np.array([3e-16]), np.array([0.0]), "It", within=1e-12, besides=4e-16)
    with pytest.raises(AssertionError, match="should be"):
        assert_close(np.array([5e-16, 1e-3]), np.array([0.0, 1e-3]), "It", within=1e-12, besides=4e-16)


@pytest.mark.parametrize(
    ("function", "derivative"),
    [
        (np.sin, np.cos),
        (np.exp, np.exp),
        (lambda x: x**5, lambda x: 5 * x**4),
        (lambda x: 1e6 * x, lambda x: 1e6 + 0 * x),
        (lambda x: 0 * x, lambda x: 0 * x),
    ],
)
def test_differences_are_right_within_their_error(function, derivative):
    found = slope(lambda values: float(np.sum(function(values[0]))), [POINT], 0)
    assert np.all(np.abs(found.value - derivative(POINT)) <= found.error)
    assert np.all(found.error <= 1e-5 * np.maximum(1, np.abs(found.value).max()))


def test_differences_of_a_complex_function_are_pytorchs():
    z = np.array([0.3 + 0.4j, -1.0 + 2.0j])
    found = slope(lambda values: float(np.sum(np.abs(values[0]) ** 2)), [z], 0)
    np.testing.assert_allclose(found.value, 2 * z, rtol=1e-6)


def test_a_kink_is_no_place_for_differences():
    found = slope(lambda values: float(np.sum(np.abs(values[0]))), [np.array([1e-4])], 0)
    with pytest.raises(AssertionError, match="the function is not smooth here; choose other values"):
        assert_slope(np.ones(1), found, "It")
