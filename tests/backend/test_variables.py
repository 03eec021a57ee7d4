"""Variables: first values, names, reading and setting."""

import numpy as np
import pytest

from kbplug import backend as K
from kbplug.errors import ArgumentError, FeedError, SymbolicError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, np.float32(1)),
        ([[1, 2]], np.array([[1, 2]], "float32")),
        (np.arange(3), np.arange(3, dtype="float32")),
        (np.float64(0.1), np.float32(0.1)),
    ],
)
def test_first_values(value, expected):
    v = K.variable(value)
    assert (v.dtype, v.shape) == ("float32", expected.shape)
    np.testing.assert_array_equal(K.get_value(v), expected)


def test_the_first_value_may_be_a_tensor():
    assert K.get_value(K.variable(K.constant([1.0, 2.0]) * 2)).tolist() == [2.0, 4.0]
    assert K.get_value(K.variable(K.variable(3.0))).tolist() == 3.0
    with pytest.raises(SymbolicError):
        K.variable(K.placeholder((2,)))


def test_the_first_value_is_a_copy():
    data = np.ones(2, dtype="float32")
    v = K.variable(data)
    data[:] = 7
    assert K.get_value(v).tolist() == [1.0, 1.0]


def test_what_keras_reads_of_a_variable():
    def positive(w):
        return K.maximum(w, 0.0)

    v = K.variable(1.0, name="kernel", constraint=positive)
    v.trainable = True
    assert (v.name, v.constraint, v.trainable, getattr(v, "_tracked", None)) == ("kernel", positive, True, None)
    assert {v: 1}[v] == 1


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: K.zeros((2, 3)), np.zeros((2, 3))),
        (lambda: K.zeros(4), np.zeros(4)),
        (lambda: K.ones([2]), np.ones(2)),
        (lambda: K.eye(2), np.eye(2)),
        (lambda: K.eye((2, 3)), np.eye(2, 3)),
    ],
)
def test_filled_variables(make, expected):
    v = make()
    assert K.is_variable(v)
    np.testing.assert_array_equal(K.get_value(v), expected)


def test_zeros_of_a_size_that_the_graph_computes():
    x = K.placeholder((None, 2))
    z = K.zeros((K.shape(x)[0], 3), dtype="int32")
    assert not K.is_variable(z)
    assert K.function([x], [z])([np.ones((2, 2))])[0].tolist() == [[0, 0, 0]] * 2


def test_random_variables_have_their_moments():
    u = K.get_value(K.random_uniform_variable((100, 100), -1, 3, seed=1))
    n = K.get_value(K.random_normal_variable((100, 100), 2, 0.5, dtype="float64", seed=1))
    assert (u.min() >= -1, u.max() < 3, u.dtype, n.dtype) == (True, True, "float32", "float64")
    np.testing.assert_allclose([u.mean(), u.std(), n.mean(), n.std()], [1, 4 / 12**0.5, 2, 0.5], rtol=0.05)


def test_setting_values():
    v, w = K.variable([1.0, 2.0]), K.variable(0, dtype="int64")
    K.batch_set_value([(v, [3, 4]), (w, np.int32(5))])
    assert [x.tolist() for x in K.batch_get_value([v, w])] == [[3.0, 4.0], 5]
    K.set_value(v, K.constant([5.0, 6.0]))
    K.set_value(w, 7.0)
    assert (K.get_value(v).tolist(), int(w)) == ([5.0, 6.0], 7)
    assert K.batch_get_value([]) == []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1.0], r"expects the shape \(2,\), but was given \(1,\)"),
        ([1.0, 2j], "feed its real part"),
        ("word", "cannot be fed"),
    ],
)
def test_values_that_do_not_fit(value, message):
    v = K.variable([1.0, 2.0], name="v")
    with pytest.raises(FeedError, match=f"The variable 'v' .*{message}"):
        K.set_value(v, value)
    assert K.get_value(v).tolist() == [1.0, 2.0]


def test_an_integer_keeps_no_fraction():
    v = K.variable(1, dtype="int32")
    with pytest.raises(FeedError, match="values that it cannot hold"):
        K.set_value(v, 1.5)


def test_only_variables_are_set():
    with pytest.raises(ArgumentError, match="needs a variable, but was given a Tensor"):
        K.set_value(K.constant(1.0), 2.0)


def test_what_was_read_is_a_copy():
    v = K.variable([1.0])
    K.get_value(v)[0] = 9
    assert K.get_value(v).tolist() == [1.0]
    assert K.get_value(v + 1).tolist() == [2.0]


def test_counting_elements():
    assert (K.count_params(K.zeros((2, 3))), K.count_params(K.variable(1.0))) == (6, 1)
    assert K.get_variable_shape(K.zeros((2, 3))) == (2, 3)
    with pytest.raises(ArgumentError, match="needs a known shape"):
        K.count_params(K.placeholder((None, 3)))


def test_a_variable_prints_with_its_value():
    assert repr(K.variable([1.0, 2.0], name="v")) == "<variable 'v' float32[2]\n[1. 2.]>"
