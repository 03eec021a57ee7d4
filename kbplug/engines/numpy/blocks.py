"""Elementwise and row-reduction regions, run block by block so that what lies between stays in cache, on all cores.

A region is a closed graph without state. Its operands are cut along one leading axis, each piece goes through the
region's emitted function, and the results are written side by side into one new array. Nothing here knows what a
region computes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from kbplug.engines.numpy import pool
from kbplug.graph.graph import Graph, transform
from kbplug.graph.node import Node, make, remake
from kbplug.graph.spec import Spec
from kbplug.runtime.emit import emit

if TYPE_CHECKING:
    from kbplug.engine import Engine, Kernel

Array = np.ndarray[Any, Any]

SMALL = 1 << 16
"""Below so many elements a region runs in one piece."""

THREADED = 1 << 18
"""Below so many elements one thread is as fast as several, which would wait for each other's interpreter lock."""

ALONE, TOGETHER = 1 << 18, 1 << 20
"""Bytes that one operand has in a block: with one thread, and with several, whose calls must be long."""


class Blocks:
    """What runs one region.

    Parameters
    ----------
    region
        Operands of any sizes in, one array out.
    engine, kernels
        With what its nodes are computed.
    """

    def __init__(self, region: Graph, engine: Engine, kernels: Mapping[str, Kernel]) -> None:
        (root,) = region.outputs
        assert isinstance(root.spec, Spec)
        self.spec = root.spec
        self.flat = all("elementwise" in n.op.traits for n in region.body if n.inputs)
        self.program = emit(
            Graph(region.inputs, transform([root], {i: i for i in region.inputs}, _along_last)), engine, kernels
        )
        self._run = self.program.run
        self._widest = _widest(region.inputs, self.spec)

    def __call__(self, *arrays: Array) -> Array:
        """Return the region's result, as an array of its own."""
        full = None if arrays[self._widest].size < SMALL else _broadcast(arrays)
        if full is None or 0 in full:
            found: Array = self._run(*arrays)[0]
            return found
        return self._by_blocks(arrays, full)

    def _by_blocks(self, arrays: Sequence[Array], full: tuple[int, ...]) -> Array:
        cut = arrange(arrays, full, flat=self.flat)
        last = full[-1] if self.spec.shape[-1] is None else self.spec.shape[-1]
        shape = full if self.flat else (*full[:-1], last)
        result = np.empty(shape, self.spec.dtype)
        target: Array = result
        if cut.flat or cut.collapsed:
            target = result.reshape(-1) if cut.flat else result.reshape(cut.length, -1)

        def compute(start: int, stop: int) -> None:
            found = self._run(*cut.piece(start, stop))[0]
            target[start:stop] = found

        threads = 1 if prod(full) < THREADED or pool.busy() else pool.workers()
        pieces = list(spans(cut.length, rows(cut.length, prod(full) * result.itemsize, threads)))
        if threads == 1:
            for start, stop in pieces:
                compute(start, stop)
        else:
            pool.run([lambda s=start, e=stop: compute(s, e) for start, stop in pieces])  # type: ignore[misc]
        return result


def _broadcast(arrays: Sequence[Array]) -> tuple[int, ...] | None:
    """Return the shape that the operands broadcast to; if none, the node that they reach raises the error to show."""
    try:
        return np.broadcast_shapes(*(a.shape for a in arrays))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Cut:
    """Operands arranged so that one leading axis can be cut.

    Attributes
    ----------
    arrays
        Views of the operands.
    along
        Which of them have the axis; the others go into each piece whole.
    length
        Of that axis.
    flat, collapsed
        Whether all axes, or all but the last, were made one.
    """

    arrays: Sequence[Array]
    along: Sequence[bool]
    length: int
    flat: bool = False
    collapsed: bool = False

    def piece(self, start: int, stop: int) -> list[Array]:
        """Return the operands of one piece."""
        return [a[start:stop] if cut else a for a, cut in zip(self.arrays, self.along, strict=True)]


def arrange(arrays: Sequence[Array], full: tuple[int, ...], *, flat: bool) -> Cut:
    """Return operands that broadcast to ``full``, arranged for cutting, without a copy.

    Parameters
    ----------
    flat
        Whether the last axis may be cut as well.
    """
    if flat and all(a.size == 1 or (a.shape == full and a.flags.c_contiguous) for a in arrays):
        return Cut([a.reshape(-1) for a in arrays], [a.shape == full for a in arrays], prod(full), flat=True)
    lead = full[:-1]
    whole = [a.ndim < 2 or prod(a.shape[:-1]) == 1 for a in arrays]
    if len(full) > 1 and all(
        w or (a.shape[:-1] == lead and a.flags.c_contiguous) for a, w in zip(arrays, whole, strict=True)
    ):
        views = [a if w and a.ndim < 2 else a.reshape(-1, a.shape[-1]) for a, w in zip(arrays, whole, strict=True)]
        return Cut(views, [not w for w in whole], prod(lead), collapsed=True)
    along = [a.ndim == len(full) and a.shape[0] == full[0] > 1 for a in arrays]
    return Cut(arrays, along, full[0])


def rows(length: int, size: int, threads: int) -> int:
    """Return how much of an axis of ``length`` a block takes, if all of it has ``size`` bytes."""
    block = ALONE if threads == 1 else min(TOGETHER, -(-size // threads))
    return max(1, block * length // size)


def spans(length: int, step: int) -> Iterator[tuple[int, int]]:
    """Yield where pieces of ``step`` begin and end."""
    for start in range(0, length, step):
        yield start, min(start + step, length)


def worth(region: Graph) -> bool:
    """Say whether a region may be large enough for blocks, and has an axis to cut."""
    (root,) = region.outputs
    if not isinstance(root.spec, Spec) or not region.inputs:
        return False
    widest = region.inputs[_widest(region.inputs, root.spec)].result
    small = None not in widest.shape and prod(n or 0 for n in widest.shape) < SMALL
    rows = 1 if all("elementwise" in n.op.traits for n in region.body if n.inputs) else 2
    return root.spec.ndim >= rows and widest.ndim == root.spec.ndim and not small


def _widest(inputs: Sequence[Node], spec: Spec) -> int:
    """Return the operand that most likely has the shape of the region: none has more dimensions or sizes not 1."""

    def width(i: int) -> tuple[int, int]:
        shape = inputs[i].result.shape
        return len(shape), sum(n != 1 for n in shape)

    return max(range(len(inputs)), key=width)


def _along_last(node: Node, inputs: tuple[Node, ...]) -> Node:
    """Return ``node`` over other operands; a reduction names its axis from the end, as it may lose those before."""
    if "axis" not in node.params:
        return remake(node, inputs)
    return make(node.op, inputs, {**node.params, "axis": -1}, node.spec, node.where)
