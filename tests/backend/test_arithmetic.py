"""Elementwise functions of K against PyTorch, and where Keras differs from the field."""

from operator import add, mul, sub, truediv

import numpy as np
import pytest

from kbplug import backend as K

torch = pytest.importorskip("torch")

UNARY = {
    "abs": torch.abs,
    "square": torch.square,
    "exp": torch.exp,
    "sign": torch.sign,
    "round": torch.round,
    "sin": torch.sin,
    "cos": torch.cos,
}


BINARY = {
    **{name: (getattr(K, name), getattr(torch, name)) for name in ("maximum", "minimum", "pow")},
    **{symbol.__name__: (symbol, symbol) for symbol in (add, mul, sub, truediv)},
}
SHAPES = [(), (5,), (3, 4), (2, 1, 3), (0, 2)]
PAIRS = [((3, 4), (4,)), ((3, 4), ()), ((2, 1, 3), (4, 1)), ((1,), (2, 3)), ((3, 4), (3, 4))]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_tensor(name, shape, agree, normal):
    agree(getattr(K, name), UNARY[name], normal(*shape))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", ["sqrt", "log"])
def test_functions_of_positive_numbers(name, shape, agree, normal):
    agree(getattr(K, name), getattr(torch, name), np.abs(normal(*shape)) + 0.1)


@pytest.mark.parametrize("shapes", PAIRS, ids=str)
@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two_tensors(name, shapes, agree, normal):
    agree(*BINARY[name], np.abs(normal(*shapes[0])) + 0.1, 0.5 + np.abs(normal(*shapes[1])))


def test_roots_of_negative_numbers_are_0_and_flat():
    x = K.variable([-1.0, 0.0, 4.0])
    assert K.eval(K.sqrt(x)).tolist() == [0.0, 0.0, 2.0]
    assert K.eval(K.gradients(K.sum(K.sqrt(x)), [x])[0]).tolist() == [0.0, np.inf, 0.25]


def test_ties_share_the_gradient():
    x, y = K.variable(2.0), K.variable(2.0)
    assert [float(g) for g in K.gradients(K.maximum(x, y), [x, y])] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(-1, 1, [-1, 0, 1]), (None, 1, [-2, 0, 1]), (-1, None, [-1, 0, 2]), (1, -1, [1, 1, 1]), (None, None, [-2, 0, 2])],
)
def test_clip(low, high, expected):
    assert K.eval(K.clip(K.constant([-2.0, 0.0, 2.0]), low, high)).tolist() == expected


def test_clip_by_tensors(agree, normal):
    agree(K.clip, torch.clip, normal(3, 4), -np.abs(normal(4)), np.abs(normal(3, 1)))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("equal", [False, True, False]),
        ("not_equal", [True, False, True]),
        ("less", [True, False, False]),
        ("less_equal", [True, True, False]),
        ("greater", [False, False, True]),
        ("greater_equal", [False, True, True]),
    ],
)
def test_comparisons(name, expected):
    compared = getattr(K, name)(K.constant([1.0, 2.0, 3.0]), np.float32(2.0))
    assert compared.dtype == "bool"
    assert K.eval(compared).tolist() == expected


def test_scalars_and_lists_do_not_widen():
    x = K.constant([1.0, 2.0])
    assert [K.maximum(x, 2.0).dtype, K.maximum(x, [2.0, 3.0]).dtype, K.pow(x, 2).dtype] == ["float32"] * 3


def test_integers_take_floatx():
    assert K.exp(K.constant([1, 2], dtype="int32")).dtype == "float32"


def test_an_array_times_a_tensor_is_a_tensor():
    product = np.array([1.0, 2.0], dtype="float32") * K.variable([3.0, 4.0])
    assert K.is_tensor(product)
    assert K.eval(product).tolist() == [3.0, 8.0]
