"""A large call cut by its batch: slices on the pool's threads, and blocks of samples or rows that fit the cache.

Knows the shapes of arrays and no op.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TypeVar

from kbplug.engines.numpy import blas, pool

T = TypeVar("T")

LARGE = 1 << 26
"""Products of a call from which threads save more than they cost."""


def spread(batch: int, products: int, task: Callable[[slice], T]) -> list[T]:
    """Return what ``task`` makes of each slice of the batch, in their order.

    Several slices run at a time, with BLAS held to one thread, if there are ``LARGE`` products and this thread is not
    inside a task already; else one slice holds the whole batch.
    """
    threads = 1 if products < LARGE or pool.busy() or blas.threads() is None else min(batch, pool.workers())
    if threads < 2:
        return [task(slice(0, batch))]
    bounds = [batch * i // threads for i in range(threads + 1)]
    found: dict[int, T] = {}

    def run(i: int) -> None:
        found[i] = task(slice(bounds[i], bounds[i + 1]))

    with blas.one_thread():
        pool.run([functools.partial(run, i) for i in range(threads)])
    return [found[i] for i in range(threads)]


def blocks(batch: int, rows: int, weight: int, budget: int) -> Iterator[tuple[slice, slice]]:
    """Yield slices of samples and of rows, of ``weight`` bytes a row, within ``budget`` bytes if one row is.

    A block is either some samples with all of their rows, or some rows of one sample.
    """
    if not batch or not rows:
        return
    samples = budget // max(weight * rows, 1)
    if samples:
        yield from ((slice(i, min(i + samples, batch)), slice(0, rows)) for i in range(0, batch, samples))
        return
    step = max(1, budget // weight)
    for i in range(batch):
        yield from ((slice(i, i + 1), slice(j, min(j + step, rows))) for j in range(0, rows, step))


__all__ = ["LARGE", "blocks", "spread"]
