"""Names: unique numbers, unique names of variables and tensors, and the scopes that stand before them."""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeVar

from kbplug.errors import ArgumentError

_F = TypeVar("_F", bound=Callable[..., object])

_uids: Counter[str] = Counter()
_numbers: Counter[str] = Counter()
_lock = threading.Lock()
_scopes: contextvars.ContextVar[tuple[str, ...]] = contextvars.ContextVar("kbplug_name_scopes", default=())


def get_uid(prefix: str = "") -> int:
    """Return 1, 2, 3, ... at successive calls with the same prefix.

    Examples
    --------
    >>> K.reset_uids()
    >>> K.get_uid("dense"), K.get_uid("dense"), K.get_uid("conv")
    (1, 2, 1)
    """
    with _lock:
        _uids[prefix] += 1
        return _uids[prefix]


def reset_uids() -> None:
    """Let ``get_uid`` start again from 1.

    Examples
    --------
    >>> K.reset_uids()
    >>> K.get_uid("dense")
    1
    """
    with _lock:
        _uids.clear()


@contextlib.contextmanager
def name_scope(name: str) -> Iterator[str]:
    """Put ``name/`` before the names of what is made inside the ``with`` block; scopes nest.

    Examples
    --------
    >>> with K.name_scope("encoder"), K.name_scope("dense"):
    ...     v = K.variable(0.0, name="bias")
    >>> v.name
    'encoder/dense/bias'
    """
    token = _scopes.set((*_scopes.get(), str(name)))
    try:
        yield "/".join(_scopes.get())
    finally:
        _scopes.reset(token)


def full_name(name: str | None, kind: str) -> str:
    """Return the scopes and ``name``; without a ``name`` the scopes and ``kind_1``, ``kind_2``, ...

    A name that was given is kept as it is, since files are written and read by it.
    """
    if name is not None and not isinstance(name, str):
        raise ArgumentError(f"A name must be text, not {name!r}.")
    base = "/".join((*_scopes.get(), name or kind))
    if name:
        return base
    with _lock:
        _numbers[base] += 1
        return f"{base}_{_numbers[base]}"


def forget_names() -> None:
    """Let names and numbers start afresh."""
    with _lock:
        _uids.clear()
        _numbers.clear()


def symbolic(func: _F) -> _F:
    """Return ``func``: K builds graphs in every context, so there is none to enter.

    Examples
    --------
    >>> K.symbolic(len) is len
    True
    """
    return func


def eager(func: _F) -> _F:
    """Return ``func``: K has no graph that would have to be left.

    Examples
    --------
    >>> K.eager(len) is len
    True
    """
    return func
