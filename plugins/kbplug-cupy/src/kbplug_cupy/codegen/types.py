"""What a dtype is in CUDA C++: how it is stored, computed with and summed, and how its constants are written."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kbplug.dtypes import kind


@dataclass(frozen=True, slots=True)
class CType:
    """The C++ of one dtype.

    Parameters
    ----------
    dtype
        Its name.
    stored
        The type of an element in memory.
    computed
        The type of an element in a register.
    total
        The type that reductions accumulate in.
    size
        Bytes of an element in memory.
    """

    dtype: str
    stored: str
    computed: str
    total: str
    size: int

    @property
    def kind(self) -> str:
        """``"bool"``, ``"int"``, ``"uint"``, ``"float"`` or ``"complex"``."""
        return kind(self.dtype)

    @property
    def narrow(self) -> bool:
        """Whether numbers are wider in registers than in memory, so that each result has to be rounded."""
        return self.dtype in ("float16", "bfloat16")


_ROWS = (
    ("bool", "bool", "bool", "int", 1),
    ("int8", "signed char", "signed char", "int", 1),
    ("int16", "short", "short", "int", 2),
    ("int32", "int", "int", "int", 4),
    ("int64", "long long", "long long", "long long", 8),
    ("uint8", "unsigned char", "unsigned char", "unsigned", 1),
    ("uint16", "unsigned short", "unsigned short", "unsigned", 2),
    ("uint32", "unsigned", "unsigned", "unsigned", 4),
    ("uint64", "unsigned long long", "unsigned long long", "unsigned long long", 8),
    ("float16", "kb_half", "float", "float", 2),
    ("bfloat16", "kb_bfloat", "float", "float", 2),
    ("float32", "float", "float", "float", 4),
    ("float64", "double", "double", "double", 8),
    ("complex64", "kb_complex<float>", "kb_complex<float>", "kb_complex<float>", 8),
    ("complex128", "kb_complex<double>", "kb_complex<double>", "kb_complex<double>", 16),
)

CTYPES = {row[0]: CType(*row) for row in _ROWS}
"""By dtype."""


def constant(value: bool | int | float | complex, dtype: str) -> str:
    """Return a scalar as a C++ expression of the computed type of ``dtype``.

    >>> constant(2, "float32"), constant(-(2**63), "int64"), constant(True, "bool")
    ('2.0f', '(-9223372036854775807ll - 1)', 'true')
    """
    ctype = CTYPES[dtype]
    if ctype.kind == "bool":
        return "true" if value else "false"
    if isinstance(value, complex) or ctype.kind == "complex":
        number = complex(value)
        part = "float" if dtype == "complex64" else "double"
        return f"{ctype.computed}{{{_real(number.real, part)}, {_real(number.imag, part)}}}"
    if ctype.kind == "float":
        return _real(float(value), ctype.computed)
    return _integer(int(value), ctype)


def _real(value: float, computed: str) -> str:
    if math.isnan(value):
        return f"kb_nan<{computed}>()"
    if math.isinf(value):
        return f"{'-' if value < 0 else ''}kb_infinity<{computed}>()"
    return f"{value!r}f" if computed == "float" else repr(value)


def _integer(value: int, ctype: CType) -> str:
    if ctype.kind == "uint":
        return f"{value}ull" if ctype.size == 8 else f"{value}u"
    if value == -(2**63):
        return f"(-{2**63 - 1}ll - 1)"
    return f"{value}ll" if ctype.size == 8 else f"({value})"


def rounded(expression: str, dtype: str) -> str:
    """Return an expression as a value of ``dtype``: cast, and rounded where registers are wider than memory."""
    ctype = CTYPES[dtype]
    if ctype.narrow:
        return f"kb_value({ctype.stored}({expression}))"
    return f"static_cast<{ctype.computed}>({expression})"
