"""``jit``: what is traced anew, what takes the short way, and that the short way gives what the long one does."""

import array_api_strict
import numpy as np
import pytest

import kbplug
import kbplug.array_api as xp
from kbplug import plugins
from kbplug.graph.tensor import Tensor, tensor


def counted(function):
    """Return a function that counts how often it is traced."""

    def traced(*args, **kwargs):
        traced.times += 1
        return function(*args, **kwargs)

    traced.times = 0
    return traced


def spread(x, y):
    return (x - y) / (1.0 + xp.abs(y))


def test_a_call_like_the_last_is_not_traced_again():
    once = counted(spread)
    compiled = xp.jit(once)
    x, y = np.array([1.0, 2.0]), np.array([3.0, -4.0])
    for a, b in [(x, y), (y, x), (x + 1, y), (x, x)]:
        np.testing.assert_array_equal(compiled(a, b), (a - b) / (1 + np.abs(b)))
    assert once.times == 1


@pytest.mark.parametrize(
    ("args", "traced"),
    [
        ((np.ones(3), np.ones(3)), 2),
        ((np.ones((1, 2)), np.ones(2)), 2),
        ((np.ones(2, "float32"), np.ones(2, "float32")), 2),
        ((np.ones(2), np.ones(2, ">f8")), 1),
        ((np.ones(2), 1.0), 2),
        ((np.ones(4)[::2], np.ones(2)), 1),
    ],
)
def test_another_shape_dtype_or_number_is_traced_anew(args, traced):
    once = counted(spread)
    compiled = xp.jit(once)
    compiled(np.zeros(2), np.zeros(2))
    for _ in range(2):
        found = compiled(*args)
        expected = (args[0] - args[1]) / (1 + np.abs(args[1]))
        assert type(found) is np.ndarray
        assert found.dtype == expected.dtype.newbyteorder("=")
        np.testing.assert_array_equal(found, expected)
    assert once.times == traced


def test_results_are_arrays_of_the_callers_own():
    same, part = xp.jit(lambda x: x), xp.jit(lambda x: x[1:])
    x = np.array([1.0, 2.0])
    for compiled in (same, part):
        for _ in range(2):
            found = compiled(x)
            found[:] = 7.0
            assert x.tolist() == [1.0, 2.0]
    total = xp.jit(xp.sum)
    for _ in range(2):
        found = total(x)
        assert (type(found), found.shape, float(found)) == (np.ndarray, (), 3.0)


def test_results_of_two_calls_share_nothing():
    compiled = xp.jit(lambda x: xp.exp(x) * 2)
    first = compiled(np.zeros(2))
    second = compiled(np.ones(2))
    assert first.tolist() == [2.0, 2.0]
    assert second.tolist() == [2 * np.exp(1.0)] * 2


def test_several_results_and_named_arguments_keep_their_form():
    compiled = xp.jit(lambda x, *, scale: {"sum": xp.sum(x) * scale, "pair": (x, [x * scale])})
    for scale in (2.0, 3.0, 2.0):
        found = compiled(np.array([1.0, 2.0]), scale=scale)
        assert (float(found["sum"]), found["pair"][1][0].tolist()) == (3.0 * scale, [scale, 2 * scale])


def test_the_active_engine_runs_it():
    compiled = xp.jit(spread)
    x, y = np.array([1.0, 2.0]), np.array([3.0, -4.0])
    expected = compiled(x, y)
    np.testing.assert_array_equal(compiled(x, y), expected)
    ran = []

    class Watching(type(kbplug.engine("numpy"))):
        name = "watching"

        def compile(self, run, graph):
            return lambda *arrays: (ran.append(len(arrays)), run(*arrays))[1]

    with kbplug.engine_scope(Watching()):
        np.testing.assert_array_equal(compiled(x, y), expected)
        np.testing.assert_array_equal(compiled(x, y), expected)
    np.testing.assert_array_equal(compiled(x, y), expected)
    assert ran == [2, 2]
    with kbplug.engine_scope("strict"):
        np.testing.assert_array_equal(compiled(x, y), expected)


def test_arrays_of_another_library_come_back_as_such():
    compiled = xp.jit(spread)
    x = np.array([1.0, 2.0])
    compiled(x, x)
    found = compiled(*(array_api_strict.asarray(a) for a in (x, x + 1)))
    assert type(found) is type(array_api_strict.asarray(1))
    np.testing.assert_array_equal(np.from_dlpack(found), [-1 / 3, -1 / 4])
    lazy = compiled(tensor(x), tensor(x + 1))
    assert isinstance(lazy, Tensor)
    np.testing.assert_array_equal(lazy.value(), [-1 / 3, -1 / 4])


def test_a_function_that_closes_over_a_traced_value_is_part_of_that_trace():
    y = np.array([3.0, -4.0])

    def outer(x):
        return xp.jit(lambda own: {"product": x * own, "own": own + 1.0})(y)

    for x in (np.array([1.0, 2.0]), np.array([5.0, 6.0])):
        found = xp.jit(outer)(x)
        assert (found["product"].tolist(), found["own"].tolist()) == ((x * y).tolist(), (y + 1).tolist())


def test_random_numbers_are_drawn_at_every_call():
    from kbplug import backend as K

    compiled = xp.jit(lambda x: x + K.random_uniform((2,), dtype="float64"))
    drawn = [compiled(np.zeros(2)).tolist() for _ in range(3)]
    assert len({tuple(d) for d in drawn}) == 3


def test_warnings_stay_silent_and_an_error_names_the_line():
    compiled = xp.jit(lambda x, i: xp.log(x)[i])
    x = np.array([0.0, -1.0])
    for _ in range(2):
        assert compiled(x, np.array([0])).tolist() == [-np.inf]
    for _ in range(2):
        with pytest.raises(IndexError) as caught:
            compiled(x, np.array([5]))
        assert "This happened in getitem" in caught.value.__notes__[0]
        assert "test_compiled.py" in caught.value.__notes__[0]


def test_a_plugin_that_wraps_calls_is_asked_from_then_on():
    compiled = xp.jit(spread)
    x = np.array([1.0, 2.0])
    expected = [compiled(x, x + 1) for _ in range(2)]
    seen = []

    class Watcher:
        @kbplug.hookimpl(wrapper=True)
        def kbplug_run(self, function, inputs):
            seen.append(function.name)
            return (yield)

    name = plugins.plugin_manager().register(Watcher())
    try:
        found = [compiled(x, x + 1) for _ in range(2)]
    finally:
        plugins.plugin_manager().unregister(name=name)
    np.testing.assert_array_equal(found, expected)
    assert seen == ["spread", "spread"]
    compiled(x, x)
    assert len(seen) == 2
