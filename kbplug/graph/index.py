"""What stands between the brackets of ``x[...]``: a template of plain data, and the tensors taken out of it.

A template entry is an integer, a ``Slice``, None (a new axis), ``...`` or ``"array"``, which stands
for the next operand. A slice bound may be ``"size"``: the next operand, a 0-d integer.
"""

from __future__ import annotations

from typing import Any

from kbplug.errors import ArgumentError
from kbplug.graph.node import Slice

Template = tuple[Any, ...]
ARRAY = "array"
SIZE = "size"


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
    """An integer of Python or of an array library, but no lazy tensor, no array and no boolean."""
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


def restore(template: Template, operands: list[Any]) -> tuple[Any, ...]:
    """Return the index that an array library understands: ``split`` undone."""
    rest = iter(operands)

    def entry(k: Any) -> Any:
        if isinstance(k, Slice):
            start, stop = (int(next(rest)) if b == SIZE else b for b in (k.start, k.stop))
            return slice(start, stop, k.step)
        return next(rest) if isinstance(k, str) else k

    return tuple(entry(k) for k in template)
