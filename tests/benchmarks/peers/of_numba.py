"""numba: loops written for it, where a workload has some."""

from __future__ import annotations

import numba  # noqa: F401 -- so that its import is measured

from peers import NotWritten


def candidate(workload, arrays, mode):
    """Return a call of the loops."""
    if not hasattr(workload, "by_numba"):
        raise NotWritten("no loops are written")
    run = workload.by_numba()
    return lambda: run(*arrays)
