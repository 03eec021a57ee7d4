"""What the registry-wide suite cannot know of linear algebra: free phases, Hermitian domains, kinks, messages.

The functions of a library ``lib``, kbplug's namespace or PyTorch, give what does not depend on the signs,
phases and orders that a library may choose, so gradients can be compared and finite differences taken.
"""

import numpy as np
import pytest

from kbplug.autodiff import gradients, vjp
from kbplug.errors import ArgumentError, DTypeError, GradientError, ShapeError
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.testing.application import Application, fitting, run
from kbplug.testing.derivatives import check_product, product
from kbplug.testing.samples.linalg import COMPLEX, COMPLEX_TALL, COMPLEX_WIDE, SPREAD, SQUARE, STACK, TALL, WIDE


def adjoint(lib, x):
    return lib.conj(x.mT)


def hermitian(lib, x):
    return 0.5 * (x + adjoint(lib, x))


def weighted(left, right, weights):
    """Return the products of the k-th column and the k-th row, summed with weights."""
    return (left * weights[..., None, :]) @ right


def cholesky(lib, x):
    return (lib.linalg.cholesky(hermitian(lib, x)),)


def cholesky_upper(lib, x):
    return (lib.linalg.cholesky(hermitian(lib, x), upper=True),)


def eigh(lib, x):
    w, v = lib.linalg.eigh(hermitian(lib, x))
    return w, weighted(v, adjoint(lib, v), 1 / w)


def eigenvectors(lib, x):
    _, v = lib.linalg.eigh(hermitian(lib, x))
    return (v[..., :1] @ adjoint(lib, v[..., :1]),)


def eigvalsh(lib, x):
    return (lib.linalg.eigvalsh(hermitian(lib, x)),)


def svd(lib, x):
    u, s, vh = lib.linalg.svd(x, full_matrices=False)
    return s, weighted(u, vh, s * s), weighted(u, adjoint(lib, u), s), weighted(adjoint(lib, vh), vh, 1 / s)


def left_vectors(lib, x):
    u, _, _ = lib.linalg.svd(x, full_matrices=False)
    return (u[..., :1] @ adjoint(lib, u[..., :1]),)


def right_vectors(lib, x):
    _, _, vh = lib.linalg.svd(x, full_matrices=False)
    return (adjoint(lib, vh[..., :1, :]) @ vh[..., :1, :],)


def svdvals(lib, x):
    return (lib.linalg.svdvals(x),)


def qr(lib, x):
    q, r = lib.linalg.qr(x)
    return (
        q[..., :1] @ r[..., :1, :],
        q[..., :1] @ adjoint(lib, q[..., :1]),
        adjoint(lib, r[..., 1:, :]) @ r[..., 1:, :],
    )


def orthonormal(lib, x):
    q, _ = lib.linalg.qr(x)
    return (q[..., :1] @ adjoint(lib, q[..., :1]),)


def triangular(lib, x):
    _, r = lib.linalg.qr(x)
    return (adjoint(lib, r[..., 1:, :]) @ r[..., 1:, :],)


def eig(lib, x):
    w, v = lib.linalg.eig(x)
    return weighted(v, lib.linalg.inv(v), w**3), lib.sum(lib.abs(v) ** 4, axis=-1)


def eigvals(lib, x):
    return (lib.sum(lib.linalg.eigvals(x) ** 3, axis=-1),)


def inv(lib, x):
    return (lib.linalg.inv(x),)


def det(lib, x):
    return (lib.linalg.det(x),)


def slogdet(lib, x):
    return tuple(lib.linalg.slogdet(x))


def solve(lib, x):
    return (lib.linalg.solve(x, adjoint(lib, x) @ x),)


def pinv(lib, x):
    return (lib.linalg.pinv(x),)


def norms(lib, x):
    return tuple(lib.linalg.matrix_norm(x, ord=p) for p in ("fro", "nuc", 2, -2, 1, -1, np.inf, -np.inf))


def powers(lib, x):
    return lib.linalg.matrix_power(x, 3), lib.linalg.matrix_power(x, -2)


SQUARES = {
    "real": SQUARE,
    "stack": STACK,
    "complex": COMPLEX,
    "complex stack": np.stack([COMPLEX, COMPLEX.T + 0.5j]),
}
POSITIVE = {name: x @ np.conj(np.swapaxes(x, -1, -2)) + np.eye(x.shape[-1]) for name, x in SQUARES.items()}
OTHERS = {
    "tall": TALL,
    "wide": WIDE,
    "complex tall": COMPLEX_TALL,
    "complex wide": COMPLEX_WIDE,
    "stack of tall": np.stack([TALL, TALL[::-1] + 0.3]),
    "complex stack of wide": np.stack([COMPLEX_WIDE, COMPLEX_WIDE[::-1] * WIDE]),
}
DOMAINS = (
    ((cholesky, cholesky_upper, eigh, eigenvectors, eigvalsh), POSITIVE),
    ((eig, eigvals, inv, det, slogdet, solve, powers), SQUARES),
    ((svd, left_vectors, right_vectors, svdvals, qr, orthonormal, triangular, pinv, norms), SQUARES | OTHERS),
)
on_domains = pytest.mark.parametrize(
    ("function", "x"),
    [pytest.param(f, x, id=f"{f.__name__}-{n}") for functions, xs in DOMAINS for f in functions for n, x in xs.items()],
)


def noise(like, seed=3):
    rng = np.random.default_rng(seed)
    drawn = rng.normal(size=like.shape) + 1j * rng.normal(size=like.shape)
    return drawn if np.iscomplexobj(like) else drawn.real


@on_domains
def test_gradients_agree_with_pytorch(function, x):
    torch = pytest.importorskip("torch")
    leaf = torch.tensor(x, requires_grad=True)
    theirs = function(torch, leaf)
    cotangents = [noise(y.detach().numpy()) for y in theirs]
    expected = torch.autograd.grad(theirs, [leaf], [torch.tensor(c) for c in cotangents])[0]

    given, x_in = [fitting(c) for c in cotangents], fitting(x)
    ours = function(xp, x_in)
    (gradient,) = vjp(ours, given, [x_in])
    *values, found = run([x_in, *given], [*ours, gradient], [x, *cotangents], "numpy")
    for value, y in zip(values, theirs, strict=True):
        np.testing.assert_allclose(value, y.detach().numpy(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found, expected.resolve_conj().numpy(), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("hidden", [False, True])
@on_domains
def test_derivatives_of_order_two_are_what_differences_say(function, x, hidden):
    x_in = fitting(x, hidden=hidden)
    check_to_order(2, Application((x_in,), tuple(function(xp, x_in)), (x,)))


def check_to_order(order, found):
    for level in range(1, order + 1):
        given = product(found, "linalg")
        check_product(found, given, "numpy", f"Derivative {level}")
        found = given.application


@pytest.mark.parametrize(
    "x",
    [
        SQUARE,
        np.diag([2.0, 0.0, 0.0]),
        np.eye(3),
        np.zeros((3, 3)),
        np.array([[1.0, 2.0], [2.0, 4.0]]),
        np.outer([1, 2j, 1], [1, 1, 1j]),
    ],
)
def test_derivatives_of_det_are_right_to_order_three_even_where_it_is_zero(x):
    x_in = fitting(x)
    check_to_order(3, Application((x_in,), (xp.linalg.det(x_in),), (x,)))


def gradient_at(function, x):
    """Return the gradient of a function's results, summed."""
    x_in = fitting(np.asarray(x))
    (g,) = gradients(function(x_in), [x_in])
    return run([x_in], [g], [np.asarray(x)], "numpy")[0]


@pytest.mark.parametrize(
    ("params", "x", "expected"),
    [
        ({"ord": 2}, [0.0, 0.0], [0.0, 0.0]),
        ({"ord": 3}, [0.0, 0.0], [0.0, 0.0]),
        ({"ord": 0.5}, [0.0, 4.0], [0.0, 1.0]),
        ({"ord": 1}, [0.0, -2.0], [0.0, -1.0]),
        ({"ord": 0}, [0.0, -2.0], [0.0, 0.0]),
        ({"ord": np.inf}, [3.0, 1.0, -3.0], [0.5, 0.0, -0.5]),
        ({"ord": -np.inf}, [3.0, 1.0, -1.0], [0.0, 0.5, -0.5]),
        ({"axis": 1}, [[0.0, 0.0], [3.0, 4.0]], [[0.0, 0.0], [0.6, 0.8]]),
    ],
)
def test_the_gradient_of_a_norm_at_zero_and_at_ties(params, x, expected):
    np.testing.assert_allclose(gradient_at(lambda t: xp.linalg.vector_norm(t, **params), x), expected, rtol=1e-12)


def test_the_frobenius_norm_is_flat_at_zero():
    assert np.all(gradient_at(xp.linalg.matrix_norm, np.zeros((2, 2))) == 0)


@pytest.mark.parametrize("values", [xp.linalg.eigvalsh, xp.linalg.svdvals])
def test_values_have_a_gradient_where_they_are_equal(values):
    np.testing.assert_allclose(gradient_at(values, np.eye(3)), np.eye(3), atol=1e-12)


def test_vectors_have_none_where_values_are_equal():
    found = gradient_at(lambda x: xp.linalg.eigh(x).eigenvectors ** 2, np.eye(2))
    assert np.isnan(found).any()


@pytest.mark.parametrize(
    ("decompose", "x"),
    [
        (lambda x: xp.linalg.svd(x).U, TALL),
        (lambda x: xp.linalg.svd(x).Vh, TALL),
        (lambda x: xp.linalg.qr(x, mode="complete").Q, TALL),
    ],
)
def test_vectors_that_a_matrix_does_not_determine_have_no_derivative(decompose, x):
    x_in = fitting(x)
    with pytest.raises(GradientError, match=r"use (full_matrices=False|mode 'reduced')"):
        gradients(decompose(x_in), [x_in])


@pytest.mark.parametrize(
    ("decompose", "restore"),
    [
        (xp.linalg.svd, lambda u, s, vh: u[:, : s.size] * s @ vh[: s.size]),
        (lambda x: xp.linalg.qr(x, mode="complete"), lambda q, r: q @ r),
    ],
    ids=["svd", "qr"],
)
@pytest.mark.parametrize("engine", ["numpy", "strict"])
@pytest.mark.parametrize("x", [TALL, WIDE, COMPLEX_TALL, COMPLEX_WIDE], ids=["tall", "wide", "complex", "complex wide"])
def test_full_decompositions_have_square_factors(decompose, restore, engine, x):
    x_in = fitting(x)
    results = decompose(x_in)
    found = run([x_in], results, [x], engine)
    assert [t.shape for t in results] == [y.shape for y in found]
    np.testing.assert_allclose(restore(*found), x, atol=1e-12)
    np.testing.assert_allclose(found[0] @ found[0].conj().T, np.eye(x.shape[0]), atol=1e-12)


def test_singular_values_of_a_full_decomposition_have_a_derivative():
    full = gradient_at(lambda x: xp.linalg.svd(x).S, TALL)
    np.testing.assert_allclose(full, gradient_at(xp.linalg.svdvals, TALL), atol=1e-12)


@pytest.mark.parametrize("name", ["matmul", "matrix_transpose", "tensordot", "vecdot"])
def test_the_extension_names_the_functions_of_the_main_namespace(name):
    assert getattr(xp.linalg, name) is getattr(xp, name)


@pytest.mark.parametrize(
    ("results", "fields"),
    [
        (xp.linalg.eig(SPREAD), ("eigenvalues", "eigenvectors")),
        (xp.linalg.eigh(SPREAD), ("eigenvalues", "eigenvectors")),
        (xp.linalg.qr(TALL, mode="complete"), ("Q", "R")),
        (xp.linalg.slogdet(SPREAD), ("sign", "logabsdet")),
        (xp.linalg.svd(TALL, full_matrices=True), ("U", "S", "Vh")),
    ],
)
def test_several_results_are_named_as_in_the_standard(results, fields):
    assert results._fields == fields
    assert all(isinstance(r, Tensor) for r in results)


def unknown(*shape, dtype="float64"):
    return Tensor(placeholder(Spec(shape, dtype)))


@pytest.mark.parametrize(
    ("result", "spec"),
    [
        (lambda: unknown(None, 3, 4) @ unknown(4, None), "float64[?, 3, ?]"),
        (lambda: unknown(None) @ unknown(None), "float64[]"),
        (lambda: xp.matmul(unknown(2, 3, dtype="int8"), unknown(3, dtype="float32")), "float32[2]"),
        (lambda: xp.tensordot(unknown(None, 3), unknown(3, None), axes=[[1], [0]]), "float64[?, ?]"),
        (lambda: xp.vecdot(unknown(None, 1, 3), unknown(2, None)), "float64[?, 2]"),
        (lambda: xp.linalg.outer(unknown(None), unknown(2)), "float64[?, 2]"),
        (lambda: xp.linalg.diagonal(unknown(None, 2, 5), offset=1), "float64[?, 2]"),
        (lambda: xp.linalg.diagonal(unknown(None, 4)), "float64[?]"),
        (lambda: xp.linalg.trace(unknown(None, 2, 2, dtype="int16")), "int64[?]"),
        (lambda: xp.linalg.cholesky(unknown(None, 3)), "float64[?, 3]"),
        (lambda: xp.linalg.qr(unknown(None, 3)).R, "float64[?, 3]"),
        (lambda: xp.linalg.svd(unknown(2, None, 3, dtype="complex64")).U, "complex64[2, ?, ?]"),
        (lambda: xp.linalg.svd(unknown(2, 5, 3, dtype="complex64")).S, "float32[2, 3]"),
        (lambda: xp.linalg.eig(unknown(None, 3, dtype="float32")).eigenvalues, "complex64[3]"),
        (lambda: xp.linalg.eigvalsh(unknown(3, None, dtype="complex128")), "float64[3]"),
        (lambda: xp.linalg.solve(unknown(None, 3, 3), unknown(None)), "float64[?, 3]"),
        (lambda: xp.linalg.solve(unknown(None, None), unknown(7, 3, 2)), "float64[7, 3, 2]"),
        (lambda: xp.linalg.pinv(unknown(None, 3), rtol=1e-3), "float64[3, ?]"),
        (lambda: xp.linalg.matrix_rank(unknown(5, None, 3)), "int64[5]"),
        (lambda: xp.linalg.vector_norm(unknown(None, 3, dtype="complex64"), axis=0, keepdims=True), "float32[1, 3]"),
        (lambda: xp.linalg.matrix_norm(unknown(4, None, 3), ord="nuc"), "float64[4]"),
        (lambda: xp.linalg.matrix_power(unknown(None, None), 0), "float64[?, ?]"),
    ],
)
def test_inference_with_unknown_sizes(result, spec):
    assert str(result().spec) == spec


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: xp.matmul(TALL, 2.0), ShapeError, "matmul needs at least one dimension on each side"),
        (lambda: xp.matmul(TALL, TALL), ShapeError, r"matmul of \(3, 2\) and \(3, 2\): sizes 2 and 3 differ"),
        (lambda: xp.matmul(np.ones((2, 2, 2)), np.ones((3, 2, 2))), ShapeError, "do not broadcast"),
        (lambda: xp.matmul(TALL > 0, WIDE > 0), DTypeError, "matmul is not defined for bool"),
        (lambda: xp.tensordot(TALL, TALL, axes=3), ArgumentError, "cannot contract 3 axes"),
        (lambda: xp.tensordot(TALL, TALL, axes=((0, 1), (0,))), ArgumentError, "two sequences of one length"),
        (lambda: xp.tensordot(TALL, TALL, axes=1), ShapeError, "sizes 2 and 3 differ"),
        (lambda: xp.vecdot(TALL, TALL, axis=0), ArgumentError, "must be negative and at least -2; it is 0"),
        (lambda: xp.vecdot(TALL, WIDE), ShapeError, "sizes 2 and 3 differ"),
        (lambda: xp.linalg.cross(TALL, TALL), ShapeError, "needs 3 elements along axis -1, not 2"),
        (lambda: xp.linalg.outer(TALL, TALL), ShapeError, "needs two vectors"),
        (lambda: xp.linalg.matrix_power(TALL, 2), ShapeError, "needs square matrices"),
        (lambda: xp.linalg.diagonal(TALL[0]), ShapeError, "needs a matrix or a stack of matrices"),
        (lambda: xp.linalg.det(TALL), ShapeError, "needs square matrices, not matrices of 3 by 2"),
        (lambda: xp.linalg.inv(np.eye(2, dtype=int)), DTypeError, "linalg.inv is not defined for int64"),
        (lambda: xp.linalg.solve(SQUARE, TALL[:2]), ShapeError, "sizes 3 and 2 differ"),
        (lambda: xp.linalg.solve(SQUARE, 1.0), ShapeError, "not a 0-d array"),
        (lambda: xp.linalg.qr(TALL, mode="full"), ArgumentError, "'reduced' or 'complete', not 'full'"),
        (lambda: xp.linalg.eigh(TALL), ShapeError, "needs square matrices"),
        (lambda: xp.linalg.vector_norm(np.ones(2, int)), DTypeError, "linalg.vector_norm is not defined for int64"),
        (lambda: xp.linalg.matrix_norm(TALL, ord=3), ArgumentError, "not 3"),
        (lambda: xp.linalg.matrix_norm(TALL[0]), ShapeError, "needs matrices"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
