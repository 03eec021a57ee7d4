"""What the suite over all ops cannot know of activations: kinks, and crossentropies where probabilities round."""

import numpy as np
import pytest

from kbplug.autodiff import gradients
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops import lookup
from kbplug.ops.namespace import namespace as xp
from kbplug.runtime.function import Function

torch = pytest.importorskip("torch")


def tensor(*shape, dtype="float64"):
    return Tensor(placeholder(Spec(shape, dtype)))


def slope(build, *arrays):
    inputs = [tensor(*a.shape) for a in arrays]
    return Function(inputs, gradients(xp.sum(build(*inputs)), inputs))(arrays)


@pytest.mark.parametrize(
    ("name", "at_zero"),
    [("relu", 0.0), ("leaky_relu", 0.2), ("elu", 1.0), ("softsign", 1.0), ("softplus", 0.5), ("hard_sigmoid", 0.2)],
)
def test_slope_at_zero(name, at_zero):
    assert slope(lookup(name), np.zeros(1))[0].tolist() == [at_zero]


def test_slope_of_hard_sigmoid_at_its_bounds():
    assert slope(xp.hard_sigmoid, np.array([-2.5, 2.5, 2.6]))[0].tolist() == [0.2, 0.2, 0.0]


@pytest.mark.parametrize("name", ["relu", "elu", "selu", "softplus", "softsign"])
def test_slopes_far_out_are_pytorchs(name):
    x = np.array([-600.0, -40.0, -1.0, 1.0, 40.0, 600.0])
    given = torch.tensor(x, requires_grad=True)
    options = {"threshold": 1e4} if name == "softplus" else {}
    getattr(torch.nn.functional, name)(given, **options).sum().backward()
    np.testing.assert_allclose(slope(lookup(name), x)[0], given.grad, rtol=1e-12, atol=1e-16)


def test_cross_entropy_keeps_what_probabilities_lose():
    logits, target = np.array([-50.0, 50.0]), np.array([0.0, 1.0])
    x, z = tensor(2), tensor(2)
    loss = Function([x, z], [xp.sigmoid_cross_entropy(x, z)])([logits, target])[0]
    np.testing.assert_allclose(loss, np.exp(-50.0), rtol=1e-12)


def test_slopes_of_softmax_cross_entropy_are_pytorchs():
    logits = np.array([[2.0, -700.0, 0.5], [1.0, 1.0, -3.0]])
    targets = np.array([[0.2, 0.3, 0.5], [0.0, 1.0, 0.0]])
    given, wanted = (torch.tensor(a, requires_grad=True) for a in (logits, targets))
    torch.nn.functional.cross_entropy(given, wanted, reduction="sum").backward()
    found = slope(xp.softmax_cross_entropy, logits, targets)
    np.testing.assert_allclose(found[0], given.grad, atol=1e-15)
    np.testing.assert_allclose(found[1], wanted.grad, rtol=1e-12)


def test_a_class_shut_out_costs_nothing_and_pulls_nothing():
    logits, targets = np.array([[-np.inf, 0.0, 0.0]]), np.array([[0.0, 0.5, 0.5]])
    x, z = tensor(1, 3), tensor(1, 3)
    loss = xp.softmax_cross_entropy(x, z)
    found = Function([x, z], [loss, *gradients(loss, [x])])([logits, targets])
    np.testing.assert_allclose(found[0], np.log(2.0))
    np.testing.assert_allclose(found[1], [[0.0, 0.0, 0.0]], atol=1e-15)


def test_slopes_of_logsumexp_where_its_maximum_is_infinite():
    inf, nan = np.inf, np.nan
    x = np.array([[inf, 1.0], [-inf, -inf], [nan, 1.0], [-inf, 0.0], [1e308, -1e308]])
    e = np.e
    expected = [[inf, e], [0, 0], [nan, e], [0, 1], [1, 0]]
    np.testing.assert_array_equal(slope(lambda v: xp.logsumexp(v, axis=1), x)[0], expected)


def test_slopes_of_logsumexp_keep_small_factors():
    x, g = np.array([[-745.0, 0.0]]), np.array([1e-300])
    found = slope(lambda v: g * xp.logsumexp(v, axis=1), x)[0]
    np.testing.assert_allclose(found, [[0.0, 1e-300]])


def test_a_scale_of_any_shape_reaches_softmax():
    x, scale = np.array([[0.5, -1.0], [2.0, 0.25]]), np.array([[1.0, 3.0], [-2.0, 0.5]])
    given, factors = (torch.tensor(a, requires_grad=True) for a in (x, scale))
    (torch.softmax(given, -1) * factors).sum().backward()
    found = slope(xp.scaled_softmax, x, scale)
    np.testing.assert_allclose(found[0], given.grad, rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(found[1], factors.grad, rtol=1e-12)
