"""How many threads NumPy's BLAS takes, read and set through ``threadpoolctl``; without it nothing is known.

Setting the number is global to the process and costs about a microsecond; finding the libraries costs a
millisecond and is done once.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Iterator, Sequence
from typing import Any

_lock = threading.Lock()
_held: dict[Any, int] = {}
"""While someone holds BLAS to one thread: each library, with the number of threads it had before."""
_holders = 0


@functools.cache
def libraries() -> Sequence[Any]:
    """Return what controls each BLAS loaded with NumPy; none if ``threadpoolctl`` is not installed."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return ()
    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)


def threads() -> int | None:
    """Return how many threads BLAS takes when nobody here holds it to one; None if that cannot be known."""
    with _lock:
        numbers = [_held.get(library) or library.get_num_threads() for library in libraries()]
    return min((n for n in numbers if n is not None), default=None)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Hold BLAS to one thread inside the ``with`` block; the last of several holders restores what was."""
    global _holders  # noqa: PLW0603 -- counted under the lock
    with _lock:
        if not _holders:
            _held.update((library, library.get_num_threads()) for library in libraries())
            _set(dict.fromkeys(_held, 1))
        _holders += 1
    try:
        yield
    finally:
        with _lock:
            _holders = max(_holders - 1, 0)  # none are left in a process forked inside
            if not _holders:
                _set(_held)
                _held.clear()


def _set(numbers: dict[Any, int]) -> None:
    for library, number in numbers.items():
        library.set_num_threads(number)


def _forget_holders() -> None:
    """Begin anew in a forked process, where those who held BLAS are gone."""
    global _lock, _holders
    _lock, _holders = threading.Lock(), 0
    _set(_held)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_holders)
