"""What the derivatives of single ops cannot know: which paths a gradient takes, and that it is a graph too."""

import numpy as np
import pytest

from kbplug.autodiff import gradients, vjp
from kbplug.errors import ArgumentError, GradientError
from kbplug.graph.graph import Graph, topological
from kbplug.graph.node import placeholder
from kbplug.graph.op import lookup
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor, tensor
from kbplug.graph.verify import verify
from kbplug.ops.control import choose, fold_over
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import size_along
from kbplug.runtime.function import Function


@pytest.fixture
def x():
    """A tensor of unknown size."""
    return Tensor(placeholder(Spec((None,), "float64")))


def test_no_gradient_flows_through_sizes(x):
    weights = xp.arange(size_along(x, 0), dtype="float64")  # an op without a derivative
    (slope,) = gradients(xp.sum(x * weights), [x])
    assert Function([x], [slope])([[5.0, 5.0, 5.0]])[0].tolist() == [0.0, 1.0, 2.0]


def test_there_is_no_gradient_where_only_integers_lead(x):
    assert gradients(xp.astype(xp.astype(x, "int64"), "float64"), [x]) == [None]
    assert gradients(xp.sum(xp.arange(size_along(x, 0), dtype="float64")), [x]) == [None]


def test_an_op_without_a_derivative_in_the_path_is_named(x):
    with pytest.raises(GradientError, match=r"'nextafter' built at .*test_autodiff.py:\d+ has no derivative"):
        gradients(xp.nextafter(x, 1.0), [x])


def test_branches_that_take_a_tensor_and_what_it_came_from_count_each_path_once(x):
    doubled = x * 2.0
    picked = choose(tensor(True), lambda: doubled, lambda: x)[0]
    (slope,) = gradients(xp.sum(picked * picked), [x])
    assert Function([x], [slope])([[1.0, 3.0]])[0].tolist() == [8.0, 24.0]


def test_composites_over_a_tensor_and_what_it_came_from_count_each_path_once(x):
    start = xp.sum(x)
    (slope,) = gradients(xp.sum(xp.linspace(start, 2.0 * start, 3)), [x])
    assert Function([x], [slope])([[1.0, 2.0]])[0].tolist() == [4.5, 4.5]  # of s + 1.5 s + 2 s


def test_loops_over_a_tensor_and_what_it_came_from_count_each_path_once(x):
    total = xp.sum(x)
    scaled = total * 2.0
    last = fold_over(lambda carry, element: ([carry + element * total + scaled], []), [total], [x])[0][0]
    (slope,) = gradients(last, [x])
    values = np.asarray([1.0, 2.0, 4.0])
    expected = 1.0 + 2 * values.sum() + 2.0 * len(values)  # of s + s*s + n*2s, where s is the sum
    np.testing.assert_allclose(Function([x], [slope])([values])[0], np.full(3, expected))


def symbol(shape=(3,), dtype="float64"):
    return Tensor(placeholder(Spec(shape, dtype)))


def at(x, values, *results):
    return Function([x], results)([values])


def rosenbrock(xp, x):
    return xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@pytest.mark.parametrize("shape", [(4,), (None,)])
def test_the_hessian_of_rosenbrocks_function_is_pytorchs(shape):
    torch = pytest.importorskip("torch")
    x, point = symbol(shape), np.array([-1.2, 1.0, 0.7, 2.1])
    (slope,) = gradients(rosenbrock(xp, x), [x])
    rows = [gradients(slope[i], [x])[0] for i in range(4)]
    found = at(x, point, slope, *rows)
    leaf = torch.tensor(point)
    expected = torch.autograd.functional.hessian(lambda t: rosenbrock(torch, t), leaf)
    np.testing.assert_allclose(found[1:], expected.numpy(), rtol=1e-12)
    np.testing.assert_allclose(found[0], torch.func.grad(lambda t: rosenbrock(torch, t))(leaf).numpy(), rtol=1e-12)


def test_derivatives_of_any_order():
    x = y = symbol(())
    y = xp.sin(x)
    for _ in range(5):
        (y,) = gradients(y, [x])
    assert at(x, 0.3, y)[0] == pytest.approx(np.cos(0.3), rel=1e-14)


def test_a_gradient_is_a_sound_graph_of_the_shape_and_dtype_of_what_it_is_taken_for():
    x, w = symbol((None, 3), "float32"), symbol((3, 1))
    found = gradients(xp.mean(xp.tanh(x @ xp.astype(w, "float32"))), [x, w])
    assert [g.spec for g in found] == [x.spec, w.spec]
    verify(Graph((x.node, w.node), [g.node for g in found]))


def test_none_where_no_path_leads_and_zeros_where_one_is_flat():
    x, other = symbol(), symbol()
    flat, none = gradients(xp.sum(xp.floor(x) + 1.0), [x, other])
    assert none is None
    assert at(x, [0.5, 1.5, 2.5], flat)[0].tolist() == [0.0, 0.0, 0.0]
    assert gradients(xp.sum(xp.astype(x > 0, "float64")), [x]) == [None]
    assert gradients(xp.sum(lookup("stop_gradient")(x)), [x]) == [None]
    assert gradients(tensor(2.0), [x]) == [None]


@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_an_integer_loss_is_refused(dtype):
    with pytest.raises(ArgumentError, match=f"A loss of dtype {dtype} has no gradient; it must be floating-point"):
        gradients(symbol((), dtype), [symbol()])


def test_an_integer_has_no_gradient():
    x, n = symbol(), symbol((), "int64")
    assert gradients(xp.sum(x * n), [n]) == [None]


def test_a_gradient_is_taken_for_any_tensor():
    x = symbol()
    middle = xp.exp(x)
    by_middle, by_loss = gradients(xp.sum(middle * middle), [middle, xp.sum(middle * middle)])
    found = at(x, [0.0, 1.0, 2.0], by_middle, by_loss)
    np.testing.assert_allclose(found[0], 2 * np.exp([0.0, 1.0, 2.0]))
    assert found[1] == 1.0


def test_every_path_counts():
    x = symbol()
    y = x * x
    (slope,) = gradients(xp.sum(y * x + y), [x])
    assert at(x, [1.0, 2.0, 3.0], slope)[0].tolist() == [5.0, 16.0, 33.0]


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda x: x * x, [2.0, 4.0, 6.0]),
        (lambda x: x / x, [0.0, 0.0, 0.0]),
        (lambda x: xp.where(x > 2, x, x), [1.0, 1.0, 1.0]),
        (lambda x: xp.maximum(x, x), [1.0, 1.0, 1.0]),
        (lambda x: xp.concat([x, x]), [2.0, 2.0, 2.0]),
        (lambda x: xp.stack([x, x, x]), [3.0, 3.0, 3.0]),
        (lambda x: xp.diff(x, prepend=x, append=x), [-1.0, 0.0, 1.0]),
        (lambda x: xp.vecdot(x, x), [2.0, 4.0, 6.0]),
        (lambda x: choose(xp.all(x > 0), lambda: x * x, lambda: x)[0], [2.0, 4.0, 6.0]),
    ],
)
def test_an_operand_that_stands_twice_gets_both_shares(build, expected):
    x = symbol()
    (slope,) = gradients(xp.sum(build(x)), [x])
    assert at(x, [1.0, 2.0, 3.0], slope)[0].tolist() == expected


def test_broadcasting_is_undone():
    x, column, scalar = symbol((2, 3)), symbol((2, 1)), symbol(())
    rows = gradients(xp.sum(x * column + scalar), [column, scalar])
    assert [r.shape for r in rows] == [(2, 1), ()]
    found = Function([x, column, scalar], rows)([np.ones((2, 3)), np.ones((2, 1)), 1.0])
    assert [f.tolist() for f in found] == [[[3.0], [3.0]], 6.0]


def test_a_complex_gradient_is_pytorchs():
    torch = pytest.importorskip("torch")
    z, w = symbol(dtype="complex128"), symbol()
    loss = xp.sum(xp.abs(xp.exp(z) * w + xp.conj(z) ** 2))
    point, weight = np.array([1 + 2j, -0.5j, 0.3 - 1j]), np.array([0.5, 2.0, -1.0])
    found = Function([z, w], gradients(loss, [z, w]))([point, weight])
    leaf, real = torch.tensor(point, requires_grad=True), torch.tensor(weight, requires_grad=True)
    torch.sum(torch.abs(torch.exp(leaf) * real + torch.conj(leaf) ** 2)).backward()
    np.testing.assert_allclose(found[0], leaf.grad.numpy(), rtol=1e-12)
    np.testing.assert_allclose(found[1], real.grad.numpy(), rtol=1e-12)
    assert found[1].dtype == "float64"


def test_a_loss_of_several_elements_stands_for_their_sum():
    x = symbol()
    assert gradients(x * x, [x])[0].shape == (3,)
    assert at(x, [1.0, 2.0, 3.0], *gradients(x * x, [x]))[0].tolist() == [2.0, 4.0, 6.0]


def test_a_product_with_given_cotangents():
    x, g = symbol(), symbol()
    (row,) = vjp([xp.exp(x)], [g], [x])
    assert row.node is (g * xp.exp(x)).node
    assert vjp([xp.exp(x), x * 2], [None, g], [x])[0].node is (g * 2).node


def test_a_missing_derivative_outside_the_path_does_no_harm():
    x, y = symbol(), symbol()
    (slope,) = gradients(xp.sum(x * xp.nextafter(y, 0.0)), [x])
    assert slope.shape == (3,)


@pytest.mark.parametrize(
    ("name", "others"), [("subtract", ["sum", "negative"]), ("divide", ["sum", "negative", "divide"])]
)
def test_what_was_spread_is_added_up_first(name, others):
    a, b, g = symbol((4, 5)), symbol((4, 1)), symbol((4, 5))
    y = getattr(xp, name)(a, b)
    (slope,) = vjp([y], [g], [b])
    after = [n for n in topological([slope.node]) if n.inputs and n not in topological([y.node])]
    assert [n.op.name for n in after if n.result.shape == (4, 1)] == others
