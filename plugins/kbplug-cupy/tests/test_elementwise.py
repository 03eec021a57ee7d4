"""Every elementwise kernel run on the CPU against NumPy and SciPy: by dtype, by class of shape, and at the edges."""

import itertools

import numpy as np
import pytest
import scipy.special
from emulator import COMPILER, Emulated, as_numbers, in_memory, place
from regions import KINDS, applied, operands

from kbplug.graph.op import lookup
from kbplug_cupy.codegen.expressions import EXPRESSIONS
from kbplug_cupy.codegen.launch import launch, result_shapes
from kbplug_cupy.codegen.program import read

pytestmark = [
    pytest.mark.skipif(COMPILER is None, reason="There is no g++ to compile kernels for the CPU."),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),  # the references divide by zero and overflow on purpose
]


def _sign(x):
    return np.sign(x).astype(x.dtype)


def _pow(x, y):
    """Return the integer nearest to zero for negative powers of integers, which NumPy refuses."""
    if x.dtype.kind != "i":
        return np.power(x, y)
    reciprocal = np.where(x == 1, 1, np.where(x == -1, np.where(y % 2 == 0, 1, -1), 0)).astype(x.dtype)
    return np.where(y < 0, reciprocal, np.power(x, np.maximum(y, 0)))


def _floor_divide(x, y):
    """Return the standard's quotients of infinities too."""
    if x.dtype.kind != "f":
        return np.floor_divide(x, y)
    return np.where(np.isinf(x) | np.isinf(y), np.floor(x / y), np.floor_divide(x, y))


REFERENCES = {
    **{name: getattr(np, name) for name in EXPRESSIONS if hasattr(np, name)},
    **{n: getattr(scipy.special, n.partition(".")[2]) for n in EXPRESSIONS if n.startswith("special.")},
    "abs": np.abs,
    "floor_divide": _floor_divide,
    "imag": np.imag,
    "real": np.real,
    "pow": _pow,
    "relu": lambda x: np.maximum(x, x.dtype.type(0)),
    "sign": _sign,
    "softplus": lambda x: np.logaddexp(x, x.dtype.type(0)),
    "stop_gradient": lambda x: x,
}
DOMAINS = {
    **dict.fromkeys(("acos", "asin", "atanh"), (-0.95, 0.95)),
    **dict.fromkeys(("log", "log10", "log2", "sqrt", "special.entr", "special.xlogy"), (0.1, 4.0)),
    **dict.fromkeys(("log1p", "special.xlog1py"), (-0.9, 4.0)),
    **dict.fromkeys(("bitwise_left_shift", "bitwise_right_shift"), (0, 6)),
    "acosh": (1.0, 4.0),
    "special.logit": (0.05, 0.95),
}
CASES = [
    (op, dtype)
    for op, kinds in sorted(EXPRESSIONS.items())
    for kind, dtypes in KINDS.items()
    for dtype in dtypes
    if kind in kinds
]
CLASSES = ("vectors", "odd", "broadcast", "0-d", "empty", "strided", "transposed", "edges")
EDGES = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -2.5, 1e-6, 300.0]


def test_every_op_has_a_reference():
    assert set(EXPRESSIONS) <= set(REFERENCES)


def _shapes(which, count):
    if which == "broadcast":
        return [(5, 1), (6,), (5, 6)][:count] if count > 1 else [(1, 6)]
    return [{"vectors": (4, 16), "odd": (3, 11), "0-d": (), "empty": (3, 0)}.get(which, (6, 8))] * count


def _edges(dtype, count):
    """Return every combination of edge values, for operands of any kind."""
    if dtype.startswith(("float", "bfloat")):
        edges = EDGES
    elif dtype == "complex64":
        edges = [0, 1, -1j, 2 + 3j, -1 + 1e-3j, 1e15 + 1e15j]
    elif dtype == "bool":
        edges = [False, True]
    else:
        bounds = np.iinfo(dtype)
        edges = [0, 1, 2, 7, 100, bounds.max, bounds.min] + ([-1, -2, -7] if bounds.min else [])
    columns = np.array(list(itertools.product(edges, repeat=count)), dtype=_computed(dtype)).T
    return [np.ascontiguousarray(c) for c in columns]


def _computed(dtype):
    return "float32" if dtype == "bfloat16" else dtype


def _arrays(op, dtype, which):
    """Return the operands of a case in memory, laid out as the class of shape says."""
    dtypes = ("bool", dtype, dtype) if op == "where" else (dtype,) * len(lookup(op).arrays)
    low, high = DOMAINS.get(op, (-3.0, 3.0))
    if which == "edges":
        numbers = _edges(dtype, len(dtypes) - (op == "where"))
        numbers = [numbers[0] == 1, *numbers] if op == "where" else numbers
    else:
        shapes = _shapes(which, len(dtypes))
        numbers = [operands(s, d, i, low, high) for i, (s, d) in enumerate(zip(shapes, dtypes, strict=True))]
    found = [in_memory(x, d) for x, d in zip(numbers, dtypes, strict=True)]
    if which == "strided":
        return [np.repeat(a, 2, axis=0)[::2, ::-1] for a in found], dtypes
    if which == "transposed":
        return [np.ascontiguousarray(a.T).T for a in found], dtypes
    if which == "broadcast" and len(found) == 1:
        return [np.broadcast_to(found[0], (5, 6))], dtypes
    return found, dtypes


class Case:
    """An op on operands, the launch that computes it, and the array it goes to."""

    def __init__(self, op, dtype, which):
        self.op, self.dtype, self.which = op, dtype, which
        graph = applied(op, dtype)
        self.given = graph.outputs[0].result.dtype
        self.arrays, self.dtypes = _arrays(op, dtype, which)
        program = read(graph)
        (shape,) = result_shapes(program, [a.shape for a in self.arrays])
        self.result = in_memory(np.full(shape, 7), self.given)
        self.launch = launch(program, [place(a) for a in (*self.arrays, self.result)])

    def expected(self):
        numbers = [as_numbers(a, d) for a, d in zip(self.arrays, self.dtypes, strict=True)]
        wide = [n.astype("float32") if n.dtype == "float16" and self.op != "nextafter" else n for n in numbers]
        if self.op == "nextafter" and self.dtype == "bfloat16":
            return _next_bfloat(*self.arrays)
        if self.op in ("bitwise_left_shift", "bitwise_right_shift") and self.which == "edges":
            wide = [wide[0], np.where((wide[1] < 0) | (wide[1] > 64), wide[1].dtype.type(64), wide[1])]
        return as_numbers(in_memory(REFERENCES[self.op](*wide), self.given), self.given)

    def check(self):
        actual, expected = as_numbers(self.result, self.given), np.asarray(self.expected())
        assert actual.shape == expected.shape
        what = f"{self.op} of {self.dtype}, {self.which}"
        if self.given.startswith(("float", "bfloat", "complex")):
            eps = {"float16": 2**-10, "bfloat16": 2**-7}.get(self.given) or np.finfo(self.given).eps
            tiny = {"float16": 2**-24, "bfloat16": 2**-133}.get(self.given, 0)
            np.testing.assert_allclose(actual, expected, rtol=(2 if eps > 1e-6 else 16) * eps, atol=tiny, err_msg=what)
        else:
            np.testing.assert_array_equal(actual, expected, err_msg=what)


def _next_bfloat(x, y):
    """Return what PyTorch, an independent implementation, has after ``x`` towards ``y``."""
    torch = pytest.importorskip("torch")
    a, b = (torch.from_numpy(v.view(np.int16).copy()).view(torch.bfloat16) for v in np.broadcast_arrays(x, y))
    return torch.nextafter(a, b).to(torch.float32).numpy()


def every_case():
    """Return a case of each op, dtype and class of shape."""
    return {(op, dtype, which): Case(op, dtype, which) for op, dtype in CASES for which in CLASSES}


@pytest.fixture(scope="module")
def cases():
    return every_case()


@pytest.fixture(scope="module")
def library(cases, tmp_path_factory):
    return Emulated([c.launch.kernel for c in cases.values() if c.launch], tmp_path_factory.mktemp("elementwise"))


@pytest.mark.parametrize(("op", "dtype"), CASES, ids=[f"{op}-{dtype}" for op, dtype in CASES])
def test_a_kernel_computes_what_numpy_does(op, dtype, cases, library):
    for which in CLASSES:
        case = cases[op, dtype, which]
        assert (case.launch is None) == (which == "empty")
        if case.launch:
            library.run(case.launch, [*case.arrays, case.result])
        case.check()
