"""Activations and normalisations of K against PyTorch; conventions at kinks."""

import numpy as np
import pytest

from kbplug import backend as K
from kbplug.errors import ShapeError

torch = pytest.importorskip("torch")
functional = torch.nn.functional

ACTIVATIONS = {
    "relu": functional.relu,
    "elu": functional.elu,
    "softmax": lambda x: functional.softmax(x, dim=-1),
    "softplus": functional.softplus,
    "softsign": functional.softsign,
    "sigmoid": torch.sigmoid,
    "hard_sigmoid": lambda x: torch.clip(0.2 * x + 0.5, 0, 1),
    "tanh": torch.tanh,
}


@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4), (0, 2)], ids=str)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name, shape, agree, normal):
    agree(getattr(K, name), ACTIVATIONS[name], 3 * normal(*shape))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_do_not_overflow(name):
    far = K.constant([-1000.0, 1000.0])
    assert np.isfinite(K.eval(getattr(K, name)(far))).all()
    assert np.isfinite(K.eval(K.gradients(getattr(K, name)(far), [far])[0])).all()


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax_over_an_axis(axis, agree, normal):
    agree(lambda x: K.softmax(x, axis), lambda x: functional.softmax(x, dim=axis), normal(2, 3, 4))


def test_elu_with_another_slope(agree, normal):
    agree(lambda x: K.elu(x, 0.3), lambda x: functional.elu(x, 0.3), normal(3, 4))
    agree(lambda x: K.elu(x, np.array(0.3)), lambda x: functional.elu(x, 0.3), normal(3, 4))


@pytest.mark.parametrize("threshold", [0.0, 0.3, -0.2])
@pytest.mark.parametrize("max_value", [None, 0.8])
@pytest.mark.parametrize("alpha", [0.0, 0.2])
def test_rectifiers(alpha, max_value, threshold, agree, normal):
    def theirs(x):
        above = x if max_value is None else torch.clip(x, 0, max_value)
        return torch.where(x >= threshold, above, alpha * (x - threshold))

    agree(lambda x: K.relu(x, alpha, max_value, threshold), theirs, normal(4, 5))


def test_rectifiers_take_0_d_arrays_without_widening():
    x = K.constant([-2.0, 0.5])
    found = K.relu(x, alpha=np.array(0.5), max_value=np.float64(0.25), threshold=np.array(0.0))
    assert found.dtype == "float32"
    assert K.eval(found).tolist() == [-1.0, 0.25]


def test_the_slope_of_a_rectifier_at_0():
    x = K.variable([0.0])
    assert float(K.gradients(K.relu(x), [x])[0][0]) == 0.0
    assert float(K.gradients(K.relu(x, alpha=0.25), [x])[0][0]) == 0.25


def test_nan_stays():
    assert np.isnan(K.eval(K.relu([np.nan]))).all()


@pytest.mark.parametrize("axis", [None, 0, -1])
def test_l2_normalize(axis, agree, normal):
    def theirs(x):
        return x / torch.sqrt(torch.sum(x * x, dim=(0, 1) if axis is None else axis, keepdim=True))

    agree(lambda x: K.l2_normalize(x, axis), theirs, normal(3, 4))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_l2_normalize_of_zeros(dtype):
    x = K.zeros((3,), dtype=dtype)
    assert K.eval(K.l2_normalize(x)).tolist() == [0.0] * 3
    assert np.isfinite(K.eval(K.gradients(K.l2_normalize(x), [x])[0])).all()


def test_in_top_k():
    scores = [[0.1, 0.4, 0.2, 0.3], [0.5, 0.5, 0.0, 0.0], [0.1, np.nan, 0.3, 0.2]]
    for k, expected in [(0, [0, 0, 0]), (1, [0, 1, 0]), (2, [1, 1, 0]), (9, [1, 1, 0])]:
        assert K.eval(K.in_top_k(scores, [3, 1, 1], k)).tolist() == list(map(bool, expected))


def test_classes_that_do_not_exist_are_never_in_top_k():
    assert K.eval(K.in_top_k([[0.1, 0.9]] * 2, [-1, 2], 5)).tolist() == [False, False]


@pytest.mark.parametrize(("axis", "vector"), [(-1, 4), (1, 3), (3, 4)])
def test_batch_normalization_of_vectors(axis, vector, agree, normal):
    shape = [1] * 4
    shape[axis] = vector

    def theirs(x, mean, var, beta, gamma):
        mean, var, beta, gamma = (p.reshape(shape) for p in (mean, var, beta, gamma))
        return gamma * (x - mean) / torch.sqrt(var + 1e-2) + beta

    arrays = [normal(2, 3, 5, 4), normal(vector), np.abs(normal(vector)), normal(vector), normal(vector)]
    agree(lambda *a: K.batch_normalization(*a, axis=axis, epsilon=1e-2), theirs, *arrays, rtol=1e-8)


def test_batch_normalization_without_scale_and_shift(agree, normal):
    arrays = normal(2, 3), normal(3), np.abs(normal(3))
    agree(
        lambda x, mean, var: K.batch_normalization(x, mean, var, None, None, epsilon=1e-2),
        lambda x, mean, var: (x - mean) / torch.sqrt(var + 1e-2),
        *arrays,
    )


@pytest.mark.parametrize("scaled", [False, True])
def test_normalize_batch_in_training(scaled, agree, normal):
    x, gamma, beta = normal(2, 3, 5), normal(3), normal(3)

    def ours(x, *rest):
        given = rest if scaled else (None, None)
        return K.normalize_batch_in_training(x, *given, reduction_axes=[0, 2], epsilon=1e-2)[0]

    def theirs(x, *rest):
        return functional.batch_norm(x, None, None, *(rest if scaled else (None, None)), training=True, eps=1e-2)

    agree(ours, theirs, *([x, gamma, beta] if scaled else [x]), rtol=1e-7, atol=1e-10)


def test_statistics_of_a_batch(normal):
    x = normal(2, 3, 5)
    _, mean, var = K.normalize_batch_in_training(x, None, None, [0, 2])
    np.testing.assert_allclose(K.eval(mean), x.mean((0, 2)), rtol=1e-12)
    np.testing.assert_allclose(K.eval(var), x.var((0, 2)), rtol=1e-12)


@pytest.mark.parametrize("spatial", [0, 1, 2, 3])
def test_bias_add(spatial, agree, normal):
    places = (3, 5, 2)[:spatial]
    last, first = (2, *places, 4), (2, 4, *places)
    agree(lambda x, b: K.bias_add(x, b, "channels_last"), torch.add, normal(*last), normal(4))
    agree(
        lambda x, b: K.bias_add(x, b, "channels_first"),
        lambda x, b: x + b.reshape(4, *[1] * spatial),
        normal(*first),
        normal(4),
    )


def test_a_bias_for_each_place_is_laid_out_anew_for_channels_first(agree, normal):
    agree(
        lambda x, b: K.bias_add(x, b, "channels_first"),
        lambda x, b: x + b.reshape(4, 3, 5),
        normal(2, 4, 3, 5),
        normal(3, 5, 4),
    )


def test_bias_add_refuses():
    with pytest.raises(ShapeError, match="needs 1 or 3 dimensions, not 2"):
        K.bias_add(K.zeros((1, 2, 3, 4)), K.zeros((3, 4)))
    with pytest.raises(ValueError, match="must be 'channels_last' or 'channels_first'"):
        K.bias_add(K.zeros((1, 2, 3, 4)), K.zeros((4,)), data_format="channels_middle")
