"""Python's search for cycles, put off while graphs are compiled. Knows no graph.

A compiler makes many small objects that all live on. Each search would walk over them once more, find nothing, and
together they would take a quarter of the time of compiling a large graph.
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Search:
    """How many blocks put the search off now, in any thread, and whether it goes on when the last of them ends."""

    lock = threading.Lock()
    waiting_for = 0
    goes_on = False


@contextmanager
def search_put_off() -> Iterator[None]:
    """Put the search off for the whole process until the block ends, by an error too; if it was off, it stays off."""
    with _Search.lock:
        if not _Search.waiting_for:
            _Search.goes_on = gc.isenabled()
            gc.disable()
        _Search.waiting_for += 1
    try:
        yield
    finally:
        with _Search.lock:
            _Search.waiting_for -= 1
            if not _Search.waiting_for and _Search.goes_on:
                gc.enable()


def _forget_threads() -> None:
    """Begin anew in a forked process, where no block of another thread will ever end."""
    _Search.lock = threading.Lock()
    if _Search.waiting_for and _Search.goes_on:
        gc.enable()
    _Search.waiting_for = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
