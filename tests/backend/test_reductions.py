"""Reductions of K against PyTorch and NumPy, over every kind of axis."""

import numpy as np
import pytest

from kbplug import backend as K

torch = pytest.importorskip("torch")

AXES = [None, 0, -1, [0, 2], (1, 2)]


def reference(name, axis, keepdims):
    """Return PyTorch's reduction."""
    axes = tuple(range(3)) if axis is None else tuple(np.atleast_1d(axis))
    if name in ("var", "std"):
        return lambda x: getattr(torch, name)(x, dim=axes, correction=0, keepdim=keepdims)
    if name in ("max", "min"):
        name = f"a{name}"
    return lambda x: getattr(torch, name)(x, dim=axes, keepdim=keepdims)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "var", "std", "logsumexp"])
def test_reductions(name, axis, keepdims, agree, normal):
    agree(lambda x: getattr(K, name)(x, axis=axis, keepdims=keepdims), reference(name, axis, keepdims), normal(2, 3, 4))


@pytest.mark.parametrize("axis", AXES, ids=str)
def test_products(axis, agree, normal):
    def theirs(x):
        for a in sorted(np.atleast_1d(range(3) if axis is None else axis) % 3, reverse=True):
            x = torch.prod(x, dim=int(a))
        return x

    agree(lambda x: K.prod(x, axis=axis), theirs, normal(2, 3, 4))


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
@pytest.mark.parametrize("axis", [0, -1])
def test_running_totals(name, axis, agree, normal):
    agree(lambda x: getattr(K, name)(x, axis=axis), lambda x: getattr(torch, name)(x, dim=axis), normal(3, 4))


def test_the_gradient_of_a_product_is_exact_at_zeros():
    x = K.variable([2.0, 0.0, 3.0])
    assert K.eval(K.gradients(K.prod(x), [x])[0]).tolist() == [0.0, 6.0, 0.0]


@pytest.mark.parametrize("axis", [None, 0, 1, [0, 1]], ids=str)
@pytest.mark.parametrize("name", ["any", "all"])
def test_truth(name, axis):
    x = np.array([[True, False, True], [True, False, False]])
    wanted = getattr(np, name)(x, axis=tuple(axis) if isinstance(axis, list) else axis)
    found = getattr(K, name)(K.constant(x, dtype="bool"), axis=axis)
    assert found.dtype == "bool"
    assert K.eval(found).tolist() == wanted.tolist()


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_places(name, axis, normal):
    x = normal(3, 4)
    assert K.eval(getattr(K, name)(x, axis=axis)).tolist() == getattr(np, name)(x, axis=axis).tolist()


def test_integers_and_booleans_are_averaged_as_floatx():
    for x in (K.constant([1, 2], dtype="int32"), K.constant([True, False], dtype="bool")):
        assert (K.mean(x).dtype, K.var(x).dtype, K.std(x).dtype) == ("float32",) * 3
    assert float(K.mean(K.constant([True, False], dtype="bool"))) == 0.5


def test_booleans_are_counted():
    assert int(K.sum(K.constant([True, False, True], dtype="bool"))) == 2


def test_logsumexp_of_infinities():
    inf = np.inf
    x = [[-inf, -inf], [inf, 0.0], [1000.0, 1000.0]]
    assert K.eval(K.logsumexp(x, axis=1)).tolist() == pytest.approx([-inf, inf, 1000 + np.log(2)])


def test_the_product_of_scalar_tensors():
    assert float(K.prod([K.constant(2.0), K.variable(3.0)])) == 6.0
