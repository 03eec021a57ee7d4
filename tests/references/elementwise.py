"""The elementwise functions by PyTorch, which shares no code with NumPy."""

import torch

from references.pytorch import by_torch

SAME_NAME = (
    *("abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "ceil", "conj", "cos", "cosh", "exp", "expm1"),
    *("floor", "hypot", "imag", "isfinite", "isinf", "isnan", "log", "log10", "log1p", "log2", "logaddexp", "negative"),
    *("positive", "reciprocal", "signbit", "sin", "sinh", "sqrt", "square", "tan", "tanh", "trunc"),
    *("add", "bitwise_and", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "copysign"),
    *("divide", "logical_and", "logical_not", "logical_or", "logical_xor", "maximum", "minimum"),
    *("multiply", "nextafter", "not_equal", "pow", "remainder", "subtract", "greater", "greater_equal", "less"),
    *("less_equal", "where"),
)


def clip(x, low=None, high=None):
    x = x if low is None else torch.maximum(x, low)
    return x if high is None else torch.minimum(x, high)


def sign(x):
    return torch.sgn(x) if x.is_complex() else torch.where(torch.isnan(x), x, torch.sgn(x))


def floor_divide(a, b):
    found = torch.floor_divide(a, b)
    if not a.is_floating_point():
        return found
    return torch.where(a.isinf() | b.isinf(), torch.floor(a / b), found)  # where the standard departs from PyTorch


def round_(x):
    return torch.complex(torch.round(x.real), torch.round(x.imag)) if x.is_complex() else torch.round(x)


REFERENCES = {
    **{name: by_torch(getattr(torch, name)) for name in SAME_NAME},
    "astype": by_torch(lambda x, dtype: x.to(getattr(torch, dtype))),
    "bitwise_invert": by_torch(torch.bitwise_not),
    "clip": by_torch(clip),
    "equal": by_torch(torch.eq),
    "floor_divide": by_torch(floor_divide),
    "real": by_torch(lambda x: torch.real(x) if x.is_complex() else x),
    "round": by_torch(round_),
    "sign": by_torch(sign),
}
