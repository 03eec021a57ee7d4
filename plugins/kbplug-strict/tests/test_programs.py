"""Programs in K run on the engine and give what SciPy and algebra say."""

import numpy as np
import pytest
import scipy.special

import kbplug
from kbplug import backend as K


@pytest.fixture(autouse=True)
def strict():
    with kbplug.engine_scope("strict") as engine:
        yield engine


def test_what_is_selected_is_this_engine(strict):
    assert kbplug.engine() is strict
    assert type(strict).__module__ == "kbplug_strict.engine"


def test_a_function_of_neural_networks():
    x = K.placeholder((None, 4))
    given = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    (found,) = K.function([x], [K.softmax(x)])([given])
    np.testing.assert_allclose(found, scipy.special.softmax(given, axis=-1), rtol=1e-6)


def test_updates_move_the_variables():
    x, y = K.placeholder((None, 2)), K.placeholder((None, 1))
    w = K.zeros((2, 1))
    loss = K.mean(K.square(K.dot(x, w) - y))
    train = K.function([x, y], [loss], updates=[K.update_sub(w, 0.1 * K.gradients(loss, [w])[0])])
    points = np.random.default_rng(0).normal(size=(50, 2)).astype("float32")
    wanted = np.asarray([[3.0], [-1.0]], dtype="float32")
    for _ in range(200):
        train([points, points @ wanted])
    np.testing.assert_allclose(K.get_value(w), wanted, atol=1e-4)


def test_a_second_derivative():
    x = K.placeholder(())
    slope = K.gradients(K.exp(2 * x), [x])[0]
    bend = K.gradients(slope, [x])[0]
    np.testing.assert_allclose(K.function([x], [bend])([0.5]), [4 * np.e], rtol=1e-6)


def test_a_variable_made_under_numpy_moves_here():
    with kbplug.engine_scope("numpy"):
        w = K.variable([1.0, 2.0])
        double = K.function([], [w * 2], updates=[K.update(w, w * 2)])
        double([])
    np.testing.assert_array_equal(double([])[0], [4.0, 8.0])
    np.testing.assert_array_equal(K.get_value(w), [4.0, 8.0])
