"""Samples for the elementwise ops: a domain per function, pairs that broadcast, and the special values of IEEE 754."""

from __future__ import annotations

import numpy as np

from kbplug.testing.samples import Sample, sample

REAL = np.array([[-1.7, -0.6, 0.3], [0.9, 1.4, 2.2]])
INSIDE = np.array([[-0.9, -0.35, -0.1], [0.2, 0.55, 0.8]])
POSITIVE = np.array([[0.3, 0.7, 1.2], [1.9, 2.6, 3.3]])
ABOVE_ONE = np.array([[1.2, 1.5, 2.3], [3.1, 4.2, 6.0]])
PLANE = np.array([0.4 + 0.7j, -1.1 + 0.3j, 0.6 - 1.2j, -0.45 - 0.8j])
INTEGERS = np.array([[-7, -2, 0], [1, 3, 6]])
NARROW = np.array([-128, -3, 0, 5, 127], dtype="int8")
UNSIGNED = np.array([0, 1, 7, 255], dtype="uint8")
BITS = np.array([True, False, True])
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 0.5, -2.5, 3.5])
NOTHING = np.zeros((2, 0))


def _float(name: str, domain: np.ndarray = REAL, plane: bool = True) -> list[Sample]:
    found = [
        sample(domain),
        sample(domain[1, 1], label="0-d"),
        sample(NOTHING, label="empty"),
        sample(SPECIAL, smooth=False, label="special values"),
    ]
    return [*found, sample(PLANE, label="complex")] if plane else found


def _integers(*arrays: np.ndarray) -> list[Sample]:
    return [sample(a, label=str(a.dtype)) for a in arrays]


DOMAINS = {
    "acos": INSIDE,
    "acosh": ABOVE_ONE,
    "asin": INSIDE,
    "atanh": INSIDE,
    "log": POSITIVE,
    "log10": POSITIVE,
    "log1p": INSIDE,
    "log2": POSITIVE,
    "sqrt": POSITIVE,
}
FLOAT = (
    *("acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "exp", "expm1", "log", "log10", "log1p"),
    *("log2", "reciprocal", "sin", "sinh", "sqrt", "tan", "tanh"),
)
COMPLEX_AND_INTEGER = ("abs", "conj", "negative", "positive", "real", "sign", "square")
ROUNDING = ("ceil", "floor", "trunc")
TESTS = ("isfinite", "isinf", "isnan")

UNARY: dict[str, list[Sample]] = {
    **{name: _float(name, DOMAINS.get(name, REAL)) for name in FLOAT},
    **{name: _float(name) + _integers(INTEGERS, NARROW) for name in COMPLEX_AND_INTEGER},
    **{name: _float(name, plane=False) + _integers(INTEGERS) for name in ROUNDING},
    **{name: [sample(SPECIAL), sample(PLANE), sample(INTEGERS), sample(NOTHING)] for name in TESTS},
    "round": [*_float("round"), sample(np.array([-2.5, -1.5, -0.5, 0.5, 1.5]), smooth=False, label="ties to even")],
    "imag": [sample(PLANE), sample(PLANE[1], label="0-d"), sample(np.zeros(0, dtype="complex128"), label="empty")],
    "signbit": [sample(SPECIAL), sample(np.float64(-0.0), label="0-d"), sample(NOTHING, label="empty")],
    "bitwise_invert": _integers(INTEGERS, NARROW, UNSIGNED, BITS),
    "logical_not": [sample(BITS), sample(np.bool_(True), label="0-d"), sample(np.zeros((0, 2), dtype="bool"))],
}
UNARY["abs"].append(sample(np.array([0j, 3 + 4j]), smooth=False, label="complex zero"))
UNARY["sign"].append(sample(np.array([0j, 3 + 4j]), smooth=False, label="complex zero"))

COLUMN = np.array([[-1.3], [0.8]])
ROW = np.array([0.45, -2.1, 1.7])
OTHERS = np.array([0.9 - 0.2j, 0.3 + 1.1j, -0.7 + 0.4j, -1.2 - 0.5j])
SPECIAL_PAIRS = tuple(a.ravel() for a in np.meshgrid(SPECIAL[:6], SPECIAL[:6]))
DIVISORS = np.array([3, -2, 5])


def _pair(left: np.ndarray = COLUMN, right: np.ndarray = ROW) -> list[Sample]:
    return [
        sample(left, right, label="broadcast"),
        sample(left[0, 0], right[0], label="0-d"),
        sample(right, left[1, 0], label="with a 0-d"),
        sample(NOTHING, np.ones((2, 1)), label="empty"),
        sample(*SPECIAL_PAIRS, smooth=False, label="special values"),
    ]


def _integer_pair(left: np.ndarray = INTEGERS, right: np.ndarray = DIVISORS) -> list[Sample]:
    return [
        sample(left, right, label="int64"),
        sample(UNSIGNED, np.array([9, 4, 2, 3], dtype="uint8"), label="uint8"),
        sample(NARROW[1:4], right.astype("int32"), label="int8 with int32"),
    ]


def _bits() -> list[Sample]:
    return [*_integer_pair(), sample(BITS, np.array([[True], [False]]), label="bool")]


def _truth() -> list[Sample]:
    return [sample(BITS, np.array([[True], [False]])), sample(np.bool_(False), BITS, label="with a 0-d")]


def _shifts() -> list[Sample]:
    by = np.array([0, 1, 3])
    return [sample(INTEGERS, by, label="int64"), sample(UNSIGNED[:3], by.astype("uint8"), label="uint8")]


COMPARISONS = ("greater", "greater_equal", "less", "less_equal")
ARITHMETIC = ("add", "multiply", "subtract")

BINARY: dict[str, list[Sample]] = {
    **{name: [*_pair(), sample(PLANE, OTHERS, label="complex"), *_integer_pair()] for name in ARITHMETIC},
    **{name: _pair() for name in ("atan2", "copysign", "hypot", "logaddexp", "nextafter")},
    **{name: [*_pair(), *_integer_pair()] for name in ("floor_divide", "maximum", "minimum", "remainder")},
    **{name: [*_pair(), *_integer_pair()] for name in COMPARISONS},
    **{name: [*_pair(), sample(PLANE, PLANE[::-1]), *_bits()] for name in ("equal", "not_equal")},
    **{name: _bits() for name in ("bitwise_and", "bitwise_or", "bitwise_xor")},
    **{name: _shifts() for name in ("bitwise_left_shift", "bitwise_right_shift")},
    **{name: _truth() for name in ("logical_and", "logical_or", "logical_xor")},
    "divide": [*_pair(), sample(PLANE, OTHERS, label="complex")],
    "pow": [
        *_pair(np.array([[0.4], [1.6]]), np.array([0.45, 2.1, 1.7])),
        sample(np.float64(1.4), ROW, label="negative powers"),
        sample(PLANE, OTHERS, label="complex"),
        sample(INTEGERS, np.array([2, 3, 0]), label="int64"),
    ],
}
BINARY["maximum"].append(sample(REAL, REAL, smooth=False, label="ties"))
BINARY["minimum"].append(sample(REAL, REAL, smooth=False, label="ties"))
BINARY["add"].append(sample(np.float64(2.0), PLANE, label="real with complex"))
BINARY["multiply"].append(sample(REAL[0], PLANE[:3], label="real with complex"))

SAMPLES: dict[str, list[Sample]] = {
    **UNARY,
    **BINARY,
    "clip": [
        sample(REAL, np.float64(-1.0), np.float64(1.1)),
        sample(REAL, None, ROW, label="above only"),
        sample(REAL, COLUMN, label="below only"),
        sample(REAL, label="no bound"),
        sample(SPECIAL, np.float64(-1.0), np.float64(1.0), smooth=False, label="special values"),
        sample(INTEGERS, np.int64(-2), np.int64(3), label="int64"),
        sample(NOTHING, np.float64(0.0), np.float64(1.0), label="empty"),
    ],
    "where": [
        sample(np.array([[True], [False]]), ROW, REAL),
        sample(np.bool_(True), COLUMN, ROW, label="0-d condition"),
        sample(BITS, ROW, np.float64(0.25), label="0-d branch"),
        sample(np.array([True, False, False, True]), PLANE, OTHERS, label="complex"),
        sample(BITS, INTEGERS[0], ROW, label="int with float"),
        sample(BITS, np.array([False, True, True]), BITS, label="bool"),
        sample(BITS, SPECIAL[:3], SPECIAL[3:6], smooth=False, label="special values"),
    ],
    "astype": [
        sample(REAL, dtype="float64"),
        sample(REAL, dtype="complex128", label="to complex"),
        sample(REAL, dtype="int32", label="to integer"),
        sample(REAL, dtype="bool", label="to bool"),
        sample(REAL.astype("float32"), dtype="float64", label="wider", smooth=False),
        sample(INTEGERS, dtype="float64", label="from integer"),
        sample(INTEGERS, dtype="int8", label="narrower"),
        sample(BITS, dtype="float32", label="from bool"),
        sample(UNSIGNED, dtype="int64", label="from unsigned"),
    ],
}
