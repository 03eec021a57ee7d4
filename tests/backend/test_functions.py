"""Functions, updates, gradients and what variables stand for under control dependencies."""

import numpy as np
import pytest

from kbplug import backend as K
from kbplug.errors import ArgumentError, DTypeError, FeedError, GradientError, GraphError, ShapeError


def test_a_function_takes_a_list_and_returns_arrays():
    x, y = K.placeholder((2,)), K.placeholder((2,))
    found = K.function([x, y], [x + y, K.sum(x)])([np.ones(2), [1, 2]])
    assert [type(f) for f in found] == [np.ndarray, np.ndarray]
    assert [f.tolist() for f in found] == [[2.0, 3.0], 2.0]


def test_inputs_nobody_needs_and_outputs_of_every_kind():
    x, unused = K.placeholder((2,)), K.placeholder((None,))
    v = K.variable([5.0])
    f = K.function([x, unused], [x, v, K.constant(1.0), 2.0], name="f")
    assert [r.tolist() for r in f([[1, 2], []])] == [[1.0, 2.0], [5.0], 1.0, 2.0]


def test_one_output_alone():
    x = K.placeholder(())
    assert K.function([x], x * 2)([3.0])[0] == 6.0


def test_givens_stand_in_the_place_of_tensors():
    x, y = K.placeholder((2,)), K.placeholder((2,))
    total = K.sum(x * 2)
    assert K.function([y], [total], givens={x: y + 1})([[1.0, 2.0]])[0] == 10.0
    assert K.function([], [total], givens=[(x, K.constant([1.0, 1.0]))])([])[0] == 4.0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: K.function([x], [x], mode="fast"), ArgumentError, "has no option 'mode'"),
        (lambda x: K.function([], [x]), GraphError, "needs the value of the placeholder '?x'? "),
        (lambda x: K.function([x], [x])([]), FeedError, "takes 1 inputs, but was given 0"),
        (lambda x: K.function([x], [x], name="f")([[1.0]]), FeedError, r"Input 0 of f \(x\) expects the shape \(2,\)"),
        (lambda x: K.function([x], [x])([["a", "b"]]), FeedError, "cannot be fed"),
        (lambda x: K.function([x], [x], updates=[x]), ArgumentError, "must be a"),
        (
            lambda x: K.function(x, [x]),
            ArgumentError,
            r"its inputs as a list, .* not as <tensor 'x' float32\[2\]>",
        ),
        (lambda x: K.function([x], [None]), DTypeError, "None has no place in a graph; give numbers"),
        (lambda x: K.function([x], {"a": x}), DTypeError, r"\{'a': <tensor 'x' float32\[2\]>\} has no place"),
        (
            lambda x: K.gradients(x, [1.0]),
            ArgumentError,
            "derives by a tensor, or a list of them, not by 1.0",
        ),
        (lambda x: K.gradients(x, "x"), ArgumentError, "not by 'x'"),
        (lambda x: K.update(x, 1.0), ArgumentError, "update changes variables, but was given a Tensor"),
        (lambda x: K.update_add(1.0, x), ArgumentError, "update_add changes variables, but was given a float"),
        (lambda x: K.update(K.variable([1.0, 2.0, 3.0]), x), ShapeError, "has shape"),
    ],
)
def test_what_cannot_be_meant(call, error, message):
    with pytest.raises(error, match=message):
        call(K.placeholder((2,), name="x"))


def test_updates_and_outputs_see_what_was_before():
    a, b = K.variable(1.0), K.variable(10.0)
    step = K.function([], [a, b], updates=[K.update(a, b), (b, a + b)])
    assert [r.tolist() for r in step([])] == [1.0, 10.0]
    assert [float(a), float(b)] == [10.0, 11.0]


def test_the_first_of_two_updates_counts():
    v = K.variable(1.0)
    K.function([], [], updates=[K.update(v, 2.0), (v, 3.0)])([])
    assert float(v) == 2.0


def test_updates_keep_the_dtype_and_fill_the_shape():
    v = K.variable([1, 2], dtype="int32")
    K.eval(K.update(v, 7))
    assert (K.get_value(v).dtype, K.get_value(v).tolist()) == ("int32", [7, 7])


def test_updates_drop_no_fraction_and_no_high_bit():
    v, x = K.variable([1, 2], dtype="int32"), K.constant([1.5, 2.5]) * 2
    for value, message in [
        (7.9, "was given float64 values that it cannot hold"),
        (2**40, "was given int64 values that it cannot hold"),
        (x, "holds int32, but its update is float32"),
        (K.cast(x, "int64"), "holds int32, but its update is int64"),
        (K.cast(v, "complex64"), "holds int32, but its update is complex64"),
    ]:
        with pytest.raises((FeedError, DTypeError), match=message):
            K.update(v, value)
    for value in (3.0, K.cast(x, "int32"), K.cast(x, "int8"), K.ones((2,), dtype="bool")):
        assert K.eval(K.update(v, value)).dtype == "int32"
    with pytest.raises(DTypeError, match="holds float32, but its update is complex64"):
        K.update(K.variable([1.0, 2.0]), K.cast(x, "complex64"))
    assert K.eval(K.update(K.variable(1.0), K.constant(0.1, dtype="float64") * 3)).dtype == "float32"


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda v: K.update(v, [3.0, 3.0]), [3.0, 3.0]),
        (lambda v: K.update_add(v, 3), [4.0, 5.0]),
        (lambda v: K.update_sub(v, [1.0, 1.0]), [0.0, 1.0]),
        (lambda v: K.moving_average_update(v, K.constant([3.0, 4.0]), 0.25), [2.5, 3.5]),
    ],
)
def test_eval_performs_an_update(make, expected):
    v = K.variable([1.0, 2.0])
    update = make(v)
    assert K.get_value(v).tolist() == [1.0, 2.0]
    assert K.eval(update).tolist() == expected
    assert K.get_value(v).tolist() == expected


def test_a_call_that_fails_commits_nothing():
    a, b, x = K.variable(1.0), K.variable([1.0, 2.0]), K.placeholder((None,))
    step = K.function([x], [], updates=[(a, 5.0), (b, x)])
    with pytest.raises(ShapeError, match="no variable was changed"):
        step([[1.0, 2.0, 3.0]])
    assert (float(a), K.get_value(b).tolist()) == (1.0, [1.0, 2.0])


def test_gradients():
    w, x, other = K.variable([1.0, 2.0]), K.placeholder((2,)), K.variable(3.0)
    slope, of_x, nothing = K.gradients(K.sum(w**2 * x), [w, x, other])
    assert nothing is None
    found = K.function([x], [slope, of_x])([[1.0, 10.0]])
    assert [f.tolist() for f in found] == [[2.0, 40.0], [1.0, 4.0]]
    assert K.gradients(K.sum(w), []) == []
    assert len(K.gradients(K.sum(w), w)) == 1


def test_gradients_of_gradients():
    w = K.variable(2.0)
    first = K.gradients(w**4, [w])[0]
    second = K.gradients(first, [w])[0]
    assert (float(first), float(second), float(K.gradients(second, [w])[0])) == (32.0, 48.0, 48.0)


def test_gradients_of_integers():
    with pytest.raises((ArgumentError, GradientError), match="must be floating-point"):
        K.gradients(K.constant(1, dtype="int32"), [])


def test_no_gradient_flows_where_it_is_stopped():
    w = K.variable(3.0)
    assert K.gradients(K.stop_gradient(w), [w]) == [None]
    a, b = K.stop_gradient([w, 2 * w])
    assert [float(g) for g in K.gradients(a * w + b * w, [w])] == [9.0]


def test_variables_are_read_as_updates_leave_them():
    total, count, x = K.variable(0.0), K.variable(0.0), K.placeholder((None,))
    updates = [K.update_add(total, K.sum(x)), (count, count + K.cast(K.size(x), "float32"))]
    with K.control_dependencies([updates, K.sum(x)]):
        mean = K.identity(total / count)
        chained = K.update_add(total, 1.0)
    f = K.function([x], [mean, total / K.maximum(count, 1.0)], updates=updates)
    assert [r.tolist() for r in f([[1.0, 3.0]])] == [2.0, 0.0]
    assert [r.tolist() for r in f([[5.0]])] == [3.0, 2.0]
    assert K.function([x], [chained])([[1.0]])[0] == 11.0
    assert [float(total), float(count)] == [9.0, 3.0]


def test_control_dependencies_end_and_nest():
    a, b = K.variable(1.0), K.variable(10.0)
    with K.control_dependencies([K.update(a, 2.0)]), K.control_dependencies(K.update(b, 20.0)):
        inside = a + b
    assert (float(inside), float(a + b)) == (22.0, 11.0)
    with pytest.raises(ZeroDivisionError), K.control_dependencies([K.update(a, 2.0)]):
        raise ZeroDivisionError
    assert float(a + 0) == 1.0


def test_a_training_step_learns():
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(64, 3)).astype("float32")
    targets = inputs @ np.array([[1.0], [-2.0], [0.5]], dtype="float32")
    x, y, w = K.placeholder((None, 3)), K.placeholder((None, 1)), K.zeros((3, 1))
    loss = K.mean(K.square(K.dot(x, w) - y))
    step = K.function([x, y], [loss], updates=[K.update_sub(w, 0.1 * K.gradients(loss, [w])[0])])
    losses = [step([inputs, targets])[0] for _ in range(200)]
    assert losses[-1] < 1e-6 < losses[0]
    np.testing.assert_allclose(K.get_value(w).ravel(), [1, -2, 0.5], atol=1e-3)
