"""Arrays that change hands: copied once, by DLPack where both libraries speak it, else by NumPy. Knows no library.

What was moved shares memory with nothing, so neither side can write into the other's array.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kbplug.engine import Array, Engine
from kbplug.errors import DTypeError, EngineError
from kbplug.graph.spec import Spec, compatible
from kbplug.graph.tensor import Tensor
from kbplug.runtime import values


def move(array: Array, spec: Spec, source: Engine | None, target: Engine) -> Array:
    """Return an array of one engine as another's.

    Parameters
    ----------
    array
        What is moved.
    spec
        What it fits.
    source
        The engine whose array it is; None for a NumPy array.
    target
        The engine that gets a copy.

    Raises
    ------
    DTypeError
        If neither DLPack nor NumPy takes that dtype from the one to the other.
    """
    moved = taken(array, spec, target)
    if moved is not None:
        return moved
    try:
        return target.from_numpy(values.owned(array if source is None else source.to_numpy(array)))
    except Exception as cause:
        whose = "NumPy" if source is None else f"the engine {source.name!r}"
        raise DTypeError(
            f"An array of {spec.dtype} cannot move from {whose} to the engine {target.name!r}; cast it to a dtype that "
            "both promise before."
        ) from cause


def taken(value: Any, spec: Spec, target: Engine) -> Array | None:
    """Return a copy of any library's array as the target's, by DLPack; None where that way is closed.

    It is closed where the array does not fit ``spec`` exactly: what must be cast goes by NumPy.
    """
    if not hasattr(value, "__dlpack__"):
        return None
    try:
        found = target.from_dlpack(value)
        fits = found.dtype == target.dtype(spec.dtype) and compatible(spec.shape, tuple(found.shape))
    except Exception:  # noqa: BLE001 -- strides, dtypes, read-only arrays and devices: libraries refuse each in its own words
        return None
    return found if fits else None


def fed(value: Any, spec: Spec, fit: Callable[[Any], values.HostArray], engine: Engine) -> Array:
    """Return what is fed to an input as the engine's array: by DLPack where it fits, else as ``fit`` makes it."""
    if not isinstance(value, values.HostArrayType | Tensor):
        found = taken(value, spec, engine)
        if found is not None:
            return found
    return engine.from_numpy(fit(value))


def copied(array: Array, engine: Engine) -> Array:
    """Return a copy of an engine's own array.

    Raises
    ------
    EngineError
        If the engine's namespace makes none.
    """
    try:
        return engine.xp.asarray(array, copy=True)
    except TypeError as cause:
        raise EngineError(f"The engine {engine.name!r} copies no array by asarray(x, copy=True).") from cause
