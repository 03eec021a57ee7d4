"""What is told about dtypes and shapes, beside what NumPy and array-api-strict tell."""

import itertools

import array_api_strict
import numpy as np
import pytest

from kbplug.errors import ArgumentError, DTypeError, ShapeError
from kbplug.ops.namespace import namespace as xp

STANDARD = list(array_api_strict.__array_namespace_info__().dtypes())
KINDS = [
    "bool",
    "signed integer",
    "unsigned integer",
    "integral",
    "real floating",
    "complex floating",
    "numeric",
]


@pytest.mark.parametrize("name", ["float16", "float32", "float64", "complex64", "complex128"])
def test_limits_of_floats_are_numpys(name):
    ours, theirs = xp.finfo(name), np.finfo(name)
    for key in ("bits", "eps", "max", "min", "smallest_normal"):
        assert getattr(ours, key) == getattr(theirs, key)
    assert ours.dtype == theirs.dtype.name


def test_limits_of_bfloat16_are_pytorchs():
    torch = pytest.importorskip("torch")
    ours, theirs = xp.finfo("bfloat16"), torch.finfo(torch.bfloat16)
    for key in ("bits", "eps", "max", "min", "smallest_normal"):
        assert getattr(ours, key) == getattr(theirs, key)


@pytest.mark.parametrize("name", [n for n in STANDARD if "int" in n])
def test_limits_of_integers_are_numpys(name):
    ours, theirs = xp.iinfo(xp.zeros(1, dtype=name)), np.iinfo(name)
    assert (ours.bits, ours.max, ours.min, ours.dtype) == (theirs.bits, theirs.max, theirs.min, name)


@pytest.mark.parametrize("name", STANDARD)
def test_kinds_are_the_standards(name):
    theirs = getattr(array_api_strict, name)
    assert [xp.isdtype(name, k) for k in KINDS] == [array_api_strict.isdtype(theirs, k) for k in KINDS]
    assert xp.isdtype(name, name)
    assert xp.isdtype(name, ("bool", "numeric"))
    assert set(xp.__array_namespace_info__().dtypes(kind="integral")) == {n for n in STANDARD if "int" in n}


@pytest.mark.parametrize(("a", "b"), list(itertools.product(STANDARD, repeat=2)))
def test_promotion_is_the_standards_where_that_has_one(a, b):
    try:
        expected = str(array_api_strict.result_type(getattr(array_api_strict, a), getattr(array_api_strict, b)))
    except TypeError:
        return  # mixed kinds: kbplug's own table, tested beside it
    assert xp.result_type(a, b) == expected.rsplit(".", 1)[-1]
    assert xp.can_cast(a, b) is (xp.result_type(a, b) == b)


def test_scalars_are_weak_in_result_type():
    assert xp.result_type("float32", 1.5) == "float32"
    assert xp.result_type(xp.zeros(2, dtype="float32"), 1j) == "complex64"
    assert xp.result_type(1, True) == "int64"
    assert not xp.can_cast("uint64", "int64")


def test_shapes_broadcast_with_unknown_sizes():
    assert xp.broadcast_shapes((2, 1), (3,), (None, 1, 1)) == (None, 2, 3)
    assert xp.broadcast_shapes() == ()


@pytest.mark.parametrize(
    ("build", "error", "said"),
    [
        (lambda: xp.finfo("int32"), DTypeError, "use iinfo"),
        (lambda: xp.iinfo("float32"), DTypeError, "use finfo"),
        (lambda: xp.isdtype("int32", "signed integers"), ArgumentError, "Did you mean 'signed integer'"),
        (xp.result_type, ArgumentError, "at least one"),
        (lambda: xp.broadcast_shapes((2,), (3,)), ShapeError, "do not broadcast"),
    ],
)
def test_what_is_refused(build, error, said):
    with pytest.raises(error, match=said):
        build()
