"""Which processors threads that share work run on: the caller stays on its own, the others keep off it.

Threads that hand the interpreter's lock to each other wake each other up. Linux may take that for a conversation and
draw them together on one processor, where they take turns for tens of milliseconds. Knows no array.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Callable
from threading import get_ident

Task = Callable[[], None]
Processors = frozenset[int]


def apart(task: Task) -> Task:
    """Return a task for this thread and others, during which they do not run on this thread's processor."""
    where, caller = _here(), get_ident()
    mine = frozenset(os.sched_getaffinity(0)) if where else frozenset[int]()
    own = mine & {where()} if where else mine
    if not own or own == mine:
        return task

    def placed() -> None:
        if not _move(own if get_ident() == caller else mine - own):
            task()
            return
        try:
            task()
        finally:
            _move(mine)

    return placed


def _move(processors: Processors) -> bool:
    """Have this thread run on some processors; return whether it may, which a sandbox can forbid."""
    try:
        os.sched_setaffinity(0, processors)
    except OSError:
        return False
    return True


@functools.cache
def _here() -> Callable[[], int] | None:
    """Return what tells the processor that this thread runs on, where threads can choose theirs."""
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.PyDLL(None), "sched_getcpu", None)


__all__ = ["apart"]
