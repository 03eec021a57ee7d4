"""Rows combined by number: sums, largest and least of segments, and what is scattered. Knows no op and no index.

Rows come in their order, as in NumPy's own ``at``; the engine adds many rows to a number in pairs, and may differ in
the last bits of a sum.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kbplug_numba.compiling import compiled

Array = np.ndarray[Any, Any]


@compiled
def add(rows: Array, ids: Array, out: Array) -> None:
    """Add each row to the one of ``out`` that its id names, if there is one."""
    for i in range(len(ids)):
        k = ids[i]
        if 0 <= k < len(out):
            for j in range(out.shape[1]):
                out[k, j] += rows[i, j]


@compiled
def scatter(rows: Array, ids: Array, out: Array) -> Any:
    """Add each row to the one of ``out`` that its id names, negative ones from the end; say whether all were there."""
    count = len(out)
    for i in range(len(ids)):
        k = ids[i] + count if ids[i] < 0 else ids[i]
        if not 0 <= k < count:
            return False
        for j in range(out.shape[1]):
            out[k, j] += rows[i, j]
    return True


@compiled
def raise_to(rows: Array, ids: Array, out: Array) -> None:
    """Put in each row of ``out`` what is larger, and a NaN over all."""
    for i in range(len(ids)):
        k = ids[i]
        if 0 <= k < len(out):
            for j in range(out.shape[1]):
                if rows[i, j] > out[k, j] or np.isnan(rows[i, j]):
                    out[k, j] = rows[i, j]


@compiled
def lower_to(rows: Array, ids: Array, out: Array) -> None:
    """Put in each row of ``out`` what is less, and a NaN over all."""
    for i in range(len(ids)):
        k = ids[i]
        if 0 <= k < len(out):
            for j in range(out.shape[1]):
                if rows[i, j] < out[k, j] or np.isnan(rows[i, j]):
                    out[k, j] = rows[i, j]
