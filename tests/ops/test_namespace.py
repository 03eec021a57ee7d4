"""The namespace holds every name of the standard, called as the standard calls it."""

import inspect
import math
from pathlib import Path

import numpy as np
import pytest

from kbplug.errors import ArgumentError, DTypeError, ShapeError
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.runtime.function import Function

TABLE = Path(__file__).parents[1] / "data" / "array-api-2025.12.txt"
CALLS = [line for line in TABLE.read_text().splitlines() if not line.startswith("#")]
DTYPES = [
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64", "complex64", "complex128"),
]


def found(name):
    """Return what a dotted name is in the namespace; ``f().g`` is an attribute of what ``f`` returns."""
    place = xp
    for part in name.split("."):
        place = getattr(place, part.removesuffix("()"))
        place = place() if part.endswith("()") else place
    return place


@pytest.mark.parametrize("call", CALLS)
def test_every_function_of_the_standard_is_called_as_there(call):
    name = call[: call.rindex("(")]
    signature = inspect.signature(found(name))
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    assert name + str(inspect.Signature(bare)) == call


def test_every_constant_and_dtype_is_there():
    assert (xp.e, xp.pi, xp.inf, xp.newaxis) == (math.e, math.pi, math.inf, None)
    assert math.isnan(xp.nan)
    assert [getattr(xp, name) for name in DTYPES] == DTYPES
    assert xp.__array_api_version__ == "2025.12"


def test_an_unknown_name_is_no_attribute():
    with pytest.raises(AttributeError, match="no function 'frobnicate'"):
        xp.frobnicate  # noqa: B018


def value(tensor):
    return Function([], [tensor])([])[0]


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda: xp.zeros((2, 3)), np.zeros((2, 3))),
        (lambda: xp.zeros(2, dtype="bool"), np.zeros(2, bool)),
        (lambda: xp.ones((2,), dtype="complex64"), np.ones(2, "complex64")),
        (lambda: xp.full((2,), 7), np.full(2, 7)),
        (lambda: xp.full((), 2.5, dtype="float32"), np.float32(2.5)),
        (lambda: xp.full_like(xp.zeros((2,), dtype="int8"), 3), np.full(2, 3, "int8")),
        (lambda: xp.ones_like(xp.zeros((1, 2)), dtype="uint8"), np.ones((1, 2), "uint8")),
        (lambda: xp.empty((2, 0)), np.zeros((2, 0))),
        (lambda: xp.arange(5), np.arange(5)),
        (lambda: xp.arange(5, 1, -2), np.arange(5, 1, -2)),
        (lambda: xp.arange(3, 1), np.arange(0)),
        (lambda: xp.arange(0, 0.3, 0.1), np.arange(3) * 0.1),
        (lambda: xp.arange(1.0, 2.5), np.array([1.0, 2.0])),
        (lambda: xp.arange(4, dtype="float32"), np.arange(4, dtype="float32")),
        (lambda: xp.arange(xp.asarray(2), 9, xp.asarray(3)), np.arange(2, 9, 3)),
        (lambda: xp.arange(xp.asarray(0.5), 2.5, 0.5), np.arange(0.5, 2.5, 0.5)),
        (lambda: xp.eye(2), np.eye(2)),
        (lambda: xp.eye(2, 3, k=1, dtype="int64"), np.eye(2, 3, 1, "int64")),
        (lambda: xp.linspace(0, 1, 5), np.linspace(0, 1, 5)),
        (lambda: xp.linspace(0, 1, 4, endpoint=False, dtype="float32"), np.linspace(0, 1, 4, False, dtype="float32")),
        (lambda: xp.linspace(1j, 2, 3), np.linspace(1j, 2, 3)),
        (lambda: xp.linspace(2.0, 3.0, 1), np.array([2.0])),
        (lambda: xp.asarray([[1, 2], [3, 4]]), np.array([[1, 2], [3, 4]])),
        (lambda: xp.asarray([True, False], dtype="float64"), np.array([1.0, 0.0])),
        (lambda: xp.asarray([xp.asarray(1.5), xp.asarray(2.5)]), np.array([1.5, 2.5])),
        (lambda: xp.astype(xp.asarray([1.7]), xp.int64), np.array([1])),
    ],
)
def test_creation(build, expected):
    result = value(build())
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result, expected, rtol=1e-15)


def test_arrays_of_unknown_sizes_are_made_when_run():
    x = Tensor(placeholder(Spec((None, 3), "float64")))
    n = xp.shape(x)[0]
    made = [xp.arange(n), xp.arange(1, n), xp.arange(n, 0, -1), xp.eye(n, 2), xp.zeros((n, 2)), xp.ones_like(x)]
    assert [t.shape for t in made] == [(None,), (None,), (None,), (None, 2), (None, 2), (None, 3)]
    run = Function([x], made)
    for rows in (0, 1, 4):
        arrays = [np.arange(rows), np.arange(1, rows), np.arange(rows, 0, -1)]
        expected = [*arrays, np.eye(rows, 2), np.zeros((rows, 2)), np.ones((rows, 3))]
        for a, b in zip(run([np.zeros((rows, 3))]), expected, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_copy_is_another_handle():
    x = xp.asarray([1.0, 2.0])
    y, same = xp.asarray(x, copy=True), xp.asarray(x)
    y[0] = 5.0
    assert same is x
    assert value(x).tolist() == [1.0, 2.0]


def test_an_object_with_dlpack_alone_becomes_a_tensor():
    class Foreign:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **options):
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    given = np.array([1.5, 2.5], dtype="float32")
    result = value(xp.from_dlpack(Foreign(given)))
    assert (result.dtype, result.tolist()) == (np.float32, [1.5, 2.5])


@pytest.mark.parametrize(
    ("build", "error", "said"),
    [
        (lambda: xp.arange(1, 5, 0), ArgumentError, "step other than 0"),
        (lambda: xp.arange(5, dtype="int31"), DTypeError, "Did you mean 'int32'"),
        (lambda: xp.meshgrid(xp.zeros(2), indexing="yx"), ArgumentError, "not 'yx'"),
        (lambda: xp.asarray(2.5, dtype="int64"), DTypeError, "does not fit int64"),
        (lambda: xp.zeros((-1,)), ShapeError, "non-negative"),
        (lambda: xp.eye(-1), ShapeError, "non-negative"),
    ],
)
def test_what_is_refused(build, error, said):
    with pytest.raises(error, match=said):
        build()
