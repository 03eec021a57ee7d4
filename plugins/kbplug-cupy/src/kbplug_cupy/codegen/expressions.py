"""The C++ expression of each elementwise op, by the kind of its operands: a table that can be proofread.

``{0}``, ``{1}`` and ``{2}`` are operands in registers, ``{T}`` is their type. Integers wrap, and the quotient and the
remainder of a division by zero are 0. An op or a kind that is missing is left to CuPy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kbplug_cupy.codegen.types import CTYPES, CType, rounded

ByKind = Mapping[str, str]


def _only(kinds: str, text: str) -> dict[str, str]:
    return dict.fromkeys(kinds.split(), text)


def _real(integer: str, floating: str) -> dict[str, str]:
    return {"int": integer, "uint": integer, "float": floating}


def _float(name: str) -> dict[str, str]:
    return {"float": f"{name}({{0}})"}


NUMBER = "int uint float complex"
REAL = "int uint float"
BITS = "bool int uint"

EXPRESSIONS: dict[str, ByKind] = {
    # One operand.
    "abs": {
        "int": "({0} < 0 ? -{0} : {0})",
        "uint": "{0}",
        "float": "fabs({0})",
        "complex": "hypot({0}.re, {0}.im)",
    },
    "bitwise_invert": {"bool": "!{0}", **_only("int uint", "~{0}")},
    "ceil": _real("{0}", "ceil({0})"),
    "conj": {**_only(REAL, "{0}"), "complex": "kb_conj({0})"},
    "floor": _real("{0}", "floor({0})"),
    "imag": {"complex": "{0}.im"},
    "isfinite": {
        **_only("int uint", "true"),
        "float": "isfinite({0})",
        "complex": "isfinite({0}.re) && isfinite({0}.im)",
    },
    "isinf": {**_only("int uint", "false"), "float": "isinf({0})", "complex": "isinf({0}.re) || isinf({0}.im)"},
    "isnan": {**_only("int uint", "false"), "float": "isnan({0})", "complex": "isnan({0}.re) || isnan({0}.im)"},
    "logical_not": {"bool": "!{0}"},
    "negative": _only(NUMBER, "-{0}"),
    "positive": _only(NUMBER, "{0}"),
    "real": {**_only(REAL, "{0}"), "complex": "{0}.re"},
    "reciprocal": {"float": "1 / {0}", "complex": "{T}{{1, 0}} / {0}"},
    "round": {**_real("{0}", "rint({0})"), "complex": "kb_round({0})"},
    "sign": {"int": "({0} > 0) - ({0} < 0)", "uint": "{0} > 0", "float": "kb_sign({0})"},
    "signbit": {"float": "signbit({0})"},
    "square": _only(NUMBER, "{0} * {0}"),
    "stop_gradient": _only("bool " + NUMBER, "{0}"),
    "trunc": _real("{0}", "trunc({0})"),
    **{
        name: _float(name)
        for name in (
            *("acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "exp", "expm1", "log", "log10"),
            *("log1p", "log2", "sin", "sinh", "sqrt", "tan", "tanh"),
        )
    },
    # Two operands.
    "add": _only(NUMBER, "{0} + {1}"),
    "atan2": {"float": "atan2({0}, {1})"},
    "bitwise_and": _only(BITS, "{0} & {1}"),
    "bitwise_left_shift": _only("int uint", "kb_shift_left<{T}>({0}, {1})"),
    "bitwise_or": _only(BITS, "{0} | {1}"),
    "bitwise_right_shift": _only("int uint", "kb_shift_right<{T}>({0}, {1})"),
    "bitwise_xor": _only(BITS, "{0} ^ {1}"),
    "copysign": {"float": "copysign({0}, {1})"},
    "divide": _only("float complex", "{0} / {1}"),
    "equal": _only("bool " + NUMBER, "{0} == {1}"),
    "floor_divide": _real("kb_floor_divide_int<{T}>({0}, {1})", "kb_floor_divide<{T}>({0}, {1})"),
    "greater": _only(REAL, "{0} > {1}"),
    "greater_equal": _only(REAL, "{0} >= {1}"),
    "hypot": {"float": "hypot({0}, {1})"},
    "less": _only(REAL, "{0} < {1}"),
    "less_equal": _only(REAL, "{0} <= {1}"),
    "logaddexp": {"float": "kb_logaddexp<{T}>({0}, {1})"},
    "logical_and": {"bool": "{0} && {1}"},
    "logical_or": {"bool": "{0} || {1}"},
    "logical_xor": {"bool": "{0} != {1}"},
    "maximum": _only(REAL, "kb_larger<{T}>({0}, {1})"),
    "minimum": _only(REAL, "kb_smaller<{T}>({0}, {1})"),
    "multiply": _only(NUMBER, "{0} * {1}"),
    "nextafter": {"float": "nextafter({0}, {1})"},
    "not_equal": _only("bool " + NUMBER, "!({0} == {1})"),
    "pow": _real("kb_pow_int<{T}>({0}, {1})", "pow({0}, {1})"),
    "remainder": _real("kb_remainder_int<{T}>({0}, {1})", "kb_remainder<{T}>({0}, {1})"),
    "subtract": _only(NUMBER, "{0} - {1}"),
    # Three operands; the kind is that of the last ones.
    "where": _only("bool " + NUMBER, "{0} ? {1} : {2}"),
    # Of networks, and special functions that the device has or that are a line.
    "relu": _only(REAL, "kb_larger<{T}>({0}, 0)"),
    "softplus": {"float": "kb_larger<{T}>({0}, 0) + log1p(exp(-fabs({0})))"},
    "special.entr": {"float": "({0} > 0 ? -{0} * log({0}) : ({0} == 0 ? ({T})0 : {0} - kb_infinity<{T}>()))"},
    "special.erf": _float("erf"),
    "special.erfc": _float("erfc"),
    "special.expit": {"float": "kb_expit<{T}>({0})"},
    "special.log_expit": {"float": "kb_smaller<{T}>({0}, 0) - log1p(exp(-fabs({0})))"},
    "special.logit": {"float": "kb_logit<{T}>({0})"},
    "special.xlog1py": {"float": "kb_xlog1py<{T}>({0}, {1})"},
    "special.xlogy": {"float": "kb_xlogy<{T}>({0}, {1})"},
}
"""Op name to kind to expression."""

_NARROW = {"nextafter": "kb_next_narrow<{S}>({0}, {1})"}
"""What differs where registers are wider than memory."""


def known(op: str, dtype: str) -> bool:
    """Say whether ``op`` on operands of ``dtype`` has an expression."""
    return CTYPES[dtype].kind in EXPRESSIONS.get(op, {})


def expression(op: str, operands: Sequence[str], taken: str, given: str) -> str:
    """Return an op on operands in registers as C++, rounded to the result's dtype.

    Parameters
    ----------
    op
        Its name.
    operands
        C++ names or constants.
    taken, given
        The dtypes of the (last) operand and of the result.
    """
    ctype = CTYPES[taken]
    template = _NARROW.get(op) if ctype.narrow else None
    text = (template or EXPRESSIONS[op][ctype.kind]).format(*operands, T=ctype.computed, S=ctype.stored)
    return text if _exact(op, ctype, given) else rounded(text, given)


def _exact(op: str, ctype: CType, given: str) -> bool:
    """Say whether an expression already has the type and value of its result."""
    return given == "bool" or (ctype.kind in ("float", "complex") and not ctype.narrow and op not in ("sign",))


def cast(operand: str, source: str, target: str) -> str:
    """Return the conversion of an operand from one dtype to another as C++."""
    old, new = CTYPES[source], CTYPES[target]
    if target == "bool":
        return f"{operand} != 0"
    if new.kind == "complex":
        part = new.computed.removeprefix("kb_complex<").removesuffix(">")
        parts = (f"{operand}.re", f"{operand}.im") if old.kind == "complex" else (operand, "0")
        return f"{new.computed}{{{', '.join(f'static_cast<{part}>({p})' for p in parts)}}}"
    if old.kind == "float" and new.kind in ("int", "uint") and new.size < 8:
        return f"static_cast<{new.computed}>(static_cast<long long>({operand}))"
    if new.narrow and old.kind in ("int", "uint", "bool"):
        return rounded(f"static_cast<double>({operand})", target)
    return rounded(operand, target)
