"""The promotion table: the standard's where it speaks, kbplug's own where it is silent."""

import itertools
import math

import array_api_strict as strict
import numpy as np
import pytest

from kbplug.dtypes import (
    ALL,
    COMPLEX,
    FLOATING,
    INTEGER,
    REAL_FLOATING,
    bits,
    check_dtype,
    complex_of,
    default_for,
    is_floating,
    join_scalar,
    kind,
    nearest,
    promote,
    rank,
    real_of,
    result_type,
)
from kbplug.errors import DTypeError

STANDARD = [d for d in ALL if d not in ("float16", "bfloat16")]


def standards(a, b):
    """Return what the standard promotes two dtypes to, or None where it does not say."""
    try:
        return str(strict.result_type(getattr(strict, a), getattr(strict, b))).removeprefix("array_api_strict.")
    except TypeError:
        return None


@pytest.mark.parametrize(("a", "b"), list(itertools.product(STANDARD, STANDARD)))
def test_where_the_standard_speaks_it_is_followed(a, b):
    expected = standards(a, b)
    if expected is not None:
        assert promote(a, b) == expected


@pytest.mark.parametrize(("a", "b"), list(itertools.product(ALL, ALL)))
def test_the_table_is_symmetric_and_every_pair_stands_in_it(a, b):
    if "uint64" in (a, b) and "int" in (kind(a), kind(b)):
        with pytest.raises(DTypeError, match=f"uint64 and {a if b == 'uint64' else b} have no common dtype"):
            promote(a, b)
    else:
        assert promote(a, b) == promote(b, a)
        assert rank(promote(a, b)) == max(rank(a), rank(b))


@pytest.mark.parametrize(("integer", "floating"), list(itertools.product(INTEGER, FLOATING)))
def test_an_integer_with_a_float_gives_that_float(integer, floating):
    assert promote(integer, floating) == floating


@pytest.mark.parametrize("dtype", ALL)
def test_a_boolean_gives_way(dtype):
    assert promote("bool", dtype) == dtype


@pytest.mark.parametrize(("a", "b"), list(itertools.product(REAL_FLOATING, COMPLEX)))
def test_a_real_with_a_complex_keeps_the_precision(a, b):
    assert promote(a, b) == ("complex128" if a == "float64" else b)


def test_half_precisions_meet_in_single():
    assert promote("float16", "bfloat16") == "float32"


@pytest.mark.parametrize(("a", "b", "c"), list(itertools.combinations(STANDARD, 3)))
def test_the_order_of_promotion_does_not_matter(a, b, c):
    found = set()
    for order in itertools.permutations((a, b, c)):
        try:
            found.add(result_type(order))
        except DTypeError:
            found.add("refused")
    assert len(found - {"refused"}) <= 1


WEAK = [
    ("bool", True, "bool"),
    ("bool", 1, "int64"),
    ("bool", 1.0, "float64"),
    ("bool", 1j, "complex128"),
    ("int8", True, "int8"),
    ("int8", 1, "int8"),
    ("uint8", 0.5, "float64"),
    ("int8", 1j, "complex128"),
    ("float16", 1, "float16"),
    ("bfloat16", 1.5, "bfloat16"),
    ("float32", 1e300, "float32"),
    ("float32", 1j, "complex64"),
    ("float64", 1j, "complex128"),
    ("complex64", 1.5, "complex64"),
    ("complex64", 1j, "complex64"),
]


@pytest.mark.parametrize(("dtype", "scalar", "expected"), WEAK)
def test_python_scalars_are_weak(dtype, scalar, expected):
    assert join_scalar(dtype, scalar) == expected
    assert result_type([dtype], [scalar]) == expected


@pytest.mark.parametrize(("dtype", "scalar"), list(itertools.product(STANDARD, [True, 1, 1.0, 1j])))
def test_weak_scalars_are_as_in_the_standard_where_it_speaks(dtype, scalar):
    try:
        expected = str((strict.zeros(1, dtype=getattr(strict, dtype)) + scalar).dtype)
    except TypeError:
        return
    assert join_scalar(dtype, scalar) == expected.removeprefix("array_api_strict.")


def test_scalars_alone_take_their_defaults():
    assert [default_for(s) for s in (True, 1, 1.0, 1j)] == ["bool", "int64", "float64", "complex128"]
    assert result_type([], [1, 2.0]) == "float64"
    assert result_type(["int8", "float32"], [2.0]) == "float32"


@pytest.mark.parametrize("name", [n for n in ALL if n != "bfloat16"])
def test_anything_that_names_a_dtype_is_one(name):
    numpys = np.dtype(name)
    assert check_dtype(name) == check_dtype(numpys) == check_dtype(numpys.type) == name


def test_other_libraries_names_are_understood():
    torch = pytest.importorskip("torch")
    assert check_dtype(torch.bfloat16) == "bfloat16"
    assert check_dtype(strict.float32) == "float32"
    assert [check_dtype(t) for t in (bool, int, float, complex)] == ["bool", "int64", "float64", "complex128"]


@pytest.mark.parametrize("name", ["flaot32", None, "object", np.dtype("datetime64[s]"), 7, ["float32"], {}])
def test_what_names_no_dtype_is_refused(name):
    with pytest.raises(DTypeError, match=r"is not a dtype of kbplug\..*The dtypes are bool, int8, "):
        check_dtype(name)


@pytest.mark.parametrize("name", [n for n in ALL if n != "bfloat16"])
def test_bits_and_kinds_are_numpys(name):
    assert bits(name) == 8 * np.dtype(name).itemsize
    assert kind(name)[0] == {"b": "b", "i": "i", "u": "u", "f": "f", "c": "c"}[np.dtype(name).kind]


def test_bfloat16_is_a_half_precision_float():
    assert (bits("bfloat16"), kind("bfloat16"), is_floating("bfloat16")) == (16, "float", True)


def test_parts_and_wholes():
    assert [real_of(d) for d in ("complex64", "complex128", "float32", "int8")] == [
        *("float32", "float64", "float32", "int8")
    ]
    assert [complex_of(d) for d in ("float32", "float64", "float16", "complex128")] == [
        *("complex64", "complex128", "complex64", "complex128")
    ]


EDGES = [0.1, -0.0, 1e-8, 6e-8, 65519.9, 65520.0, 3.4028235677973366e38, 1e39, -1e300, math.inf]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    "value", [0.1, -0.0, 1e-8, 6e-8, 65519.9, 65520.0, 3.4028235677973366e38, 1e39, -1e300, math.inf]
)
def test_a_number_is_rounded_as_numpy_does(value, dtype):
    with np.errstate(over="ignore"):
        expected = float(np.dtype(dtype).type(value))
    assert nearest(value, dtype).hex() == expected.hex()


def test_nan_stays_nan():
    assert all(math.isnan(nearest(math.nan, d)) for d in REAL_FLOATING)


@pytest.mark.parametrize("value", [0.1, 1.00390625, 1.01171875, -3.3895e38, 3.4e38, 1e-40, -0.0, math.inf])
def test_bfloat16_is_rounded_as_in_torch(value):
    torch = pytest.importorskip("torch")
    assert nearest(value, "bfloat16") == torch.tensor(value, dtype=torch.bfloat16).item()
