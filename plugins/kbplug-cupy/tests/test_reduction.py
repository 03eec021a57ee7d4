"""Every reduction kernel run on the CPU against NumPy: by dtype, by length of rows, and inside whole regions."""

import functools

import numpy as np
import pytest
import scipy.special
from emulator import COMPILER, Emulated, as_numbers, in_memory, place
from regions import operands, region

from kbplug.graph.op import lookup
from kbplug_cupy.codegen.launch import launch, result_shapes
from kbplug_cupy.codegen.layout import MisfitError
from kbplug_cupy.codegen.program import UnsupportedError, read

pytestmark = pytest.mark.skipif(COMPILER is None, reason="There is no g++ to compile kernels for the CPU.")

DTYPES = ("float16", "bfloat16", "float32", "float64", "int32", "int64", "int8", "uint8", "complex64")
REDUCTIONS = {"sum": np.sum, "prod": np.prod, "max": np.max, "min": np.min, "mean": np.mean}
SHAPES = {
    "short rows": lambda d: in_memory(operands((9, 5), d, 1), d),
    "vectors": lambda d: in_memory(operands((3, 64), d, 2), d),
    "a block for a row": lambda d: in_memory(operands((2, 1100), d, 3, -1.1, 1.1), d),
    "one row": lambda d: in_memory(operands((70,), d, 4), d),
    "rows of one": lambda d: in_memory(operands((4, 1), d, 5), d),
    "no rows": lambda d: in_memory(operands((0, 3), d, 6), d),
    "rows of none": lambda d: in_memory(operands((3, 0), d, 7), d),
    "transposed": lambda d: in_memory(operands((40, 6), d, 8), d).T,
    "backwards": lambda d: in_memory(operands((4, 33), d, 9), d)[:, ::-1],
    "broadcast": lambda d: np.broadcast_to(in_memory(operands((3, 1), d, 10), d), (3, 20)),
    "blocks of matrices": lambda d: in_memory(operands((2, 3, 40), d, 11), d).transpose(1, 0, 2),
}
CASES = [
    (op, dtype)
    for op in REDUCTIONS
    for dtype in DTYPES
    if not (op in ("max", "min") and dtype == "complex64") and not (op == "mean" and dtype.startswith(("int", "uint")))
]


class Case:
    """A region on operands, its results and the launch."""

    def __init__(self, graph, arrays):
        program = read(graph)
        self.arrays, self.dtypes = arrays, [n.result.dtype for n in graph.outputs]
        shapes = result_shapes(program, [a.shape for a in arrays])
        self.results = [in_memory(np.full(s, 7), d) for s, d in zip(shapes, self.dtypes, strict=True)]
        self.launch = launch(program, [place(a) for a in (*arrays, *self.results)])

    def run(self, library):
        if self.launch:
            library.run(self.launch, [*self.arrays, *self.results])
        return [as_numbers(r, d) for r, d in zip(self.results, self.dtypes, strict=True)]


def reduced(op, dtype, **params):
    return region(lambda x: lookup(op)(x, axis=-1, keepdims=True, **params), (2, dtype))


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    found = [c.launch.kernel for c in (*every_case().values(), *whole_regions().values()) if c.launch]
    return Emulated(found, tmp_path_factory.mktemp("reduction"))


@functools.cache
def every_case():
    """Return a case of each reduction, dtype and shape; extremes of nothing have no value."""
    return {
        (op, dtype, which): Case(reduced(op, dtype), [make(dtype)])
        for op, dtype in CASES
        for which, make in SHAPES.items()
        if not (which == "rows of none" and op in ("max", "min"))
    }


@pytest.mark.parametrize(("op", "dtype"), CASES, ids=[f"{op}-{dtype}" for op, dtype in CASES])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_reduction_is_that_of_numpy(op, dtype, library):
    for which in SHAPES:
        case = every_case().get((op, dtype, which))
        if case is None:
            continue
        (actual,) = case.run(library)
        given = case.dtypes[0]
        x = as_numbers(case.arrays[0], dtype)
        wide = x.astype({"f": "float64", "c": "complex128"}.get(x.dtype.kind, given))
        expected = as_numbers(in_memory(REDUCTIONS[op](wide, axis=-1, keepdims=True), given), given)
        scale = REDUCTIONS[op](np.abs(wide), axis=-1, keepdims=True) if op in ("sum", "mean") else np.abs(expected)
        _compare(actual, expected, given, scale, f"{op} of {dtype}, {which}")


def _compare(actual, expected, dtype, scale, what):
    assert actual.shape == expected.shape, what
    eps = {"float16": 2**-10, "bfloat16": 2**-7, "float32": 2**-20, "complex64": 2**-18, "float64": 2**-48}.get(dtype)
    if eps is None:
        np.testing.assert_array_equal(actual, expected, err_msg=what)
        return
    with np.errstate(all="ignore"):
        close = np.abs(actual - expected) <= eps * np.maximum(scale, 1e-6)
    same = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
    assert np.all(close | same), f"{what}: {actual} {expected}"


max_, sum_, mean, exp, log, sqrt, where = (lookup(n) for n in ("max", "sum", "mean", "exp", "log", "sqrt", "where"))


def _over(op, x):
    return op(x, axis=-1, keepdims=True)


def _softmax(x):
    e = exp(x - _over(max_, x))
    return e / _over(sum_, e)


def _layer_norm(x, scale, shift):
    centred = x - _over(mean, x)
    return centred / sqrt(_over(mean, centred * centred) + 1e-5) * scale + shift


def _loss(x, target):
    shifted = x - _over(max_, x)
    return -_over(sum_, target * (shifted - log(_over(sum_, exp(shifted)))))


def _statistics(x):
    m = _over(mean, x)
    return m, x - m, _over(max_, x)


@functools.cache
def whole_regions():
    """Return cases of regions as programs have them."""
    x, w = operands((5, 37), "float32", 1), operands((37,), "float32", 2)
    y = operands((4, 2100), "float32", 3)
    h = in_memory(operands((6, 48), "float16", 4), "float16")
    one, two = (2, "float32"), (1, "float32")
    return {
        "softmax": Case(region(_softmax, one), [x]),
        "long_softmax": Case(region(_softmax, one), [y]),
        "half_softmax": Case(region(_softmax, (2, "float16")), [h]),
        "layer_norm": Case(region(_layer_norm, one, two, two), [x, w, w[::-1]]),
        "loss": Case(region(_loss, one, one), [x, scipy.special.softmax(x[::-1], axis=-1)]),
        "several": Case(region(_statistics, one), [x]),
        "across": Case(region(lambda a, b: a * _over(sum_, b), one, two), [x, w]),
        "of_scalars": Case(region(lambda a: _over(sum_, a * 0.0 + 2.0) + 1.0, one), [x]),
    }


def _numpy_layer_norm(x, w, b):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * w + b


WHOLE = {
    "softmax": lambda x: [scipy.special.softmax(x, axis=-1)],
    "long_softmax": lambda x: [scipy.special.softmax(x, axis=-1)],
    "half_softmax": lambda x: [scipy.special.softmax(x.astype("float32"), axis=-1)],
    "layer_norm": lambda *a: [_numpy_layer_norm(*a)],
    "loss": lambda x, t: [-np.sum(t * scipy.special.log_softmax(x, axis=-1), axis=-1, keepdims=True)],
    "several": lambda x: [x.mean(-1, keepdims=True), x - x.mean(-1, keepdims=True), x.max(-1, keepdims=True)],
    "across": lambda x, w: [x * w.sum(keepdims=True)],
    "of_scalars": lambda x: [np.full((5, 1), 75.0)],
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_region_with_reductions(name, library):
    case = whole_regions()[name]
    for actual, expected in zip(case.run(library), WHOLE[name](*case.arrays), strict=True):
        tolerance = 2e-3 if name == "half_softmax" else 2e-6
        np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance / 4)


@pytest.mark.parametrize("op", ["max", "min"])
def test_extremes_pass_nan_on(op, tmp_path):
    x = np.array([[1.0, np.nan, 3.0] + [0.0] * 40, [-np.inf, np.inf, 0.0] + [1.0] * 40], dtype="float32")
    case = Case(reduced(op, "float32"), [x])
    (found,) = case.run(Emulated([case.launch.kernel], tmp_path))
    np.testing.assert_array_equal(found, REDUCTIONS[op](x, axis=-1, keepdims=True))


def test_a_sum_in_another_dtype_casts_first(tmp_path):
    def total(dtype):
        return region(lambda t: sum_(t, axis=-1, keepdims=True, dtype=dtype), (2, "int8"))

    x = np.array([[100, 100, 100]], dtype="int8")
    cases = [Case(total(d), [x]) for d in ("int8", "float32", "int64")]
    library = Emulated([c.launch.kernel for c in cases], tmp_path)
    for case in cases:
        (found,) = case.run(library)
        np.testing.assert_array_equal(found, x.sum(-1, keepdims=True, dtype=case.dtypes[0]))


def test_a_softmax_in_place(tmp_path):
    x = operands((3, 64), "float32", 1)
    expected = scipy.special.softmax(x, axis=-1)
    found = launch(read(region(_softmax, (2, "float32"))), [place(x), place(x)], aliased=True)
    assert "__restrict__" not in found.kernel.source
    Emulated([found.kernel], tmp_path).run(found, [x, x])
    np.testing.assert_allclose(x, expected, rtol=1e-6)


def test_what_no_kernel_is_made_for():
    with pytest.raises(MisfitError, match="Rows of 3 and 4 elements"):
        Case(region(lambda a, b: _over(sum_, a) * b, (2, "float32"), (1, "float32")), [np.ones((2, 3)), np.ones(4)])
    with pytest.raises(MisfitError, match="max over no elements"):
        Case(reduced("max", "float32"), [np.ones((2, 0), "float32")])
    with pytest.raises(MisfitError, match="idle"):
        Case(reduced("sum", "float32"), [np.ones((1, 1 << 16), "float32")])
    with pytest.raises(UnsupportedError, match="exp of complex64 has no expression"):
        read(region(lambda z: exp(z) + z, (1, "complex64")))
