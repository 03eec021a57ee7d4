"""Loops become machine code when they first meet a kind of array, and stay on disk; knows numba and no op.

They run in the thread that calls them, without the interpreter's lock, so that the engine's own threads are the only
ones.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba

Loop = Callable[..., None]
"""Arrays in; the last one is written to."""


def compiled(loop: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``loop`` as numba compiles it; without a folder that can be written, each process compiles for itself."""
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        with _kept_in(folder()):
            found: Callable[..., Any] = numba.njit(loop, cache=True, **options)
    except (RuntimeError, OSError):
        found = numba.njit(loop, **options)
    return found


def folder() -> Path:
    """Return where machine code is kept: a folder of the user's own."""
    if sys.platform == "win32":
        home = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        home = Path.home() / "Library" / "Caches"
    else:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home, "kbplug", "numba")


@contextmanager
def _kept_in(place: Path) -> Iterator[None]:
    """Have numba keep what is declared inside in ``place``, unless NUMBA_CACHE_DIR names another."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = before or str(place)
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before
