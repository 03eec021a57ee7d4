"""``grad`` and its sisters beside ``torch.func`` and JAX, where installed, and beside formulas, on every engine."""

import importlib.util
from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import pytest

import kbplug
import kbplug.array_api as kxp
from kbplug.errors import ArgumentError, SymbolicError
from kbplug.graph.tensor import Tensor, tensor

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch.func.jvp's own

Pair = namedtuple("Pair", ["left", "right"])
ENGINES = [info.name for info in kbplug.engines() if importlib.util.find_spec(info.value.partition(":")[0])]

random = np.random.default_rng(11)
ROW, OTHER = random.uniform(0.2, 0.9, 3), random.uniform(0.2, 0.9, 3)
MATRIX = random.normal(size=(3, 3))
COMPLEX = MATRIX + 1j * random.normal(size=(3, 3))


@pytest.fixture(params=ENGINES)
def engine(request):
    with kbplug.engine_scope(request.param):
        yield


@pytest.fixture(params=["torch", "jax"])
def reference(request):
    """Another library: its namespace, its transformations, and arrays into it and out of it."""
    if request.param == "torch":
        torch = pytest.importorskip("torch")
        import array_api_compat.torch as txp

        own = {name: getattr(torch.func, name) for name in ("grad", "vjp", "jvp", "hessian", "vmap")}
        own["value_and_grad"] = torch.func.grad_and_value
        own["vmap"] = lambda function, in_axes=0, out_axes=0: torch.func.vmap(function, in_axes, out_axes)
        return SimpleNamespace(xp=txp, into=torch.tensor, kind=torch.Tensor, **own)
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    own = {name: getattr(jax, name) for name in ("grad", "vjp", "jvp", "hessian", "vmap", "value_and_grad")}
    return SimpleNamespace(xp=jax.numpy, into=jax.numpy.asarray, kind=jax.Array, **own)


def mapped(function, tree):
    """Return a tree with a function of each array in it."""
    if isinstance(tree, dict):
        return {k: mapped(function, t) for k, t in tree.items()}
    if isinstance(tree, tuple | list):
        parts = [mapped(function, t) for t in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    return function(tree)


def assert_same(found, expected):
    """Check the forms of two trees, and dtypes, shapes and values of what they hold."""
    assert type(found) is type(expected)
    if isinstance(found, dict):
        assert found.keys() == expected.keys()
        found, expected = list(found.values()), [expected[k] for k in found]
    if isinstance(found, tuple | list):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            assert_same(a, b)
        return
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)


def check(reference, program, *arrays):
    """Check a program of transformations, ``program(transformations, namespace, arrays)``, against another library."""
    theirs = program(reference, reference.xp, *mapped(reference.into, arrays))
    assert_same(program(kxp, kxp, *arrays), mapped(np.asarray, theirs))


def energy(xp):
    """Return a function of an array with a value for every element in every derivative."""
    return lambda x: xp.sum(xp.exp(x * 0.5) * xp.sin(x)) + xp.prod(x) ** 2 / (1.0 + xp.sum(x * x))


def layers(xp):
    """Return a loss of nested parameters and of data."""

    def loss(params, x):
        hidden = xp.tanh(x @ params["in"].left + params["in"].right)
        return xp.mean((hidden @ params["out"][0]) ** 2)

    return loss


PARAMS = {"in": Pair(MATRIX, ROW), "out": [OTHER]}


GRADIENTS = {
    "grad": lambda t, xp, x, y: t.grad(energy(xp))(x),
    "second": lambda t, xp, x, y: t.grad(lambda a: xp.sum(t.grad(energy(xp))(a) ** 2))(x),
    "third": lambda t, xp, x, y: t.grad(t.grad(t.grad(lambda a: xp.exp(a) * a**3)))(x[0]),
    "of the second": lambda t, xp, x, y: t.grad(lambda a, b: xp.sum(xp.sin(a) * b**2), 1)(x, y),
    "of both": lambda t, xp, x, y: t.grad(lambda a, b: xp.sum(xp.sin(a) * b**2), (0, 1))(x, y),
    "of the same": lambda t, xp, x, y: t.grad(lambda a: t.grad(lambda b, c: b**2 * c)(a, a))(x[0]),
    "aux": lambda t, xp, x, y: t.grad(lambda a: (xp.sum(a**3), {"twice": a * 2}), has_aux=True)(x),
    "no path": lambda t, xp, x, y: t.grad(lambda a: xp.sum(y) * 1.0)(x),
    "closure": lambda t, xp, x, y: t.grad(lambda a: xp.sum(a * t.grad(lambda b: xp.sum(a * b))(a)))(x),
    "confusion": lambda t, xp, x, y: t.grad(lambda a: a * t.grad(lambda b: a + b)(a))(x[0]),
    "matrix": lambda t, xp, x, y: t.grad(lambda a: xp.linalg.det(a * a.mT + xp.eye(3)))(x * y[:, None]),
    "nested": lambda t, xp, x, y: t.grad(layers(xp))({"in": Pair(y[:, None] * x, x), "out": [y]}, x[None, :]),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(reference, engine, name):
    check(reference, GRADIENTS[name], ROW, OTHER)


def test_value_and_gradient(reference, engine):
    def program(t, xp, x):
        found = t.value_and_grad(energy(xp))(x)
        return found if t is not reference or xp.__name__.startswith("jax") else found[::-1]  # torch: gradient first

    check(reference, program, ROW)


def pulled(t, xp, x, y):
    """Return two results in a tree, pulled back to two arguments."""
    found, pull = t.vjp(lambda a, b: {"outer": a[:, None] * b, "sum": [xp.sum(xp.exp(a) * b)]}, x, y)
    return found, pull({"outer": x[:, None] + y, "sum": [y[0]]})


def pushed(t, xp, x, y):
    """Return two results in a tree, and how they change along a direction of two arguments."""
    return t.jvp(lambda a, b: {"outer": a[:, None] * b, "pair": (xp.cumulative_sum(a), xp.sum(b**3))}, (x, y), (y, x))


def tree(a, b):
    return {"a": a, "b": [b]}


PRODUCTS = {
    "vjp": pulled,
    "jvp": pushed,
    "jvp of a tree": lambda t, xp, x, y: t.jvp(
        lambda d: d["a"] * d["b"][0], ({"a": x, "b": [y]},), ({"a": y, "b": [x]},)
    ),
    "jvp with no path": lambda t, xp, x, y: t.jvp(lambda a: y * 1.0, (x,), (y,)),
    "forward over reverse": lambda t, xp, x, y: t.jvp(t.grad(energy(xp)), (x,), (y,)),
    "reverse over reverse": lambda t, xp, x, y: t.grad(lambda a: xp.vecdot(t.grad(energy(xp))(a), y))(x),
    "reverse over forward": lambda t, xp, x, y: t.grad(lambda a: t.jvp(energy(xp), (a,), (y,))[1])(x),
    "hessian": lambda t, xp, x, y: t.hessian(energy(xp))(x),
    "hessian of a matrix": lambda t, xp, x, y: t.hessian(lambda a: xp.sum(a @ a @ a))(x[:, None] * y),
    "hessian of a number": lambda t, xp, x, y: t.hessian(lambda a: xp.exp(a) ** 2)(x[0]),
    "hessian of the second": lambda t, xp, x, y: t.hessian(lambda a, b: energy(xp)(a * b), 1)(x, y),
    "flat hessian": lambda t, xp, x, y: t.hessian(lambda a: xp.sum(a * y))(x),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_and_second_derivatives(reference, engine, name):
    check(reference, PRODUCTS[name], ROW, OTHER)


@pytest.mark.parametrize("name", ["sum", "abs", "inverse"])
def test_a_complex_gradient_is_pytorchs(engine, name):
    torch = pytest.importorskip("torch")
    import array_api_compat.torch as txp

    functions = {
        "sum": lambda xp: lambda z: xp.sum(xp.real(z * z * (1 + 2j))),
        "abs": lambda xp: lambda z: xp.sum(xp.abs(xp.exp(z)) + xp.imag(z) ** 2),
        "inverse": lambda xp: lambda z: xp.sum(xp.real(xp.linalg.inv(z))),
    }
    expected = torch.func.grad(functions[name](txp))(torch.tensor(COMPLEX)).resolve_conj().numpy()
    assert_same(kxp.grad(functions[name](kxp))(COMPLEX), expected)


def test_a_complex_direction_is_pushed_linearly(engine):
    value, slope = kxp.jvp(lambda z: z**2 * kxp.conj(z), (COMPLEX,), (1j * COMPLEX,))
    assert_same(value, COMPLEX**2 * COMPLEX.conj())
    assert_same(slope, 1j * COMPLEX**2 * COMPLEX.conj())  # 2 z t conj(z) + z^2 conj(t) for t = iz


MAPS = {
    "rows": lambda t, xp, m, r: t.vmap(xp.cumulative_sum)(m),
    "columns": lambda t, xp, m, r: t.vmap(xp.sum, in_axes=1)(m),
    "last": lambda t, xp, m, r: t.vmap(lambda a: a * 2, in_axes=-1, out_axes=-1)(m),
    "one of two": lambda t, xp, m, r: t.vmap(lambda a, b: a @ b, in_axes=(0, None))(m, r),
    "two": lambda t, xp, m, r: t.vmap(lambda a, b: a * b, in_axes=(1, 0), out_axes=1)(m, r),
    "tree": lambda t, xp, m, r: t.vmap(lambda d: {"p": d["m"] * d["r"], "q": [d["r"]]})({"m": m, "r": r}),
    "axes in a tree": lambda t, xp, m, r: t.vmap(
        lambda d, c: (d["m"] @ d["r"], c), in_axes=({"m": 1, "r": None}, 0), out_axes=(0, 1)
    )({"m": m, "r": r}, m),
    "constant": lambda t, xp, m, r: t.vmap(lambda a: r * 1.0)(m),
    "twice": lambda t, xp, m, r: t.vmap(t.vmap(lambda a, b: a + b, in_axes=(0, None)), in_axes=(None, 0))(r, r),
    "of a gradient": lambda t, xp, m, r: t.vmap(t.grad(energy(xp)))(m),
    "of a gradient by both": lambda t, xp, m, r: t.vmap(t.grad(lambda a, b: xp.sum(a * b**2), (0, 1)), (0, None))(m, r),
    "of a hessian": lambda t, xp, m, r: t.vmap(t.hessian(energy(xp)))(m),
    "of products": lambda t, xp, m, r: t.vmap(lambda d: t.jvp(energy(xp), (r,), (d,))[1])(m),
    "pulled rows": lambda t, xp, m, r: t.vmap(t.vjp(lambda a: xp.sin(a) * xp.sum(a), r)[1])(m),
    "gradient of": lambda t, xp, m, r: t.grad(lambda a: xp.sum(t.vmap(energy(xp))(a) ** 2))(m),
    "gradient through what it closes over": lambda t, xp, m, r: t.grad(
        lambda b: xp.sum(t.vmap(lambda a: xp.sum(a * b) ** 2)(m))
    )(r),
    "hessian of": lambda t, xp, m, r: t.hessian(lambda a: xp.sum(t.vmap(lambda b: a * b)(a) ** 2))(r),
}


@pytest.mark.parametrize("name", MAPS)
def test_maps(reference, engine, name):
    check(reference, MAPS[name], MATRIX, ROW)


def test_formulas(engine):
    """A quadratic form has the derivatives of the textbook, and a direction of its gradient is its matrix's product."""
    x, d = ROW, OTHER
    symmetric = MATRIX + MATRIX.T

    def form(a):
        return kxp.vecdot(a, kxp.asarray(MATRIX) @ a)

    assert_same(kxp.grad(form)(x), symmetric @ x)
    assert_same(kxp.hessian(form)(x), symmetric)
    assert_same(kxp.jvp(kxp.grad(form), (x,), (d,)), (symmetric @ x, symmetric @ d))
    y, pull = kxp.vjp(lambda a: kxp.asarray(MATRIX) @ a, x)
    assert_same((y, pull(d)), (MATRIX @ x, (MATRIX.T @ d,)))
    assert_same(kxp.vmap(kxp.grad(kxp.sin))(x), np.cos(x))


def test_jit_changes_no_value(engine):
    for program in (kxp.grad(energy(kxp)), kxp.hessian(energy(kxp)), kxp.vmap(kxp.exp)):
        np.testing.assert_array_equal(kxp.jit(program)(ROW), program(ROW))


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_derivatives_keep_the_dtype(engine, dtype):
    x = ROW.astype(dtype)
    slope = kxp.grad(lambda a: kxp.sum(kxp.real(a * a)))(x)
    assert_same(slope, 2 * x.conj())
    assert kxp.jvp(lambda a: a * a, (x,), (x,))[1].dtype == dtype


def test_numbers_of_python_are_derived_by():
    assert kxp.grad(lambda x: x**3)(2.0) == 12.0
    assert kxp.grad(lambda x: x * 2.0)(2.0) == 2.0  # the factor is another 2.0
    assert kxp.hessian(lambda x: x**3)(2.0) == 12.0
    assert kxp.jvp(lambda x: x**3, (2.0,), (0.5,)) == (8.0, 6.0)
    y, pull = kxp.vjp(lambda x, n: x**n, 2.0, 3)
    assert y == 8.0
    assert pull(1.0) == (12.0, None)


def test_an_assignment_inside_stays_inside():
    def program(x):
        x[0] = x[1] * 3.0
        return kxp.sum(x**2)

    x = np.asarray([1.0, 2.0])
    assert kxp.grad(program)(x).tolist() == [0.0, 40.0]
    lazy = tensor(x)
    assert kxp.grad(program)(lazy).value().tolist() == [0.0, 40.0]
    assert lazy.value().tolist() == [1.0, 2.0]
    assert kxp.vmap(program, in_axes=1)(np.stack([x, x], axis=1)).tolist() == [40.0, 40.0]


def test_a_gradient_is_by_the_argument_alone():
    """Whatever else holds the same tensor, be it another argument or a closure, is a constant."""
    x = tensor(np.asarray(3.0))
    assert float(kxp.grad(lambda a, b: a * b)(x, x)) == 3.0
    assert float(kxp.grad(lambda a: a * x)(x)) == 3.0
    assert float(kxp.jvp(lambda a: a * x, (x,), (x,))[1]) == 9.0
    assert float(kxp.vjp(lambda a: a * x, x)[1](x)[0]) == 9.0
    assert float(kxp.hessian(lambda a: a * a * x)(x)) == 6.0


def test_lazy_tensors_give_lazy_tensors():
    x = tensor(ROW)
    for found in (kxp.grad(energy(kxp))(x), kxp.hessian(energy(kxp))(x), kxp.vmap(kxp.exp)(x), kxp.jit(kxp.exp)(x)):
        assert isinstance(found, Tensor)


def test_arguments_by_name_are_not_derived_by():
    slope = kxp.grad(lambda x, *, scale: kxp.sum(x * scale))
    assert slope(ROW, scale=OTHER).tolist() == OTHER.tolist()
    assert kxp.vmap(lambda x, *, y: x * y)(ROW, y=OTHER).tolist() == (ROW * OTHER).tolist()


def test_zeros_of_opposite_signs_are_traced_apart():
    signed = kxp.jit(lambda x, y: kxp.copysign(x, kxp.asarray(y)))
    assert [signed(np.ones(()), y).item() for y in (0.0, -0.0, 0.0)] == [1.0, -1.0, 1.0]


ONE = np.asarray(1.0)
WRONG = {
    "not 0-d": (
        lambda: kxp.grad(lambda x: x)(ROW),
        r"grad derives 0-d floating-point results, not float64\[3\]; use vjp",
    ),
    "an integer": (
        lambda: kxp.grad(kxp.argmax)(ROW),
        r"grad derives 0-d floating-point results, not int64\[\]",
    ),
    "by integers": (
        lambda: kxp.grad(lambda x: kxp.sum(x * 0.5))(np.arange(3)),
        r"grad derives by floating-point arrays, not by int64\[3\]; cast it first",
    ),
    "several results": (
        lambda: kxp.grad(lambda x: (x, x))(ONE),
        "a function that returns one array, not a tuple",
    ),
    "no pair": (lambda: kxp.grad(lambda x: x, has_aux=True)(ONE), "With has_aux a function returns a pair"),
    "argnums": (
        lambda: kxp.grad(lambda x: x, argnums=1)(ONE),
        "names argument 1, but the call has 1 by",
    ),
    "argnums twice": (
        lambda: kxp.grad(lambda x, y: x * y, (0, -2))(ONE, ONE),
        r"\(0, -2\), which names an argument",
    ),
    "argnums by name": (
        lambda: kxp.grad(lambda x: x, "x")(ONE),
        "argnums is 'x', but it must be the position",
    ),
    "hessian by two": (lambda: kxp.hessian(lambda x, y: x * y, (0, 1))(ONE, ONE), "hessian derives by one real array"),
    "masked": (lambda: kxp.jit(kxp.sum)(np.ma.array([1.0, 2.0], mask=[False, True])), "masked elements has no value"),
    "hessian of a tree": (lambda: kxp.hessian(lambda d: d[0])([ONE]), "hessian derives by one real array"),
    "hessian of complex": (lambda: kxp.hessian(kxp.abs)(ONE * 1j), "hessian derives by one real array"),
    "cotangents": (
        lambda: kxp.vjp(lambda x: x, ROW)[1]((ROW, ROW)),
        r"The cotangents are float64\[3\], float64\[3\], but the results are float64\[3\]; give one of equal shape",
    ),
    "shape of a cotangent": (lambda: kxp.vjp(lambda x: x, ROW)[1](MATRIX), r"are float64\[3, 3\], but the results"),
    "complex cotangent": (lambda: kxp.vjp(lambda x: x, ROW)[1](ROW * 1j), r"are complex128\[3\], but the results"),
    "tangents": (lambda: kxp.jvp(lambda x: x, (ROW,), (ONE,)), r"The tangents are float64\[\], but the primals are"),
    "no tangent": (lambda: kxp.jvp(lambda x: x, (ROW,), ()), "The tangents are none, but the primals are"),
    "no tuples": (lambda: kxp.jvp(lambda x: x, ROW, ROW), "primals and tangents as tuples, not as a ndarray"),
    "axes": (lambda: kxp.vmap(lambda x: x, (0, 0))(ROW), "vmap has 2 axes for 1 arguments"),
    "no axis": (lambda: kxp.vmap(lambda x: x, None)(ROW), "vmap needs an axis for at least one argument"),
    "axis of a number": (lambda: kxp.vmap(lambda x, y: x)(ROW, 1.0), r"axis 0, which float64\[\] has not"),
    "sizes": (lambda: kxp.vmap(lambda x, y: x)(ROW, ROW[1:]), "axes of one size, not of 2 and 3"),
    "axes of a tree": (lambda: kxp.vmap(lambda x: x[0], ((0, 1),))([ROW]), r"which arrays the axes \(0, 1\) belong to"),
    "nowhere": (lambda: kxp.vmap(lambda x: x, out_axes=None)(ROW), "gives every result the axis"),
    "set": (lambda: kxp.jit(lambda x, s: x)(ROW, {1}), "is fixed, so hashable, but unhashable type: 'set'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_transformed_says_why(name):
    call, message = WRONG[name]
    with pytest.raises(ArgumentError, match=message):
        call()


def test_a_traced_value_cannot_be_looked_at():
    with pytest.raises(SymbolicError, match=r"test_transforms\.py:\d+ has no value before a call"):
        kxp.grad(lambda x: x if x > 0 else -x)(ONE)


def test_the_function_keeps_its_name():
    def named(x):
        return x

    for transform in (kxp.jit, kxp.grad, kxp.value_and_grad, kxp.hessian, kxp.vmap):
        assert transform(named).__name__ == "named"
