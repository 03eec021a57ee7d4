"""Random tensors of K: moments and ranges, seeds, streams, and what dropout keeps."""

import numpy as np
import pytest
from scipy import stats

from kbplug import backend as K
from kbplug import config
from kbplug.errors import ArgumentError

N = (200, 100)

DISTRIBUTIONS = {
    "normal": (lambda **o: K.random_normal(N, 2, 0.5, **o), stats.norm(2, 0.5)),
    "uniform": (lambda **o: K.random_uniform(N, -1, 3, **o), stats.uniform(-1, 4)),
    "truncated": (lambda **o: K.truncated_normal(N, 2, 0.5, **o), stats.truncnorm(-2, 2, 2, 0.5)),
}


@pytest.fixture(params=["native", "portable"])
def rng(request):
    config.set_rng(request.param)


@pytest.mark.usefixtures("rng")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_distributions(name, dtype):
    draw, wanted = DISTRIBUTIONS[name]
    x = K.eval(draw(dtype=dtype, seed=3))
    assert (x.dtype, x.shape) == (dtype, N)
    assert stats.kstest(x.ravel(), wanted.cdf).pvalue > 1e-3
    low, high = wanted.support()
    assert (x >= low).all()
    assert (x <= high).all()


@pytest.mark.usefixtures("rng")
def test_integers():
    x = K.eval(K.random_uniform(N, 2, 6, dtype="int32", seed=3))
    assert x.dtype == "int32"
    values, counts = np.unique(x, return_counts=True)
    assert values.tolist() == [2, 3, 4, 5]
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.usefixtures("rng")
@pytest.mark.parametrize("draw", [K.random_binomial, K.random_bernoulli])
def test_coins(draw):
    x = K.eval(draw(N, 0.3, dtype="int8", seed=3))
    assert (x.dtype, set(np.unique(x))) == ("int8", {0, 1})
    assert stats.binomtest(int(x.sum()), x.size, 0.3).pvalue > 1e-3


def test_parameters_may_be_tensors_and_do_not_widen():
    x = K.random_normal((2, 3), mean=np.array([[0.0], [100.0]]), stddev=K.constant(0.1))
    assert (x.dtype, (K.eval(x) > 50).tolist()) == ("float32", [[False] * 3, [True] * 3])


def test_a_seed_makes_draws_reproducible():
    first, again = (K.eval(K.random_uniform((4,), seed=5)) for _ in range(2))
    assert first.tolist() == again.tolist()
    np.random.seed(0)
    first = K.eval(K.random_uniform((4,)))
    np.random.seed(0)
    assert K.eval(K.random_uniform((4,))).tolist() == first.tolist()


def test_each_run_draws_anew_and_each_call_has_a_stream_of_its_own():
    a, b = K.random_uniform((4,)), K.random_uniform((4,))
    f = K.function([], [a, b, a])
    first, second = f([]), f([])
    assert first[0].tolist() == first[2].tolist() != first[1].tolist()
    assert first[0].tolist() != second[0].tolist()


def test_shapes_the_graph_computes():
    x = K.placeholder((None, 2))
    f = K.function([x], [K.random_uniform(K.shape(x)), K.random_normal((K.shape(x)[0], 3))])
    assert [r.shape for r in f([np.ones((5, 2))])] == [(5, 2), (5, 3)]


@pytest.mark.usefixtures("rng")
def test_dropout_keeps_a_fraction_and_the_expected_sum():
    x = K.eval(K.dropout(K.ones(N), 0.25, seed=3))
    values, counts = np.unique(x, return_counts=True)
    np.testing.assert_allclose(values, [0, 4 / 3], rtol=1e-6)
    assert stats.binomtest(int(counts[0]), x.size, 0.25).pvalue > 1e-3


@pytest.mark.parametrize("shape", [(5, 1, 4), [5, 1, 4], (None, 1, 4)])
def test_dropout_decides_in_the_shape_of_its_noise(shape):
    x = K.eval(K.dropout(K.ones((5, 3, 4)), 0.5, noise_shape=shape, seed=3))
    assert (x == x[:, :1]).all()
    assert set(x.ravel().tolist()) == {0.0, 2.0}


def test_dropout_of_what_is_not_finite_drops_it():
    x = K.eval(K.dropout(K.constant(np.full(100, np.inf)), 0.5, seed=3))
    assert set(x.tolist()) == {0.0, np.inf}


def test_gradients_of_dropout_are_its_mask():
    x = K.variable(np.ones(50))
    y = K.dropout(x, 0.5)
    found, slope = K.function([], [y, K.gradients(y, [x])[0]])([])
    assert found.tolist() == slope.tolist()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: K.dropout(K.ones((2,)), 1.0), "must be from 0 up to but without 1"),
        (lambda: K.dropout(K.ones((2,)), -0.1), "must be from 0"),
        (lambda: K.random_normal((2,), seed=1.9), "A seed must be a whole number, not 1.9"),
        (lambda: K.dropout(K.ones((2,), dtype="int32"), 0.5), "needs real floating-point numbers"),
    ],
)
def test_what_cannot_be_meant(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()


def test_dropping_nothing_is_the_tensor():
    x = K.placeholder((2,))
    assert K.dropout(x, 0.0) is x
