"""Random indices of arrays, of every kind that the standard has, as the text between the brackets."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st


@st.composite
def keys(draw: st.DrawFn, name: str, a: Any, *, apart: bool) -> str:
    """Draw an index of ``a``, which is called ``name``.

    Parameters
    ----------
    apart
        Whether no element may be picked twice: the standard leaves undefined what such an assignment leaves there.
    """
    if a.ndim and a.dtype.kind in "iu" and draw(st.integers(0, 3)) == 0:
        return f"{name} > 0"
    if a.ndim and draw(st.integers(0, 5)) == 0:
        return draw(_masks(a))
    taken = draw(st.integers(0, a.ndim))
    count = draw(st.integers(1, 3))  # all arrays of an index have one shape
    entries = [draw(_entries(n, min(count, *a.shape) if apart else count, apart)) for n in a.shape[:taken]]
    gap = draw(st.sampled_from(("", "", "...", "None")))
    if gap:
        entries.insert(draw(st.integers(0, taken)) if gap == "None" else taken, gap)
    if gap == "..." and taken < a.ndim and draw(st.booleans()):
        n = a.shape[-1]
        entries.append(draw(_entries(n, min(count, *a.shape) if apart else count, apart)))
    return ", ".join(entries) if entries else "()" if a.ndim == 0 else "..."


@st.composite
def _masks(draw: st.DrawFn, a: Any) -> str:
    """Draw a mask of the leading dimensions."""
    shape = a.shape[: draw(st.integers(1, a.ndim))]
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    if 0 in shape:
        return f"xp.zeros({shape}, dtype=xp.bool)"
    return f"xp.asarray({(random.random(shape) < 0.5).tolist()})"


@st.composite
def _entries(draw: st.DrawFn, size: int, count: int, apart: bool) -> str:
    """Draw an entry for one dimension."""
    kind = draw(st.sampled_from(("slice", "slice", "integer", "array")))
    if kind == "slice" or not size or not count:
        return draw(_slices(size))
    if kind == "integer":
        return str(draw(st.integers(-size, size - 1)))
    places = st.lists(st.integers(0, size - 1), min_size=count, max_size=count, unique=apart)
    return f"xp.asarray({[draw(st.sampled_from((p, p - size))) for p in draw(places)]})"


@st.composite
def _slices(draw: st.DrawFn, size: int) -> str:
    bounds = st.one_of(st.none(), st.integers(-size - 2, size + 2))
    start, stop, step = (draw(s) for s in (bounds, bounds, st.sampled_from((None, 1, 2, -1, -2, 3))))
    parts = ["" if p is None else str(p) for p in (start, stop)]
    return ":".join([*parts, *([] if step is None else [str(step)])])
