"""Results that belong to the caller alone. Knows arrays, and neither graphs nor ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def owned(results: Sequence[Any], arrays: Sequence[Array]) -> tuple[Any, ...]:
    """Return results none of which is an operand, a view or another result; those that are, are copied."""
    seen = set(map(id, arrays))
    found = []
    for result in results:
        shares = id(result) in seen or getattr(result, "base", None) is not None
        seen.add(id(result))
        found.append(np.array(result) if shares else result)
    return tuple(found)


__all__ = ["owned"]
