"""Random draws: the portable generator against its published answers, distributions, and the life of a stream."""

import numpy as np
import pytest
from scipy import stats

import kbplug
from kbplug.config import set_rng
from kbplug.errors import ShapeError
from kbplug.graph.tensor import Tensor
from kbplug.ops import lookup
from kbplug.ops.random import shuffled, threefry, words
from kbplug.runtime import values
from kbplug.runtime.cells import Update, Variable
from kbplug.runtime.function import Function
from kbplug.runtime.streams import stream


@pytest.fixture(params=["native", "portable"])
def rng(request):
    set_rng(request.param)
    return request.param


@pytest.mark.parametrize(
    ("key", "count", "words"),
    [
        # Known answers for 20 rounds, as Random123 publishes them.
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_threefry_gives_the_published_words(key, count, words):
    found = threefry(np, np.array(key), np.array(count)[:, None])
    assert tuple(int(w) for w in found[:, 0]) == words


def draw(name, shape=(20_000,), seed=11, dtype="float64", **params):
    return Function([], [lookup(name)(stream(seed), shape=shape, dtype=dtype, **params)])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "distribution"),
    [
        ("random.uniform", stats.uniform()),
        ("random.normal", stats.norm()),
        ("random.truncated_normal", stats.truncnorm(-2, 2)),
    ],
)
def test_draws_follow_their_distribution(rng, name, distribution, dtype):
    (found,) = draw(name, dtype=dtype)([])
    assert found.dtype == dtype
    assert stats.kstest(found, distribution.cdf).pvalue > 1e-3


def test_uniform_never_reaches_one_and_integers_keep_their_bounds(rng):
    (found,) = draw("random.uniform", dtype="float32")([])
    assert found.min() >= 0
    assert found.max() < 1
    (whole,) = draw("random.integers", dtype="int32", low=-2, high=5)([])
    assert set(whole.tolist()) == set(range(-2, 5))
    assert stats.chisquare(np.bincount(whole + 2)).pvalue > 1e-3


def test_each_call_draws_anew_and_a_seed_repeats_the_sequence(rng):
    first, again, other = draw("random.normal", (4,)), draw("random.normal", (4,)), draw("random.normal", (4,), seed=12)
    calls = [first([])[0] for _ in range(3)]
    assert len({tuple(c) for c in calls}) == 3
    np.testing.assert_array_equal(calls, [again([])[0] for _ in range(3)])
    assert not np.array_equal(calls[0], other([])[0])


def test_a_state_splits_into_streams_that_meet_neither_it_nor_its_next_calls():
    state = Function([], [stream(3)])([])[0]
    later = [state + np.array([0, 0, i]) for i in range(4)]
    split = lookup("random.split")
    rows = [*later, *(row for s in later for row in Function([], [split(s, shape=(50,))])([])[0])]
    drawn = {tuple(words(np, row, shape=(4,)).tolist()) for row in rows}
    assert len(drawn) == len(rows) == 4 + 200
    with pytest.raises(ShapeError, match="has one size, not 2"):
        split(state, shape=(2, 2))


def test_numpys_seed_makes_unseeded_draws_reproducible():
    def run():
        np.random.seed(5)
        return draw("random.uniform", (3,), seed=None)([])[0]

    np.testing.assert_array_equal(run(), run())


def test_unseeded_streams_move_numpys_generator_as_keras_does_and_never_meet():
    np.random.seed(5)
    expected = [np.random.randint(10e6) for _ in range(3000)], np.random.random()  # as each of Keras's backends asks
    np.random.seed(5)
    seeds = [values.fresh_seed() for _ in range(3000)]
    assert ([s & 0xFFFFFFFF for s in seeds], np.random.random()) == expected
    assert len(set(seeds)) == 3000


def test_portable_numbers_are_equal_on_every_engine():
    set_rng("portable")
    found = {}
    for name in ("numpy", "strict"):
        with kbplug.engine_scope(name):
            found[name] = [draw(d, (7,))([])[0] for d in ("random.uniform", "random.normal", "random.truncated_normal")]
    np.testing.assert_allclose(found["numpy"], found["strict"], rtol=1e-14)


def test_one_draw_is_one_value_within_a_call_and_its_gradient():
    from kbplug.autodiff import gradients
    from kbplug.graph.node import placeholder
    from kbplug.graph.spec import Spec

    x = Tensor(placeholder(Spec((5,), "float64")))
    noise = lookup("random.uniform")(stream(3), shape=(5,), dtype="float64")
    (slope,) = gradients(lookup("sum")(x * noise), [x])
    drawn, found = Function([x], [noise, slope])([np.ones(5)])
    np.testing.assert_array_equal(drawn, found)


def test_a_shape_known_only_when_run():
    from kbplug.graph.node import placeholder
    from kbplug.graph.spec import Spec
    from kbplug.ops.sizes import shape_of

    x = Tensor(placeholder(Spec((None, 2), "float32")))
    rows, _ = shape_of(x)
    noise = lookup("random.normal")(stream(3), rows, shape=(None, 2), dtype="float32")
    call = Function([x], [noise])
    assert call([np.ones((3, 2), "float32")])[0].shape == (3, 2)
    assert call([np.ones((6, 2), "float32")])[0].shape == (6, 2)


def test_a_shuffle_holds_every_index_once(rng):
    (order,) = Function([], [shuffled(stream(1), 50)])([])
    assert sorted(order.tolist()) == list(range(50))
    assert order.tolist() != list(range(50))


def test_a_draw_wants_the_state_of_a_stream():
    with pytest.raises(ShapeError, match=r"needs the state of a stream, int64\[3\], not float64\[2\]"):
        lookup("random.uniform")([1.0, 2.0], shape=(2,), dtype="float32")


def test_a_stream_moves_on_only_when_a_call_succeeds():
    noise = lookup("random.uniform")(state := stream(3), shape=(2,), dtype="float64")
    assert isinstance(state, Variable)
    broken = Function([], [noise], [Update(state, lookup("random.advance")(state))])
    before = state.cell.get()
    broken([])
    assert state.cell.get()[2] == before[2] + 1
