"""A region as one callable on device arrays: one kernel for each layout of its operands, prepared at the first call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cupy

from kbplug_cupy.codegen.launch import launch, result_shapes
from kbplug_cupy.codegen.layout import VECTOR, MisfitError, Place, contiguous
from kbplug_cupy.codegen.pieces import Piece, pieces
from kbplug_cupy.codegen.program import Program
from kbplug_cupy.codegen.types import CTYPES
from kbplug_cupy.compiled import Prepared, alignment, place

Shapes = tuple[tuple[int, ...], ...]
Plan = tuple[Prepared | None, Shapes] | None
"""What runs, None if nothing has to, and the shapes of the results; None if the region has to be run in pieces."""

REDUCE = {"sum": cupy.sum, "prod": cupy.prod, "max": cupy.max, "min": cupy.min, "mean": cupy.mean}
REMEMBERED = 1024
"""Layouts of operands that a region keeps plans for."""


class Fused:
    """A region, compiled for each layout of operands that it meets.

    Parameters
    ----------
    program
        The region.
    processors
        How many multiprocessors the device has.
    """

    def __init__(self, program: Program, processors: int) -> None:
        self.program, self.processors = program, processors
        self._plans: dict[Any, Plan] = {}
        self._dtypes = [program.values[p].dtype for p in program.outputs]
        self._pieces: list[tuple[Piece, Fused]] = []

    def __call__(self, *arrays: Any, out: Any = None) -> Any:
        """Return the result, or the tuple of results, of the region.

        Parameters
        ----------
        arrays
            Its operands.
        out
            One of them to write the result over; of several results a list, with None for an array of its own.
        """
        over = out if isinstance(out, list) else [out] * len(self._dtypes)
        key = tuple(None if a is None else (a.shape, a.strides, alignment(a)) for a in (*arrays, *over))
        if key not in self._plans:
            if len(self._plans) >= REMEMBERED:
                self._plans.clear()
            self._plans[key] = self._plan(arrays, over)
        plan = self._plans[key]
        if plan is None:
            return self._by_pieces(arrays)
        prepared, shapes = plan
        results = self._results(shapes, over)
        if prepared is not None:
            prepared((*arrays, *results))
        return results[0] if len(results) == 1 else tuple(results)

    def _results(self, shapes: Shapes, over: Sequence[Any]) -> list[Any]:
        rows = zip(shapes, self._dtypes, over, strict=True)
        return [cupy.empty(s, dtype=getattr(cupy, d)) if o is None else o for s, d, o in rows]

    def _plan(self, arrays: Sequence[Any], over: Sequence[Any]) -> Plan:
        taken = [place(a) for a in arrays]
        try:
            shapes = tuple(result_shapes(self.program, [p.shape for p in taken]))
            rows = zip(shapes, self._dtypes, over, strict=True)
            given = [_fresh(s, d) if o is None else place(o) for s, d, o in rows]
            aliased = any(o is not None for o in over)
            found = launch(self.program, [*taken, *given], aliased=aliased, processors=self.processors)
        except MisfitError:
            return None
        return (Prepared(found) if found else None), shapes

    def _by_pieces(self, arrays: Sequence[Any]) -> Any:
        """Return the results by an elementwise kernel before each reduction, which CuPy makes."""
        if not self._pieces:
            self._pieces = [(p, Fused(p.program, self.processors)) for p in pieces(self.program)]
        found: dict[int, Any] = dict(enumerate(arrays))
        for piece, run in self._pieces:
            taken = [found[p] for p in piece.inputs]
            value = run(*taken) if len(piece.program.values) > 1 else taken[0]
            if piece.reduction:
                dtype = {} if piece.reduction in ("max", "min") else {"dtype": value.dtype}
                value = REDUCE[piece.reduction](value, axis=-1, keepdims=True, **dtype)
            found[piece.place] = value
        results = [found[p] for p in self.program.outputs]
        return results[0] if len(results) == 1 else tuple(results)


def _fresh(shape: tuple[int, ...], dtype: str) -> Place:
    """Return where a result that is not yet allocated will lie; the allocator aligns it."""
    return Place(shape, contiguous(shape), VECTOR, CTYPES[dtype].size)
