"""A written loop computes what its step says, and gives nobody memory that a later step or call takes."""

import contextlib
import gc
import linecache

import numpy as np
import pytest
from hypothesis import given, settings

from crowds import spoilt
from kbplug import plugins
from kbplug.engines.numpy import loops
from kbplug.graph.graph import Graph
from kbplug.ops.control import fold_over
from kbplug.ops.namespace import namespace as xp
from kbplug.runtime.function import Function
from kbplug.testing.checks import interpreted
from recurrences import WIDTH, assert_alike, of, recurrences


@pytest.fixture
def written(monkeypatch):
    """The loops written in a test."""
    found, write = [], loops._write
    monkeypatch.setattr(loops, "FEWEST", 1)
    monkeypatch.setattr(loops, "_write", lambda *given: found.append(write(*given)) or found[-1])
    return found


def check(drawn):
    inputs, outputs, values = drawn
    plain = Graph([t.node for t in inputs], [t.node for t in outputs])
    expected = interpreted(plain, values, plugins.engine("numpy"))
    call = Function(inputs, outputs)
    for found in (call(values), call(values)):
        for i, (a, b) in enumerate(zip(found, expected, strict=True)):
            assert_alike(a, b, f"Result {i}")


@given(recurrences())
@settings(max_examples=40)
def test_random_recurrences(drawn):
    check(drawn)


@pytest.mark.nightly
@given(recurrences())
@settings(max_examples=2000, derandomize=False)
def test_many_random_recurrences(drawn):
    check(drawn)


def run(step, first, x, *, reverse=False):
    """Return what a loop comes to on NumPy, and step by step in this test."""
    rows, carries = of(*x.shape), [of(*c.shape) for c in first]
    ends, kept = fold_over(lambda *v: step(xp, *v), carries, [rows], reverse=reverse)
    found = Function([*carries, rows], [*ends, *kept])([*first, x])
    state, stacks = list(first), []
    for row in x[::-1] if reverse else x:
        state, out = step(np, *state, row)
        stacks.append(out)
    stacks = stacks[::-1] if reverse else stacks
    return found, [*state, *(np.stack(column) for column in zip(*stacks, strict=True))]


STEPS = {
    "what was carried is stacked": lambda np, a, row: ([np.tanh(a + row)], [a]),
    "and what is carried on": lambda np, a, row: ((new := [np.tanh(a + row)]), [a, new[0]]),
    "carries change places": lambda np, a, b, row: ([b, a + row], [a * b]),
    "a carry lags behind": lambda np, a, b, c, row: ([np.exp(-row), a, b * 1.0], [c + a]),
    "a view is carried": lambda np, a, row: ([(a * row)[:, ::-1]], [a]),
    "a row is carried": lambda np, a, row: ([row], [a - row]),
    "one value twice": lambda np, a, b, row: ([a + row, a + row], [a + row, b]),
    "parts of a result": lambda np, a, row: ([np.concat([a[:, 1:] * row[:, 1:], row[:, :1]], axis=1)], [a[:, :2]]),
    "a part that is read too": lambda np, a, row: (
        [(part := np.tanh(a)) + row],
        [np.concat([part, part * 2.0, row], axis=0)],
    ),
    "a function with its own result": lambda np, a, row: ([np.sum(a, axis=0, keepdims=True) + row], [np.sort(a)]),
    "over itself through a view": lambda np, a, row: (
        [np.exp(-np.abs((new := a + row) * np.permute_dims(new, (1, 0))))],
        [],
    ),
}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_a_step(step, reverse, written):
    rng = np.random.default_rng(0)
    count = step.__code__.co_argcount - 2
    first = [rng.standard_normal((WIDTH, WIDTH)) for _ in range(count)]
    before = [f.copy() for f in first]
    found, expected = run(step, first, rng.standard_normal((6, WIDTH, WIDTH)), reverse=reverse)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    np.testing.assert_array_equal(first, before)
    assert written
    assert all(written)


def test_sizes_that_change_run_as_they_came(written):
    found, expected = run(lambda np, a, row: ([np.concat([a, row], axis=0)], []), [np.ones((1, 2))], np.ones((3, 1, 2)))
    np.testing.assert_array_equal(found[0], expected[0])
    assert written == [None]


def test_another_size_is_another_loop(written):
    x, h = of(None, None, WIDTH), of(None, WIDTH)
    (end,), _ = fold_over(lambda c, row: ([xp.tanh(c + row)], []), [h], [x])
    call = Function([x, h], [end])
    for rows in (2, 5, 2):
        assert call([np.ones((4, rows, WIDTH)), np.zeros((rows, WIDTH))])[0].shape == (rows, WIDTH)
    assert len(written) == 2
    assert call([np.ones((9, 5, WIDTH)), np.zeros((5, WIDTH))])[0].shape == (5, WIDTH)
    assert len(written) == 2, "the number of steps is none of its sizes"


def test_small_products_are_left_to_one_thread(written, monkeypatch):
    held = []
    monkeypatch.setattr(loops.blas, "one_thread", lambda: held.append(1) or contextlib.nullcontext())
    x, h, w = of(5, 4, WIDTH), of(4, WIDTH), of(WIDTH, WIDTH)

    def times(size):
        monkeypatch.setattr(loops, "SMALL", size)
        (end,), _ = fold_over(lambda c, row: ([xp.tanh(xp.matmul(c, w) + row)], []), [h], [x])
        Function([x, h, w], [end])([np.ones(t.shape) for t in (x, h, w)])
        return len(held)

    assert times(0) == 0
    assert times(1 << 20) == 1


def test_what_was_written_is_forgotten_with_its_function():
    def sources():
        gc.collect()  # the function
        gc.collect()  # what was kept for it
        return {name for name in linecache.cache if name.startswith("<kbplug loop")}

    before = sources()
    x, h = of(5, WIDTH, WIDTH), of(WIDTH, WIDTH)
    (end,), _ = fold_over(lambda c, row: ([xp.sinh(c + row)], []), [h], [x])
    call = Function([x, h], [end])
    call([np.ones((5, WIDTH, WIDTH)), np.ones((WIDTH, WIDTH))])
    (name,) = sources() - before
    assert "sinh" in "".join(linecache.getlines(name))
    del call
    assert name not in sources()


def test_results_survive_later_calls_from_several_threads(written):
    x, h = of(7, 4, WIDTH), of(4, WIDTH)
    (end,), (seen, before) = fold_over(lambda c, row: ((new := [xp.tanh(c + row)]), [new[0] * 2.0, c]), [h], [x])
    call = Function([x, h], [end, seen, before])
    given = [[np.full((7, 4, WIDTH), k / 9), np.full((4, WIDTH), k / 3)] for k in range(4)]
    assert not spoilt(call, given, 50)
    assert written
