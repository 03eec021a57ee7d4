"""Functions: what they feed, compute, commit and return, and what they say when a call cannot be meant."""

import copy
import pickle
import re

import numpy as np
import pytest

import kbplug
import kbplug.plugins
from kbplug import backend as K
from kbplug.engines.numpy.engine import NumpyEngine
from kbplug.errors import ArgumentError, DTypeError, FeedError, GraphError, ShapeError


@pytest.fixture
def pair():
    x, n = K.placeholder((None, 3), name="x"), K.placeholder((), dtype="int32", name="n")
    return K.function([x, n], [x * 2.0, n], name="double")


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([], "double takes 2 inputs, but was given 0."),
        ([np.ones((2, 3))], "double takes 2 inputs, but was given 1."),
        ([np.ones((2, 3)), 1, 2], "double takes 2 inputs, but was given 3."),
        ([np.ones(3), 1], "Input 0 of double (x) expects the shape (None, 3), but was given (3,)."),
        ([np.ones((2, 4)), 1], "Input 0 of double (x) expects the shape (None, 3), but was given (2, 4)."),
        ([np.ones((2, 3)) * 1j, 1], "Input 0 of double (x) expects float32, but was given complex128"),
        ([np.ones((2, 3)), 1.5], "Input 1 of double (n) expects int32, but was given float64"),
        (
            [np.ones((2, 3)), 2**40],
            "Input 1 of double (n) expects int32, but was given int64 values that it cannot hold.",
        ),
        ([[["a", "b", "c"]], 1], "Input 0 of double (x) cannot be fed: An array of dtype <U1 has no place in a graph"),
        ([[[1, 2, 3], [4]], 1], "Input 0 of double (x) cannot be fed: A list does not become an array"),
        ([None, 1], "Input 0 of double (x) cannot be fed: None has no place in a graph; give numbers"),
        ([K.ones((2, 3)), 1], "Input 0 of double (x) cannot be fed: A tensor stands where a value is expected"),
    ],
)
def test_bad_feeds_are_told_in_one_sentence(pair, inputs, message):
    with pytest.raises(FeedError, match=re.escape(message)):
        pair(inputs)


@pytest.mark.parametrize(
    "given",
    [
        np.arange(6, dtype="float32").reshape(2, 3),
        np.arange(6, dtype="float64").reshape(2, 3),
        np.arange(6, dtype="int64").reshape(2, 3),
        np.arange(6, dtype=">f4").reshape(2, 3),
        np.arange(6, dtype="float32").reshape(3, 2).T,
        np.arange(12, dtype="float32").reshape(2, 6)[:, ::2],
        np.zeros((0, 3), dtype="float32"),
        [[True, False, True]],
    ],
)
def test_what_fits_is_fed_whatever_its_form(pair, given):
    found = pair([given, 3])
    np.testing.assert_array_equal(found[0], np.asarray(given, dtype="float32") * 2)
    assert found[0].dtype == "float32"
    assert found[1] == 3


def test_a_missing_placeholder_is_named_with_its_line():
    x, y = K.placeholder((2,), name="x"), K.placeholder((2,), name="y")
    with pytest.raises(GraphError, match=r"placeholder y float32\[2\] made at .*test_function.py:\d+, which"):
        K.function([x], [x + y])


def test_inputs_must_be_tensors_and_differ():
    x = K.placeholder((2,))
    with pytest.raises(ArgumentError, match=r"Input 1 of function must be a placeholder or another tensor, not 3.0"):
        K.function([x, 3.0], [x])
    with pytest.raises(ArgumentError, match="names one tensor twice among its inputs"):
        K.function([x, x], [x])


def test_updates_see_the_values_before_the_call_and_are_committed_together():
    a, b = K.variable(1.0), K.variable(10.0)
    swap = K.function([], [a, b], updates=[(a, b), (b, a)])
    assert [float(v) for v in swap([])] == [1.0, 10.0]
    assert (float(a), float(b)) == (10.0, 1.0)


def test_the_first_of_two_updates_of_one_variable_counts():
    a = K.variable(1.0)
    K.function([], [], updates=[K.update(a, 5.0), K.update(a, 7.0)])([])
    assert float(a) == 5.0


@pytest.mark.parametrize("engine", ["numpy", "strict"])
def test_a_call_that_fails_commits_nothing(engine):
    x, y = K.placeholder((None,)), K.placeholder((None,))
    a = K.variable(1.0)
    call = K.function([x, y], [x + y], updates=[K.update_add(a, 1.0)])
    with kbplug.engine_scope(engine):
        with pytest.raises(Exception, match=r"broadcast|shape"):
            call([[1.0, 2.0], [1.0, 2.0, 3.0]])
        assert float(a) == 1.0
        call([[1.0], [2.0]])
    assert float(a) == 2.0


def test_an_update_of_the_wrong_shape_when_run_commits_nothing():
    x = K.placeholder((None,))
    a, b = K.variable([0.0, 0.0]), K.variable(0.0)
    call = K.function([x], [], updates=[K.update_add(b, 1.0), K.update(a, x)])
    with pytest.raises(ShapeError, match=r"has shape \(3,\), but the variable has \(2,\); no variable was changed"):
        call([[1.0, 2.0, 3.0]])
    assert float(b) == 0.0
    call([[1.0, 2.0]])
    assert K.get_value(a).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("bad", [3, (1, 2), K.ones])
def test_an_update_must_be_one(bad):
    with pytest.raises(ArgumentError, match=r"An update must be a \(variable, value\) pair or come from K.update, not"):
        K.function([], [], updates=[bad])


def test_givens_stand_in_for_other_tensors():
    x, y = K.placeholder((2,)), K.placeholder((2,))
    assert K.function([y], [x * 3.0], givens=[(x, y + 1.0)])([[1.0, 2.0]])[0].tolist() == [6.0, 9.0]
    assert K.function([y], [x * 3.0], givens={x: y})([[1.0, 2.0]])[0].tolist() == [3.0, 6.0]


def test_what_stands_in_for_a_tensor_takes_its_dtype_and_must_have_its_shape():
    x = K.placeholder((2,), dtype="float32")
    found = K.function([], [x * 2.0], givens=[(x, np.array([1, 2]))])([])[0]
    assert (found.dtype, found.tolist()) == ("float32", [2.0, 4.0])
    with pytest.raises(DTypeError, match="A tensor of float32 cannot take in complex128; cast the value first"):
        K.function([], [x * 2.0], givens=[(x, np.array([1j, 2j]))])
    with pytest.raises(ShapeError, match=r"is given float32\[3\] in place of float32\[2\] made at .*test_function.py"):
        K.function([], [x * 2.0], givens=[(x, np.ones(3))])


def test_an_intermediate_tensor_can_be_fed():
    x = K.placeholder((2,))
    middle = K.exp(x)
    assert K.function([middle], [middle + 1.0])([[1.0, 2.0]])[0].tolist() == [2.0, 3.0]


def test_results_share_memory_with_nothing():
    x = K.placeholder((3,))
    v = K.variable([1.0, 2.0, 3.0])
    doubled = x * 2.0
    call = K.function(
        [x], [x, x * 1.0, v, K.reshape(v, (3, 1)), doubled, doubled, K.constant([7.0, 8.0])], updates=[(v, v + 1.0)]
    )
    given = np.ones(3, dtype="float32")
    found = call([given])
    held = [given, v.cell.on(kbplug.engine()), *found]
    for i, one in enumerate(held):
        assert not any(np.shares_memory(one, other) for other in held[i + 1 :])
    for array in found:
        array[...] = -1.0
    again = call([given])
    assert again[0].tolist() == [1.0, 1.0, 1.0]
    assert again[2].tolist() == [2.0, 3.0, 4.0]
    assert again[6].tolist() == [7.0, 8.0]


def test_a_result_that_is_also_an_update_can_be_written_to():
    v = K.variable([1.0, 2.0])
    new = v + 1.0
    (found,) = K.function([], [new], updates=[(v, new)])([])
    found[...] = 99.0
    assert K.get_value(v).tolist() == [2.0, 3.0]


def test_one_function_runs_on_the_engine_in_force_and_variables_follow():
    v = K.variable([1.0, 2.0])
    call = K.function([], [v * 2.0], updates=[(v, v + 1.0)])
    for engine in ("numpy", "strict", "numpy", "strict"):
        with kbplug.engine_scope(engine):
            call([])
    assert K.get_value(v).tolist() == [5.0, 6.0]


def test_a_fixed_learning_phase_drops_the_other_branch():
    x = K.placeholder((2,))
    y = K.in_train_phase(K.exp(x), K.log(x))
    call = K.function([x, K.learning_phase()], [y])
    np.testing.assert_allclose(call([[1.0, 2.0], 1])[0], np.exp([1.0, 2.0]), rtol=1e-6)
    np.testing.assert_allclose(call([[1.0, 2.0], 0])[0], np.log([1.0, 2.0]), rtol=1e-6)
    sources = [e.program.source for e in call._executables.values()]
    assert len(sources) == 2
    assert not any("exp" in s and "log" in s for s in sources)


def test_streams_whose_draws_were_dropped_stand_still():
    x = K.placeholder((4,))
    y = K.in_train_phase(K.dropout(x, 0.5, seed=1), x)
    call = K.function([x, K.learning_phase()], [y])
    tested = [call([np.ones(4), 0])[0].tolist() for _ in range(2)]
    assert tested == [[1.0] * 4] * 2
    assert "random" not in next(iter(call._executables.values())).program.source
    trained = {tuple(call([np.ones(4), 1])[0]) for _ in range(8)}
    assert len(trained) > 1


def test_a_variable_in_an_augmented_assignment_is_left_alone():
    v = kept = K.variable(1.0)
    v += 2.0
    assert float(v) == 3.0
    assert float(kept) == 1.0


def test_a_wrapper_sees_every_call():
    seen = []

    class Tracer:
        @kbplug.hookimpl(wrapper=True)
        def kbplug_run(self, function, inputs):
            result = yield
            seen.append((function.name, len(result)))
            return result

    kbplug.plugins.plugin_manager().register(Tracer(), "tracer")
    try:
        K.function([], [K.constant(1.0)], name="traced")([])
    finally:
        kbplug.plugins.plugin_manager().unregister(name="tracer")
    assert seen == [("traced", 1)]


def test_numpys_warnings_stay_silent_and_its_state_as_it_was():
    before = np.geterr()
    x = K.placeholder((2,))
    found = K.function([x], [K.log(x), 1.0 / x])([[0.0, -1.0]])
    assert np.isneginf(found[0][0])
    assert np.isnan(found[0][1])
    assert np.isposinf(found[1][0])
    assert np.geterr() == before


@pytest.mark.parametrize("keep", [pickle.dumps, copy.deepcopy, copy.copy])
def test_a_function_is_neither_pickled_nor_copied(pair, keep):
    with pytest.raises(ArgumentError, match=r"The function 'double' is neither .* kbplug\.saving\.save_function"):
        keep(pair)


def test_calls_may_nest():
    """A kernel that calls a function itself finds the engine ready."""
    inner = K.function([], [K.constant(2.0) * 3.0])

    class Nesting(NumpyEngine):
        name = "nesting"
        kernels = {**NumpyEngine.kernels, "tanh": lambda x: x * inner([])[0]}

    x = K.placeholder(())
    with kbplug.engine_scope(Nesting()):
        assert K.function([x], [K.tanh(x)])([2.0])[0] == 12.0
