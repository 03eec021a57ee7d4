"""What the standard tells about dtypes and shapes without computing anything: plain functions, no ops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from kbplug import dtypes
from kbplug.dtypes import check_dtype, promote
from kbplug.errors import ArgumentError, DTypeError, did_you_mean
from kbplug.graph.spec import Shape, broadcast, check_shape
from kbplug.graph.tensor import Tensor

KINDS: Mapping[str, tuple[str, ...]] = {
    "bool": dtypes.BOOL,
    "signed integer": dtypes.SIGNED,
    "unsigned integer": dtypes.UNSIGNED,
    "integral": dtypes.INTEGER,
    "real floating": dtypes.REAL_FLOATING,
    "complex floating": dtypes.COMPLEX,
    "numeric": dtypes.NUMERIC,
}
"""The standard's names for kinds of dtypes."""

_FORMATS = {"float16": (10, 15), "bfloat16": (7, 127), "float32": (23, 127), "float64": (52, 1023)}
"""Bits of the fraction and the largest exponent, by IEEE 754 and, for bfloat16, as it is widely used."""


class DType:
    """A dtype as the namespace offers it: an object that equals its name, which is what a tensor has, but is no string.

    So ``isdtype`` and its callers tell a dtype from a kind of dtypes.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return self.name == (other.name if isinstance(other, DType) else other)

    def __hash__(self) -> int:
        return hash(self.name)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"kbplug.array_api.{self.name}"


DTYPES: Mapping[str, DType] = {name: DType(name) for name in dtypes.ALL}
"""The dtypes of the namespace by name."""


class FInfo(NamedTuple):
    """Limits of a floating-point dtype, or of the parts of a complex one."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: DType


class IInfo(NamedTuple):
    """Limits of an integer dtype."""

    bits: int
    max: int
    min: int
    dtype: DType


def _dtype(given: Any) -> str:
    return given.dtype if isinstance(given, Tensor) else check_dtype(given)


def finfo(type: Any, /) -> FInfo:
    """Return the limits of a floating-point dtype, or of a tensor's."""
    name = dtypes.real_of(_dtype(type))
    if name not in _FORMATS:
        raise DTypeError(f"finfo describes floating-point dtypes, not {name}; use iinfo for integers.")
    fraction, exponent = _FORMATS[name]
    largest = (2.0 - 2.0**-fraction) * 2.0**exponent
    return FInfo(dtypes.bits(name), 2.0**-fraction, largest, -largest, 2.0 ** (1 - exponent), DTYPES[name])


def iinfo(type: Any, /) -> IInfo:
    """Return the limits of an integer dtype, or of a tensor's."""
    name = _dtype(type)
    if name not in dtypes.INTEGER:
        raise DTypeError(f"iinfo describes integer dtypes, not {name}; use finfo for floating-point ones.")
    bits = dtypes.bits(name)
    if name in dtypes.UNSIGNED:
        return IInfo(bits, 2**bits - 1, 0, DTYPES[name])
    return IInfo(bits, 2 ** (bits - 1) - 1, -(2 ** (bits - 1)), DTYPES[name])


def isdtype(dtype: Any, kind: Any) -> bool:
    """Say whether ``dtype`` is the dtype ``kind``, of the kind of that name, or of one of several."""
    if isinstance(kind, tuple):
        return any([isdtype(dtype, k) for k in kind])
    if kind in KINDS:
        return check_dtype(dtype) in KINDS[kind]
    if isinstance(kind, str) and " " in kind:
        raise ArgumentError(f"{kind!r} is no kind of dtypes.{did_you_mean(kind, KINDS)}")
    return check_dtype(dtype) == check_dtype(kind)


def can_cast(from_: Any, to: Any, /) -> bool:
    """Say whether promotion leads from one dtype, or a tensor's, to another."""
    target = check_dtype(to)
    try:
        return promote(_dtype(from_), target) == target
    except DTypeError:
        return False


def result_type(*arrays_and_dtypes: Any) -> str:
    """Return the dtype that tensors, dtypes and weak Python scalars come to together."""
    scalars = [a for a in arrays_and_dtypes if isinstance(a, bool | int | float | complex)]
    others = [_dtype(a) for a in arrays_and_dtypes if not isinstance(a, bool | int | float | complex)]
    if not others and not scalars:
        raise ArgumentError("result_type needs at least one array or dtype.")
    return dtypes.result_type(others, scalars)


def broadcast_shapes(*shapes: Iterable[int | None]) -> Shape:
    """Return the shape that several shapes broadcast to; None is an unknown size."""
    return broadcast(*map(check_shape, shapes))


def check_device(device: object) -> None:
    """Refuse every device but None.

    Raises
    ------
    ArgumentError
        If ``device`` names one.
    """
    if device is not None:
        raise ArgumentError(f"A lazy tensor is on no device, so not on {device!r}; choose an engine or its device.")


class Info:
    """What the namespace says of itself; devices belong to engines, so it knows none by name."""

    def capabilities(self) -> dict[str, Any]:
        """Return what a namespace may lack and this one has; no engine's limits are known here."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": None}

    def default_device(self) -> None:
        """Return None: the engine that runs a graph chooses the device."""

    def devices(self) -> tuple[None]:
        """Return the one device that may be asked for: the engine's choice."""
        return (None,)

    def default_dtypes(self, *, device: Any = None) -> dict[str, DType]:
        """Return the dtypes that numbers without one take."""
        names = {"real floating": "float64", "complex floating": "complex128", "integral": "int64", "indexing": "int64"}
        return {kind: DTYPES[name] for kind, name in names.items()}

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, DType]:
        """Return the standard's dtypes by name, those of one kind or of several if asked for."""
        standard = (d for d in dtypes.ALL if d not in ("float16", "bfloat16"))
        return {d: DTYPES[d] for d in standard if kind is None or isdtype(d, kind)}
