"""Elementwise and row-reduction regions, run block by block so that what lies between stays in cache, on all cores.

A region is a closed graph without state. Its operands are cut along one leading axis, and each piece goes through the
region's emitted function, which writes its results side by side into new arrays, and what lies between into memory that
each thread keeps. Nothing here knows what a region computes.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from kbplug.engines.numpy import blas, idioms, pool, reductions, rowwise, scratch
from kbplug.engines.numpy.apart import apart
from kbplug.engines.numpy.owned import owned
from kbplug.graph.graph import Graph
from kbplug.graph.node import Node
from kbplug.passes.regions import is_sum_of_rows
from kbplug.runtime.calls import body_of
from kbplug.runtime.emit import emit

if TYPE_CHECKING:
    from kbplug.engine import Engine, Kernel

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]

SMALL = 1 << 18
"""Below so many elements a region runs in one piece, which the cache holds; to cut it costs more than it saves."""

THREADED = 1 << 19
"""Below so many elements one thread is faster than several, which wake up and wait for each other's lock."""

ALONE, TOGETHER, IN_ROWS, BESIDE = 1 << 18, 1 << 19, 1 << 21, 1 << 22
"""Bytes that one operand has in a block: with one thread, with several, with several where rows are reduced, and with
one while others are at other parts of a batch.

Several threads hand the interpreter's lock to each other, so that their calls must be long. What computes columns is
too short to let the lock go; then, and among the long calls of a part, larger blocks are better than those that stay in
the second-level cache.
"""

SHAPES = 32
"""For how many shapes of operands the way over them is kept; after that, all over again."""

LOOP, SHORT_LOOPS, BUFFER = 256, 2048, 8192
"""Rows from which on each is a loop of its own; elements of a buffer for shorter ones, and NumPy's own choice."""


class Blocks:
    """What runs one region.

    Parameters
    ----------
    region
        Operands of any sizes in, arrays out.
    engine, kernels
        With what its nodes are computed.
    """

    def __init__(self, region: Graph, engine: Engine, kernels: Mapping[str, Kernel]) -> None:
        self.region, self._engine, self._kernels = region, engine, kernels
        self.flat = is_flat(region)
        self.program = emit(region, engine, kernels)
        self._run = self.program.run
        self._widest = _widest(region.inputs)
        self._idioms = "idioms" not in engine.left_out
        self._parted = rowwise.in_fewer_calls(region) if self._idioms else region
        self._reach = scratch.Reach(self._parted)
        self._sums = [i for i, n in enumerate(region.outputs) if is_sum_of_rows(n)]
        self._courses: dict[Any, Course | None] = {}

    def __call__(self, *arrays: Array) -> Any:
        """Return the region's result, or a tuple of its results, as arrays of their own."""
        course = None if arrays[self._widest].size < SMALL else self._course(arrays)
        found = owned(self._run(*arrays), arrays) if course is None else self._by_blocks(arrays, course)
        return found[0] if len(found) == 1 else found

    def _course(self, arrays: Sequence[Array]) -> Course | None:
        """Return how to go over operands like these, worked out once; None if all at once is the only way."""
        key = tuple([(a.shape, a.flags.c_contiguous) for a in arrays])
        try:
            return self._courses[key]
        except KeyError:
            if len(self._courses) >= SHAPES:
                self._courses.clear()
            found = self._courses[key] = self._laid_out(arrays)
            return found

    def _laid_out(self, arrays: Sequence[Array]) -> Course | None:
        shapes = [a.shape for a in arrays]
        outputs, likes = self._parted.outputs, self._plan.likes
        try:  # where operands do not fit together, the node they reach raises the error
            results = [self._reach.shape(n, shapes) for n in outputs]
            cut = arrange(arrays, results, flat=self.flat)
        except ValueError:
            return None
        if cut is None or 0 in cut.full:
            return None
        summed = {i: self._reach.shape(outputs[i].inputs[0], shapes) for i in self._sums}
        return Course(
            cut,
            results=[(shape, n.result.dtype) for shape, n in zip(results, self.region.outputs, strict=True)],
            whole=[cut.piece(s, cut.length) for s in (*shapes, *results)],
            along=[cut.carries(s) for s in (*shapes, *results)],
            likes=[(self._reach.shape(n, shapes), n.result.dtype) for n in likes],
            shares=[cut.carries(summed[i]) for i in self._sums],
        )

    def _by_blocks(self, arrays: Sequence[Array], course: Course) -> tuple[Array, ...]:
        results = tuple([np.empty(shape, dtype) for shape, dtype in course.results])
        views = [a.reshape(shape) for a, shape in zip((*arrays, *results), course.whole, strict=True)]
        length, size = course.cut.length, prod(course.cut.full)
        threads = 1 if size < THREADED or pool.busy() else pool.workers()
        step = rows(length, size * max(r.itemsize for r in results), threads, self._block(threads))
        waiting, kinds = deque(spans(length, step)), course.buffers(min(step, length))
        parts: dict[int, list[Array]] = {}

        def work() -> None:
            with loops_of(course.cut.full[-1]):
                buffers = list(scratch.carve([(shape, dtype) for shape, dtype, _ in kinds]))
                while waiting:
                    try:
                        start, stop = waiting.popleft()
                    except IndexError:
                        return
                    rest = [b[: stop - start] if cuts else b for b, (*_, cuts) in zip(buffers, kinds, strict=True)]
                    parts[start] = self._block_of(views, course.along, len(arrays), rest, start, stop)

        if threads == 1:
            work()
        else:
            with blas.one_thread():
                pool.run([apart(work)] * threads)
        for k, (i, shared) in enumerate(zip(self._sums, course.shares, strict=True)):
            if shared:  # what the blocks have of a sum of all rows, in the order of the blocks
                np.add.reduce([parts[start][k] for start in sorted(parts)], axis=0, out=results[i])
        return results

    def _block_of(
        self, views: Sequence[Array], along: Sequence[bool], operands: int, rest: Sequence[Array], start: int, stop: int
    ) -> list[Array]:
        """Compute a block of the results, and return its shares of sums of all rows."""
        taken = [v[start:stop] if cuts else v for v, cuts in zip(views, along, strict=True)]
        targets, cut = taken[operands:], along[operands:]
        own = [v if cuts else np.empty_like(v) for v, cuts in zip(targets, cut, strict=True)]
        found = self._into(*taken[:operands], *own, *rest)
        for value, target, cuts in zip(found, targets, cut, strict=True):
            if value is not target and (cuts or not start):
                target[...] = value
        return [found[i] for i in self._sums]

    def _block(self, threads: int) -> int:
        """Return how many bytes one operand has in a block."""
        if threads == 1:
            return BESIDE if pool.busy() else ALONE
        return TOGETHER if self.flat else IN_ROWS

    @functools.cached_property
    def _plan(self) -> scratch.Plan:
        return scratch.plan(self._parted, self._writes, self._writes_over)

    def _writes(self, node: Node) -> bool:
        """Say whether a node can be told where to write."""
        name = node.op.name
        given = name in idioms.INTO and name in self._kernels
        return given or self._writes_over(node) or (name == "clip" and body_of(node) is None)

    def _writes_over(self, node: Node) -> bool:
        """Say whether a node is a ufunc, which may write over what it reads."""
        name = node.op.name
        given = name in self._engine.in_place and name not in self._kernels and body_of(node) is None
        return given or name in rowwise.OVER

    @functools.cached_property
    def _into(self) -> Any:
        """The region's function, which takes arrays for its results and buffers after the operands."""
        kernels = {**self._kernels, **({**reductions.ROWS, **rowwise.KERNELS} if self._idioms else {})}
        program = emit(self._plan.graph, self._engine, kernels, into=self._plan.into)
        self.program.twins.append(program)
        return program.run


@dataclass(frozen=True, slots=True)
class Cut:
    """How operands and results are cut along one leading axis.

    Attributes
    ----------
    full
        The shape that operands broadcast to.
    results
        The shapes of the results.
    merged
        How many leading axes were made one.
    """

    full: Shape
    results: Sequence[Shape]
    merged: int

    @property
    def length(self) -> int:
        """How much there is to cut."""
        return prod(self.full[: self.merged])

    def carries(self, shape: Shape) -> bool:
        """Say whether an array has the axis; others go into each piece whole."""
        return len(shape) == len(self.full) and shape[: self.merged] == self.full[: self.merged] and self.length > 1

    def fits(self, shape: Shape) -> bool:
        """Say whether an array has all of the merged axes, or none of them."""
        lead = shape[: len(shape) - len(self._rest(shape))]
        return self.carries(shape) or prod(lead) == 1

    def piece(self, shape: Shape, step: int) -> Shape:
        """Return the shape of an array's part in a block of ``step``."""
        rest = self._rest(shape)
        if self.carries(shape):
            return (step, *rest)
        return (1, *rest) if len(rest) < len(shape) else shape

    def _rest(self, shape: Shape) -> Shape:
        """Return the sizes of the axes that stay as they are."""
        return shape[max(0, len(shape) - len(self.full) + self.merged) :]


@dataclass(frozen=True, slots=True)
class Course:
    """How a region goes over operands of given shapes, block by block.

    Attributes
    ----------
    cut
        Along what.
    results
        Shape and dtype of each result.
    whole, along
        For each operand, then each result: its shape with the merged axis, and whether it has that axis.
    likes
        Shape and dtype of the values that lie in buffers, for all blocks together.
    shares
        Whether blocks have shares of each sum of all rows.
    """

    cut: Cut
    results: Sequence[tuple[Shape, str]]
    whole: Sequence[Shape]
    along: Sequence[bool]
    likes: Sequence[tuple[Shape, str]]
    shares: Sequence[bool]

    def buffers(self, step: int) -> list[tuple[Shape, str, bool]]:
        """Return the shape and dtype of each buffer for a block of ``step``, and whether it is cut with it."""
        return [(self.cut.piece(shape, step), dtype, self.cut.carries(shape)) for shape, dtype in self.likes]


def arrange(arrays: Sequence[Array], results: Sequence[Shape], *, flat: bool) -> Cut | None:
    """Return how operands are cut without a copy, along as many leading axes as can be made one; None if none can.

    Parameters
    ----------
    results
        The shapes of the results.
    flat
        Whether the last axis may be cut as well.

    Raises
    ------
    ValueError
        If operands do not broadcast together.
    """
    shapes = [*(a.shape for a in arrays), *results]
    if flat:
        full = np.broadcast_shapes(*shapes)
    else:  # rows of several lengths may stand in one region
        lead = np.broadcast_shapes(*((*s[:-1], 1) for s in shapes))[:-1]
        full = (*lead, max(s[-1] for s in shapes if s))
    rank = len(full)
    for merged in dict.fromkeys((rank, rank - 1, 1) if flat else (rank - 1, 1)):
        cut = Cut(full, results, merged)
        split = merged > 1 and any(cut.carries(a.shape) and not a.flags.c_contiguous for a in arrays)
        if 0 < merged < rank + flat and not split and all(map(cut.fits, shapes)):
            return cut
    return None


def rows(length: int, size: int, threads: int, block: int) -> int:
    """Return how much of an axis of ``length`` and ``size`` bytes a ``block`` takes, so that each thread has a part."""
    return max(1, min(block, -(-size // threads)) * length // size)


@contextmanager
def loops_of(row: int) -> Iterator[None]:
    """Have NumPy compute row by row.

    Beside a matrix it spreads a column or a row out in a buffer, as far as several rows of the matrix go in there, and
    that takes longer than to compute with them. Where only one row goes in, nothing is copied; short rows are not worth
    a loop each, but a buffer that stays in the first-level cache.
    """
    if row > BUFFER:
        yield
        return
    usual = np.setbufsize(-(-row // 16) * 16 if row >= LOOP else SHORT_LOOPS)
    try:
        yield
    finally:
        np.setbufsize(usual)


def spans(length: int, step: int) -> Iterator[tuple[int, int]]:
    """Yield where pieces of ``step`` begin and end."""
    for start in range(0, length, step):
        yield start, min(start + step, length)


def is_flat(region: Graph) -> bool:
    """Say whether all of a region is elementwise, so that it may be cut anywhere."""
    return all("elementwise" in n.op.traits for n in region.body if n.inputs)


def worth(region: Graph) -> bool:
    """Say whether a region may be large enough for blocks, and has an axis to cut."""
    if not region.inputs:
        return False
    widest = region.inputs[_widest(region.inputs)].result
    ranks = {(n.inputs[0] if is_sum_of_rows(n) else n).result.ndim for n in region.outputs}
    small = None not in widest.shape and prod(n or 0 for n in widest.shape) < SMALL
    return ranks == {widest.ndim} and widest.ndim >= (1 if is_flat(region) else 2) and not small


def _widest(inputs: Sequence[Node]) -> int:
    """Return the operand that most likely has the shape of the region: none has more dimensions or sizes not 1."""

    def width(i: int) -> tuple[int, int]:
        shape = inputs[i].result.shape
        return len(shape), sum(n != 1 for n in shape)

    return max(range(len(inputs)), key=width)


__all__ = ["Blocks", "Cut", "arrange", "rows", "spans", "worth"]
