"""The learning phase and choices: what is built, what is computed, and what Keras reads off the results."""

import numpy as np
import pytest

from kbplug import backend as K
from kbplug.errors import ArgumentError


def refuse():
    raise AssertionError("this branch is not to be built")


def test_the_phase_is_a_tensor_until_it_is_fixed():
    assert K.is_tensor(K.learning_phase())
    K.set_learning_phase(1)
    assert K.learning_phase() == 1
    K.clear_session()
    assert K.is_tensor(K.learning_phase())


@pytest.mark.parametrize("value", [2, -1, "train", None])
def test_a_phase_is_0_or_1(value):
    with pytest.raises(ArgumentError, match="must be 1 in training or 0 in testing"):
        K.set_learning_phase(value)
    with pytest.raises(ValueError, match="must be 1"), K.learning_phase_scope(value):
        pass


@pytest.mark.parametrize(("fed", "expected"), [(1, 2.0), (1.0, 2.0), (True, 2.0), (0, 3.0), (0.0, 3.0)])
def test_the_phase_is_fed(fed, expected):
    x = K.placeholder(())
    f = K.function([x, K.learning_phase()], [K.in_train_phase(2 * x, lambda: 3 * x)])
    assert f([1.0, fed])[0] == expected
    assert f([1.0, 1 - fed])[0] == 5.0 - expected


def test_a_phase_between_the_two_is_refused():
    x = K.placeholder(())
    f = K.function([x, K.learning_phase()], [K.in_train_phase(x, -x)])
    with pytest.raises(ValueError, match="values that it cannot hold"):
        f([1.0, 0.5])


def test_a_function_that_is_not_fed_a_phase_is_in_testing_until_one_is_fixed():
    x = K.placeholder(())
    f = K.function([x], [K.in_train_phase(x, -x)])
    assert f([1.0])[0] == -1.0
    with K.learning_phase_scope(1):
        assert f([1.0])[0] == 1.0
    assert f([1.0])[0] == -1.0


def test_only_the_branch_of_the_phase_is_computed(capsys):
    x = K.placeholder((None,))
    f = K.function(
        [x, K.learning_phase()], [K.in_train_phase(lambda: K.print_tensor(x, "train"), K.print_tensor(x, "test"))]
    )
    f([[1.0], 1])
    assert capsys.readouterr().out.split() == ["train", "[1.]"]
    f([[1.0], 0])
    assert capsys.readouterr().out.split() == ["test", "[1.]"]


@pytest.mark.parametrize("training", [True, 1])
def test_training_may_be_fixed_by_an_argument(training):
    x = K.placeholder((2,))
    chosen = K.in_train_phase(lambda: x, refuse, training=training)
    assert not chosen._uses_learning_phase
    assert K.in_test_phase(refuse, lambda: x * 1, training=training).shape == (2,)
    assert K.in_train_phase(refuse, lambda: K.zeros((5, 5)), training=not training).shape == (5, 5)


def test_what_hangs_on_the_phase_says_so():
    x = K.placeholder((2,))
    assert K.in_train_phase(x, 2 * x)._uses_learning_phase is True
    assert K.in_test_phase(x, 2 * x)._uses_learning_phase is True
    assert not hasattr(K.in_train_phase(x, 2 * x, training=K.placeholder((), dtype="bool")), "_uses_learning_phase")


def test_a_phase_that_was_fixed_builds_one_branch():
    with K.learning_phase_scope(0):
        assert float(K.in_train_phase(refuse, 1.0)) == 1.0
    assert K.is_tensor(K.learning_phase())


def test_training_may_be_a_tensor():
    x, training = K.placeholder((None,)), K.placeholder((), dtype="bool")
    f = K.function([x, training], [K.in_train_phase(lambda: x * 2, x, training)])
    assert f([[1.0], True])[0].tolist() == [2.0]
    assert f([[1.0], False])[0].tolist() == [1.0]


def test_gradients_through_the_phase():
    w = K.variable(3.0)
    slope = K.gradients(K.in_train_phase(lambda: w * w, lambda: 5 * w), [w])[0]
    f = K.function([K.learning_phase()], [slope])
    assert [f([1])[0].tolist(), f([0])[0].tolist()] == [6.0, 5.0]


def test_dropout_draws_in_training_alone():
    x = K.placeholder((None, 50))
    f = K.function([x, K.learning_phase()], [K.in_train_phase(lambda: K.dropout(x, 0.5, seed=1), x)])
    ones = np.ones((4, 50))
    assert f([ones, 0])[0].tolist() == ones.tolist()
    assert set(f([ones, 1])[0].ravel().tolist()) == {0.0, 2.0}


@pytest.mark.parametrize("dtype", ["bool", "uint8", "float32"])
@pytest.mark.parametrize("lazy", [False, True])
def test_one_condition_chooses_a_tensor(dtype, lazy):
    condition, x = K.placeholder((), dtype=dtype), K.placeholder((None, 2))
    branches = (lambda: x + 1, lambda: x - 1) if lazy else (x + 1, x - 1)
    f = K.function([condition, x], [K.switch(condition, *branches)])
    assert f([1, [[0.0, 0.0]]])[0].tolist() == [[1.0, 1.0]]
    assert f([0, [[0.0, 0.0]]])[0].tolist() == [[-1.0, -1.0]]


def test_the_branch_not_chosen_is_not_computed(capsys):
    condition, x = K.placeholder((), dtype="bool"), K.placeholder((1,))
    f = K.function([condition, x], [K.switch(condition, lambda: K.print_tensor(x, "then"), lambda: -x)])
    f([False, [1.0]])
    assert capsys.readouterr().out == ""
    f([True, [1.0]])
    assert capsys.readouterr().out == "then [1.]\n"


@pytest.mark.parametrize("shape", [(2,), (2, 1), (2, 3)])
def test_several_conditions_choose_along_the_first_dimensions(shape):
    rng = np.random.default_rng(0)
    condition, then, other = rng.random(shape) > 0.5, rng.random((2, 3)), rng.random((2, 3))
    wide = condition.reshape(*shape, *[1] * (2 - len(shape)))
    found = K.eval(K.switch(K.constant(condition, dtype="bool"), then, other))
    np.testing.assert_array_equal(found, np.where(wide, then, other))


def test_conditions_along_the_first_of_more_dimensions():
    found = K.eval(K.switch(K.constant([1, 0], dtype="int32"), K.ones((2, 2, 2)), K.zeros((2, 2, 2))))
    assert found.sum(axis=(1, 2)).tolist() == [4.0, 0.0]


def test_gradients_of_a_choice():
    x = K.variable([1.0, 2.0])
    chosen = K.switch(x > 1.5, x**2, 3 * x)
    assert K.eval(K.gradients(chosen, [x])[0]).tolist() == [3.0, 4.0]
