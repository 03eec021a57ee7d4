"""What stands between the brackets of ``x[...]``: a template of plain data, and the tensors taken out of it.

A template entry is an integer, a ``Slice``, None (a new axis), ``...`` or ``"array"``, which stands
for the next operand. A slice bound may be ``"size"``: the next operand, a 0-d integer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kbplug.errors import ArgumentError, BoundsError
from kbplug.graph.node import Slice

Template = tuple[Any, ...]
ARRAY = "array"
SIZE = "size"
WHOLE = slice(None)


def split(key: Any) -> tuple[Template, list[Any]]:
    """Return the template of an index and, in order, the arrays and sizes it stands for.

    Raises
    ------
    ArgumentError
        If an entry is nothing that can index, or ``...`` stands twice.
    """
    operands: list[Any] = []
    template = tuple(_entry(k, operands) for k in (key if isinstance(key, tuple) else (key,)))
    if sum(k is Ellipsis for k in template) > 1:
        raise ArgumentError("An index may hold `...` only once.")
    return template, operands


def _entry(key: Any, operands: list[Any]) -> Any:
    if key is None or key is Ellipsis:
        return key
    if isinstance(key, slice):
        return Slice(_bound(key.start, operands), _bound(key.stop, operands), _plain(key.step))
    if _is_plain(key):
        return key.__index__()
    if isinstance(key, str | bytes | float | complex):
        raise ArgumentError(f"A tensor cannot be indexed by {key!r}; use integers, slices, None, `...` or arrays.")
    operands.append(key)
    return ARRAY


def _is_plain(key: Any) -> bool:
    """Say whether ``key`` is an integer of Python or of an array library, and no tensor, array or boolean."""
    lazy = hasattr(key, "node")
    integer = hasattr(key, "__index__") and not isinstance(key, bool) and str(getattr(key, "dtype", "")) != "bool"
    return integer and not lazy and getattr(key, "ndim", 0) == 0


def _plain(key: Any) -> int | None:
    return None if key is None else key.__index__()


def _bound(key: Any, operands: list[Any]) -> int | str | None:
    if key is None or _is_plain(key):
        return _plain(key)
    operands.append(key)
    return SIZE


def restore(template: Template, operands: Sequence[Any]) -> tuple[Any, ...]:
    """Return the index that an array library understands: ``split`` undone."""
    return tuple(_filled(template, operands, int))


def complete(template: Template, operands: Sequence[Any], ndim: int, dims: Callable[[Any], int]) -> list[Any]:
    """Return an entry per dimension and new axis: operands in their places, ``...`` and what is left out as slices.

    Parameters
    ----------
    template, operands
        As ``split`` gave them; an operand may be a spec, an array or an integer.
    ndim
        Number of dimensions that are indexed.
    dims
        How many dimensions an array takes: those of a boolean mask, one for integers.

    Raises
    ------
    BoundsError
        If the index takes more dimensions than there are.
    """
    entries = _filled(template, operands, lambda bound: bound)
    taken = sum(0 if e is None or e is Ellipsis else 1 if isinstance(e, int | slice) else dims(e) for e in entries)
    if taken > ndim:
        raise BoundsError(f"The index takes {taken} dimensions, but the tensor has {ndim}.")
    at = next((i for i, e in enumerate(entries) if e is Ellipsis), len(entries))
    return [*entries[:at], *[WHOLE] * (ndim - taken), *entries[at + 1 :]]


def _filled(template: Template, operands: Sequence[Any], bound: Callable[[Any], Any]) -> list[Any]:
    rest = iter(operands)

    def entry(k: Any) -> Any:
        if isinstance(k, Slice):
            start, stop = (bound(next(rest)) if b == SIZE else b for b in (k.start, k.stop))
            return slice(start, stop, k.step)
        return next(rest) if isinstance(k, str) else k

    return [entry(k) for k in template]


def adjacent(template: Template) -> bool:
    """Say whether all integers and arrays stand side by side, so that what they pick stays in their place."""
    places = [i for i, k in enumerate(template) if isinstance(k, int | str)]
    return not places or places[-1] - places[0] == len(places) - 1
