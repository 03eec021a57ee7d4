"""Placeholders, constants, what is known of tensors, and their values."""

import numpy as np
import pytest

import kbplug
from kbplug import backend as K
from kbplug.errors import ArgumentError, DTypeError, SymbolicError


@pytest.mark.parametrize(
    ("given", "shape"),
    [
        ({"shape": (2, None)}, (2, None)),
        ({"shape": [None, 3]}, (None, 3)),
        ({"shape": ()}, ()),
        ({"shape": 5}, (5,)),
        ({"ndim": 3}, (None, None, None)),
        ({"ndim": 0}, ()),
    ],
)
def test_placeholders(given, shape):
    x = K.placeholder(**given)
    assert (x.shape, K.int_shape(x), K.ndim(x), K.dtype(x)) == (shape, shape, len(shape), "float32")


def test_a_placeholder_needs_a_rank():
    with pytest.raises(ArgumentError, match="needs a shape or ndim"):
        K.placeholder()


@pytest.mark.parametrize("dtype", ["float64", np.float64, np.dtype("float64")])
def test_dtypes_in_any_form(dtype):
    assert K.placeholder((2,), dtype=dtype).dtype == K.constant(1, dtype=dtype).dtype == "float64"


@pytest.mark.parametrize("make", [K.variable, K.constant, K.ones_like, K.cast])
def test_unknown_dtypes_are_type_errors(make):
    with pytest.raises(TypeError, match="is not a dtype of kbplug"):
        make(1.0, dtype="unsupported")


@pytest.mark.parametrize(
    ("value", "dtype", "shape", "expected"),
    [
        (1, None, None, np.float32(1)),
        (1.5, "int32", None, np.int32(1)),
        ([[1, 2]], None, None, np.array([[1, 2]], "float32")),
        (2, "float64", (2, 2), np.full((2, 2), 2.0)),
        (2, None, [], np.float32(2)),
        ([1, 2, 3, 4], "int8", (2, 2), np.array([[1, 2], [3, 4]], "int8")),
        (np.arange(2.0), None, None, np.array([0, 1], "float32")),
        (1 + 2j, None, None, np.complex64(1 + 2j)),
        (True, "bool", (1,), np.array([True])),
    ],
)
def test_constants(value, dtype, shape, expected):
    found = K.constant(value, dtype, shape)
    assert (found.dtype, found.shape) == (expected.dtype.name, expected.shape)
    np.testing.assert_array_equal(K.eval(found), expected)


def test_a_constant_does_not_see_later_writes():
    data = np.ones(3, dtype="float32")
    x = K.constant(data)
    data[:] = 7
    assert K.eval(x).tolist() == [1.0] * 3


def test_a_constant_of_a_size_that_the_graph_computes():
    x = K.placeholder((None, 2))
    f = K.function([x], [K.constant(3, shape=(K.shape(x)[0], 2))])
    assert f([np.zeros((3, 2))])[0].tolist() == [[3.0, 3.0]] * 3


def test_an_imaginary_part_is_not_lost():
    with pytest.raises(DTypeError, match="take its real part first"):
        K.constant(1j, dtype="float32")


def test_likenesses():
    x = K.placeholder((None, 2), dtype="int32")
    f = K.function([x], [K.zeros_like(x), K.ones_like(x, dtype="float64")])
    zeros, ones = f([np.zeros((3, 2), dtype="int32")])
    assert (zeros.dtype, zeros.tolist()) == ("int32", [[0, 0]] * 3)
    assert (ones.dtype, ones.tolist()) == ("float64", [[1.0, 1.0]] * 3)


@pytest.mark.parametrize(
    ("x", "tensor", "variable", "placeholder", "symbolic"),
    [
        (lambda: K.placeholder((2,)), True, False, True, True),
        (lambda: K.placeholder((2,)) + 1, True, False, False, True),
        (lambda: K.variable(1.0), True, True, False, False),
        (lambda: K.constant(1.0), True, False, False, False),
        (lambda: np.ones(2), False, False, False, False),
        (lambda: [1.0], False, False, False, False),
        (object, False, False, False, False),
        (lambda: None, False, False, False, False),
    ],
)
def test_questions_take_any_object(x, tensor, variable, placeholder, symbolic):
    x = x()
    assert (K.is_tensor(x), K.is_variable(x), K.is_placeholder(x), K.is_symbolic(x)) == (
        tensor,
        variable,
        placeholder,
        symbolic,
    )


def test_keras_tensors_are_those_a_layer_made():
    x = K.placeholder((2,))
    assert not K.is_keras_tensor(x)
    x._keras_history = ()
    assert K.is_keras_tensor(x)
    with pytest.raises(ValueError, match="asked about tensors, but was given a ndarray"):
        K.is_keras_tensor(np.ones(2))


def test_a_layer_may_know_more_of_a_shape():
    x = K.placeholder((None, None))
    x._keras_shape = (None, 3)
    assert K.int_shape(x) == (None, 3)


def test_identity_is_a_new_handle():
    x = K.variable([1.0, 2.0])
    x._keras_history = ()
    y = K.identity(x, name="copy")
    assert (y.name, K.is_variable(y), K.is_keras_tensor(y)) == ("copy", False, False)
    assert K.eval(y).tolist() == [1.0, 2.0]


def test_sizes_known_and_unknown():
    x = K.placeholder((None, 3))
    assert K.eval(K.shape(K.zeros((2, 3)))).tolist() == [2, 3]
    assert int(K.size(K.zeros((2, 3)))) == 6
    found = K.function([x], [K.shape(x), K.size(x), K.shape(x)[0] * 2])([np.zeros((4, 3))])
    assert [f.tolist() for f in found] == [[4, 3], 12, 8]


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [(1.9, "int32", 1), (0, "bool", False), (True, "float32", 1.0), (2, np.float64, 2.0), (np.int8(3), "float16", 3.0)],
)
def test_casts(value, dtype, expected):
    found = K.cast(value, dtype)
    assert found.dtype == np.dtype(dtype).name
    assert K.eval(found) == expected


def test_a_cast_to_its_own_dtype_is_the_tensor():
    x = K.placeholder((2,))
    assert K.cast(x, "float32") is x


def test_eval_gives_what_may_be_written_to():
    x = K.constant([1.0, 2.0])
    K.eval(x)[0] = 9
    assert K.eval(x).tolist() == [1.0, 2.0]


def test_eval_of_what_has_no_value_yet():
    x = K.placeholder((2,))
    for tensor in (x, x + 1, K.update(K.variable([1.0, 2.0]), x)):
        with pytest.raises(SymbolicError, match="a placeholder stands below it"):
            K.eval(tensor)


@pytest.mark.parametrize("engine", ["numpy", "strict", "torch"])
def test_print_tensor_prints_alike_when_computed(capsys, engine):
    x = K.placeholder((1, 1))
    f = K.function([x], [K.print_tensor(x, "msg") * 2])
    assert capsys.readouterr().out == ""
    with kbplug.engine_scope(engine):
        assert f([[[1.0]]])[0].tolist() == [[2.0]]
        assert capsys.readouterr().out == "msg [[1.]]\n"
        K.eval(K.print_tensor(K.constant([[1.0]]), "then"))
    assert capsys.readouterr().out == "then [[1.]]\n"


def test_gradients_pass_through_what_is_printed(capsys):
    x = K.variable([1.0, 2.0])
    assert K.eval(K.gradients(K.sum(K.print_tensor(x) ** 2), [x])[0]).tolist() == [2.0, 4.0]
