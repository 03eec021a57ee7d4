"""Layout functions of K against PyTorch and NumPy, with sizes known, unknown and computed."""

import numpy as np
import pytest

from kbplug import backend as K
from kbplug.errors import ArgumentError, ShapeError

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda x: K.reshape(x, (6, 4)), lambda x: x.reshape(6, 4)),
        (lambda x: K.reshape(x, [-1, 2]), lambda x: x.reshape(-1, 2)),
        (lambda x: K.reshape(x, (K.shape(x)[0], -1)), lambda x: x.reshape(2, 12)),
        (K.flatten, torch.flatten),
        (K.batch_flatten, lambda x: x.flatten(1)),
        (lambda x: K.permute_dimensions(x, [2, 0, 1]), lambda x: x.permute(2, 0, 1)),
        (K.expand_dims, lambda x: x[..., None]),
        (lambda x: K.expand_dims(x, 1), lambda x: x[:, None]),
        (lambda x: K.squeeze(K.expand_dims(x, 1), 1), lambda x: x * 1),
        (lambda x: K.concatenate([x, x * 2]), lambda x: torch.cat([x, x * 2], -1)),
        (lambda x: K.concatenate([x, x * 2], axis=1), lambda x: torch.cat([x, x * 2], 1)),
        (lambda x: K.stack([x, x * 2]), lambda x: torch.stack([x, x * 2])),
        (lambda x: K.stack([x, x * 2], axis=-1), lambda x: torch.stack([x, x * 2], -1)),
        (lambda x: K.repeat_elements(x, 3, axis=1), lambda x: x.repeat_interleave(3, 1)),
        (lambda x: K.tile(x, 2), lambda x: x.tile(2)),
        (lambda x: K.tile(x, [2, 1, 3]), lambda x: x.tile(2, 1, 3)),
        (lambda x: K.tile(x, (2, 1, 1, 1)), lambda x: x.tile(2, 1, 1, 1)),
        (lambda x: K.tile(x, (K.shape(x)[0], 1, 2)), lambda x: x.tile(2, 1, 2)),
        (lambda x: K.tile(x, K.shape(x)), lambda x: x.tile(2, 3, 4)),
        (lambda x: K.reverse(x, 1), lambda x: x.flip(1)),
        (lambda x: K.reverse(x, [0, -1]), lambda x: x.flip(0, 2)),
        (lambda x: K.slice(x, (0, 1, 2), (2, 2, 1)), lambda x: x[0:2, 1:3, 2:3]),
        (lambda x: K.slice(x, [1, 0, 1], [1, -1, -1]), lambda x: x[1:2, :, 1:]),
        (
            lambda x: K.slice(x, K.constant([0, 1, 2], "int32"), K.constant([2, 2, 1], "int32")),
            lambda x: x[:, 1:3, 2:3],
        ),
        (lambda x: K.gather(x, [1, 0, 1]), lambda x: x[[1, 0, 1]]),
        (lambda x: K.gather(x, K.constant([[1, 0], [1, 1]], "int32")), lambda x: x[torch.tensor([[1, 0], [1, 1]])]),
    ],
)
def test_layouts(ours, theirs, agree, normal):
    agree(ours, theirs, normal(2, 3, 4))


def test_repeat(agree, normal):
    agree(lambda x: K.repeat(x, 5), lambda x: x[:, None, :].expand(2, 5, 3), normal(2, 3))
    agree(lambda x: K.repeat(x, K.shape(x)[1]), lambda x: x[:, None, :].expand(2, 3, 3), normal(2, 3))


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (K.batch_flatten, (None, 12)),
        (lambda x: K.reshape(x, (-1, 6)), (None, 6)),
        (lambda x: K.reshape(x, (K.shape(x)[0], 2, 6)), (None, 2, 6)),
        (lambda x: K.concatenate([x, x], axis=1), (None, 6, 4)),
        (lambda x: K.concatenate([x, x], axis=0), (None, 3, 4)),
        (lambda x: K.tile(x, (1, 2, 1)), (None, 6, 4)),
        (lambda x: K.repeat_elements(x, 2, 2), (None, 3, 8)),
        (lambda x: K.one_hot(K.cast(x, "int32"), 7), (None, 3, 4, 7)),
        (lambda x: K.slice(x, (0, 1, 0), (-1, 2, 4)), (None, 2, 4)),
        (lambda x: K.gather(x, [[0]]), (1, 1, 3, 4)),
        (lambda x: K.squeeze(x[:, :1], 1), (None, 4)),
    ],
)
def test_what_is_known_stays_known(make, shape):
    assert K.int_shape(make(K.placeholder((None, 3, 4)))) == shape


def test_batch_flatten_of_nothing_but_samples():
    assert K.batch_flatten(K.placeholder((None,))).shape == (None, 1)


@pytest.mark.parametrize(
    ("arguments", "options", "expected"),
    [
        ((4,), {}, np.arange(4, dtype="int32")),
        ((1, 8, 3), {}, np.arange(1, 8, 3, dtype="int32")),
        ((5, 1, -2), {"dtype": "int64"}, np.arange(5, 1, -2)),
        ((0, 1, 0.25), {"dtype": "float32"}, np.arange(0, 1, 0.25, dtype="float32")),
        ((-3,), {}, np.arange(0, dtype="int32")),
    ],
)
def test_arange(arguments, options, expected):
    found = K.arange(*arguments, **options)
    assert found.dtype == expected.dtype.name
    assert K.eval(found).tolist() == expected.tolist()


def test_arange_up_to_a_size():
    x = K.placeholder((None,))
    assert K.function([x], [K.arange(K.shape(x)[0])])([np.zeros(3)])[0].tolist() == [0, 1, 2]


def test_one_hot_takes_floatx_and_any_shape():
    found = K.one_hot(np.array([[0, 2], [5, -1]]), 3)
    assert found.dtype == "float32"
    assert K.eval(found).tolist() == [[[1, 0, 0], [0, 0, 1]], [[0, 0, 0], [0, 0, 0]]]


def test_indices_may_be_fed():
    table, places = K.variable(np.arange(6).reshape(3, 2)), K.placeholder((None, None), dtype="int32")
    picked = K.gather(table, places)
    slope = K.gradients(K.sum(picked), [table])[0]
    values, counts = K.function([places], [picked, slope])([[[0, 0], [2, 0]]])
    assert values.tolist() == [[[0, 1], [0, 1]], [[4, 5], [0, 1]]]
    assert counts.tolist() == [[3, 3], [0, 0], [1, 1]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: K.repeat(x, 2), ShapeError, "repeat needs a matrix"),
        (lambda x: K.slice(x, (0, 0), (1, 1)), ArgumentError, "a start and a size for each dimension"),
        (lambda x: K.squeeze(x, 1), ShapeError, "squeeze"),
        (lambda x: K.pattern_broadcast(x, (True, False, False)), ShapeError, "whose size is not 1"),
        (lambda x: K.reshape(x, (5, 5)), ShapeError, "reshape"),
        (lambda x: K.reshape(x, (2.9, -1)), ArgumentError, "A size must be a whole number, not 2.9"),
        (lambda x: K.zeros((2.7, 3)), ArgumentError, "A size must be a whole number, not 2.7"),
        (lambda x: K.zeros("ab"), ArgumentError, "A size must be a whole number, not 'ab'"),
        (lambda x: K.tile(x, (1.9, 1, 1)), ArgumentError, "tile needs repetitions that are whole numbers"),
        (lambda x: K.sum(x, axis={}), ArgumentError, "A parameter is a number, .*, not {}"),
        (lambda x: K.concatenate([x, K.zeros((2, 3, 5))], axis=0), ShapeError, "concat"),
    ],
)
def test_what_cannot_be_meant(call, error, message):
    with pytest.raises(error, match=message):
        call(K.zeros((2, 3, 4)))


def test_pattern_broadcast_is_the_tensor():
    x = K.placeholder((1, None))
    assert K.pattern_broadcast(x, (True, True)) is x
