"""A ``sharded`` node on NumPy: parts of the batch on the pool's threads, with BLAS held to one thread each.

Results that lie side by side are written by each part into its slice of one array; shares are put together in the order
of the parts, so that a result does not depend on which thread was faster.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from math import ceil, inf
from typing import TYPE_CHECKING, Any

import numpy as np

from kbplug.engines.numpy import blas, pool
from kbplug.engines.numpy.owned import owned
from kbplug.ops.sharding import Cut, End, batch_size, first_cut

if TYPE_CHECKING:
    from kbplug.passes.shard import Sharding

Array = np.ndarray[Any, Any]
Body = Callable[..., Sequence[Any]]

_JOIN, _CALL, _SHARE = 200_000, 5_000, 2
"""Nanoseconds of a stage, to hand it out and collect it; of a node, to be called once more; of an element of shares."""

_ALONE, _TOGETHER = 1 << 20, 1 << 21
"""Bytes of the largest value in a part, on one thread and on several: few enough for the caches, enough for calls that
are long beside the hand-over of the interpreter's lock."""


def least_batch(sharding: Sharding) -> float | None:
    """Return from how many samples on parts save more than they cost, on threads or by fitting a cache; None if never.

    Where nobody can tell BLAS how many threads to take, its threads and ours would get in each other's way.
    """
    threads = pool.workers()
    if threads > 1 and blas.threads() is None:
        return None
    saved = sharding.work * (1 - 1 / threads)
    cost = _JOIN * sharding.stages + _CALL * sharding.nodes + _SHARE * sharding.shares
    least = min(_quotient(cost, saved), _quotient(2 * _best(threads), sharding.bytes))
    return None if least == inf else least


def _quotient(a: float, b: float) -> float:
    return a / b if b > 0 else inf


def sharded(
    *arrays: Array, body: Body, axes: Sequence[Cut | None], ends: Sequence[End], work: float, bytes: float = 0.0
) -> tuple[Any, ...]:
    """Run ``body`` on parts of the batch, one for each thread or more that fit a cache; on all of it if it is small."""
    samples = batch_size(arrays, axes) or 0
    parts = min(_parts(first_cut(arrays, axes)[0].size, work, bytes), samples)
    if parts < 2:
        return owned(body(*arrays), arrays)
    bounds = [samples * i // parts for i in range(parts + 1)]
    found = _Results(ends, samples, parts)

    def part(i: int) -> None:
        start, stop = bounds[i], bounds[i + 1]
        taken = [a if c is None else a[_slice(c, start, stop)] for a, c in zip(arrays, axes, strict=True)]
        found.put(i, start, stop, body(*taken))

    with blas.one_thread():
        pool.run([functools.partial(part, i) for i in range(parts)])
    return found.whole()


def _parts(elements: int, work: float, bytes: float) -> int:
    """Return how many parts are best for so many elements of the first operand: a multiple of the threads."""
    threads = 1 if pool.busy() else pool.workers()
    best = _best(threads)
    if bytes * elements > 2 * best:
        return threads * ceil(bytes * elements / (best * threads))
    return threads if work * elements > _JOIN else 1


def _best(threads: int) -> int:
    return _ALONE if threads == 1 else _TOGETHER


def _slice(cut: Cut, start: int, stop: int) -> tuple[slice, ...]:
    return (slice(None),) * cut.axis + (slice(start * cut.each, stop * cut.each),)


class _Results:
    """The results of all parts, as they come."""

    def __init__(self, ends: Sequence[End], samples: int, parts: int) -> None:
        self._ends, self._samples = ends, samples
        self._lock = threading.Lock()
        self._arrays: dict[int, Array] = {}
        self._shares: list[Sequence[Any]] = [()] * parts

    def put(self, part: int, start: int, stop: int, results: Sequence[Any]) -> None:
        """Take the results of the part from sample ``start`` to ``stop``."""
        self._shares[part] = results
        for i, (result, end) in enumerate(zip(results, self._ends, strict=True)):
            if isinstance(end, Cut):
                self._array(i, end, result)[_slice(end, start, stop)] = result

    def _array(self, i: int, cut: Cut, like: Array) -> Array:
        """Return the array that result ``i`` is written into, made for the first part that has it."""
        with self._lock:
            if i not in self._arrays:
                shape = (*like.shape[: cut.axis], self._samples * cut.each, *like.shape[cut.axis + 1 :])
                self._arrays[i] = np.empty_like(like, shape=shape)
            return self._arrays[i]

    def whole(self) -> tuple[Any, ...]:
        """Return every result, the shares put together."""
        return tuple(
            self._arrays[i] if isinstance(end, Cut) else _combined(end, [s[i] for s in self._shares])
            for i, end in enumerate(self._ends)
        )


def _combined(name: str, shares: Sequence[Any]) -> Any:
    combine = getattr(np, name)
    total = combine(shares[0], shares[1])
    for share in shares[2:]:
        total = combine(total, share)
    return total


KERNELS: dict[str, Callable[..., Any]] = {"sharded": sharded}
