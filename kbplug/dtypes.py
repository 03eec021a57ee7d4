"""A dtype is its name. The promotion table, and how Python scalars join it; imports only ``errors``."""

from __future__ import annotations

import functools
import math
import struct
from collections.abc import Iterable

from kbplug.errors import DTypeError, did_you_mean

BOOL = ("bool",)
SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
INTEGER = SIGNED + UNSIGNED
REAL_FLOATING = ("float16", "bfloat16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
FLOATING = REAL_FLOATING + COMPLEX
REAL = INTEGER + REAL_FLOATING
NUMERIC = INTEGER + FLOATING
ALL = BOOL + NUMERIC

Scalar = bool | int | float | complex

_WIDER_SIGNED = {"uint8": "int16", "uint16": "int32", "uint32": "int64"}
_BITS = {"complex64": 64, "complex128": 128, "bfloat16": 16, "bool": 8}


def bits(dtype: str) -> int:
    """Return the storage of one element in bits."""
    return _BITS.get(dtype) or int(dtype.lstrip("uintfloa"))


def check_dtype(name: object) -> str:
    """Return ``name`` when it names a dtype.

    Anything whose ``str`` or ``name`` is a dtype's name is accepted, so NumPy's dtype objects and
    scalar types are too.

    Raises
    ------
    DTypeError
        If kbplug has no dtype of that name.
    """
    if isinstance(name, str) and name in _NAMES:
        return str(name)
    text = str(getattr(name, "name", None) or getattr(name, "__name__", None) or name)
    text = {"float": "float64", "int": "int64", "complex": "complex128"}.get(text, text).rpartition(".")[2]
    if text in _NAMES:
        return text
    raise DTypeError(f"{name!r} is not a dtype of kbplug.{did_you_mean(text, ALL)} The dtypes are {', '.join(ALL)}.")


_NAMES = frozenset(ALL)


def kind(dtype: str) -> str:
    """Return ``"bool"``, ``"int"``, ``"uint"``, ``"float"`` or ``"complex"``."""
    if dtype == "bfloat16":
        return "float"
    return dtype.rstrip("0123456789")


_RANKS = {"bool": 0, "int": 1, "uint": 1, "float": 2, "complex": 3}


def rank(dtype: str) -> int:
    """Return 0 for ``bool``, 1 for an integer, 2 for a real float, 3 for a complex; each holds the kinds below it."""
    return _RANKS[kind(dtype)]


def is_floating(dtype: str) -> bool:
    """Say whether ``dtype`` is real or complex floating: whether a gradient can flow through it."""
    return dtype in FLOATING


def real_of(dtype: str) -> str:
    """Return the dtype of the real part: ``float32`` for ``complex64``, itself for a real dtype."""
    return {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)


def complex_of(dtype: str) -> str:
    """Return the complex dtype whose parts are of a real floating ``dtype``."""
    if dtype in COMPLEX:
        return dtype
    return "complex128" if dtype == "float64" else "complex64"


def default_for(scalar: Scalar) -> str:
    """Return the dtype of a lone Python scalar: ``bool``, ``int64``, ``float64`` or ``complex128``."""
    return {bool: "bool", int: "int64", float: "float64", complex: "complex128"}[type(scalar)]


_FORMAT = {"float16": "<e", "bfloat16": "<f", "float32": "<f", "complex64": "<f"}


def nearest(value: float, dtype: str) -> float:
    """Return the number of a floating ``dtype`` nearest to ``value``; beyond its range that is an infinity."""
    form = _FORMAT.get(dtype)
    if form is None:
        return value
    try:
        packed = struct.pack(form, value)
    except OverflowError:
        return math.copysign(math.inf, value)
    if dtype == "bfloat16" and math.isfinite(value):
        (pattern,) = struct.unpack("<I", packed)
        packed = struct.pack("<I", (pattern + 0x7FFF + (pattern >> 16 & 1)) & 0xFFFF0000)  # ties to even
    return float(struct.unpack(form, packed)[0])


@functools.cache
def promote(a: str, b: str) -> str:
    """Return the dtype that holds both ``a`` and ``b``.

    The table is the Array API standard's. Where the standard leaves mixed kinds open, an integer
    with a float gives that float and ``bool`` gives way to the other, on every engine.

    Raises
    ------
    DTypeError
        For ``uint64`` with a signed integer, which no integer dtype can hold.
    """
    if a == b:
        return a
    if rank(a) > rank(b):
        a, b = b, a
    if rank(a) < rank(b):
        return _complex_over(a, b) if kind(a) == "float" else b
    if kind(a) != kind(b):
        return _mixed_integers(a, b)
    if {a, b} == {"float16", "bfloat16"}:
        return "float32"
    return a if bits(a) > bits(b) else b


def _complex_over(real: str, cplx: str) -> str:
    return "complex128" if real == "float64" else cplx


def _mixed_integers(a: str, b: str) -> str:
    signed, unsigned = (a, b) if kind(a) == "int" else (b, a)
    if bits(signed) > bits(unsigned):
        return signed
    if unsigned == "uint64":
        raise DTypeError(f"uint64 and {signed} have no common dtype; cast one of them first.")
    return _WIDER_SIGNED[unsigned]


def join_scalar(dtype: str, scalar: Scalar) -> str:
    """Return the dtype of an array of ``dtype`` met by a Python scalar, which is weak.

    A scalar never widens within a kind: ``float32`` with ``2.0`` stays ``float32``. A scalar of a
    higher kind lifts: an integer with ``0.5`` gives ``float64``, a real float with ``1j`` the complex of its width.
    """
    if isinstance(scalar, bool):
        return dtype
    if isinstance(scalar, int):
        return "int64" if dtype == "bool" else dtype
    if isinstance(scalar, float):
        return dtype if is_floating(dtype) else "float64"
    return complex_of(dtype) if is_floating(dtype) else "complex128"


def result_type(dtypes: Iterable[str], scalars: Iterable[Scalar] = ()) -> str:
    """Return the common dtype of arrays and weak Python scalars; scalars alone take their defaults."""
    known = list(dtypes)
    weak = list(scalars)
    if not known:
        return functools.reduce(promote, (default_for(s) for s in weak))
    return functools.reduce(join_scalar, weak, functools.reduce(promote, known))
