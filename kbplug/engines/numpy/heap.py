"""Memory that arrays let go stays with the process, so that the next call need not ask the system for it again.

The allocator of glibc hands a large block back as soon as it is free. The next array of that size gets pages that the
system must first clear, one interruption for every 4 KiB, which takes longer than most work on them. Knows no array.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys

LARGEST, SPARE = 1 << 28, 1 << 29
"""Blocks of more bytes are handed back at once; of the others, what is free at the end of the heap beyond so many."""

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # glibc's malloc.h
_OWN = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_")


@functools.cache
def keep() -> bool:
    """Have the allocator keep what is let go, unless the environment tunes it; return whether it does.

    The user's word is any of glibc's own variables: ``MALLOC_TRIM_THRESHOLD_=131072`` is its usual way.
    """
    tuned = any(os.environ.get(name) for name in _OWN) or "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", "")
    if tuned or not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    return mallopt is not None and bool(mallopt(_MMAP_THRESHOLD, LARGEST) and mallopt(_TRIM_THRESHOLD, SPARE))
