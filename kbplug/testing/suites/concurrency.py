"""Calls that overlap: threads on one function, threads that update, asyncio tasks on several engines."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

import kbplug
from kbplug import engine_scope
from kbplug.engine import Engine
from kbplug.testing.application import GROUND, quiet
from kbplug.testing.suites.behaviour import NEEDS, K
from kbplug.testing.suites.case import Case

THREADS = 4
CALLS = 25


def cases() -> Iterator[Case]:
    """Yield the cases."""
    for check in (one_function_in_threads, two_functions_in_threads, updates_in_threads):
        yield Case(f"threads/{check.__name__.replace('_', '-')}", check, NEEDS | {"thread_safe"})
    yield Case("threads/asyncio-tasks", asyncio_tasks, NEEDS)
    yield Case("threads/a-new-thread-starts-from-the-process", a_new_thread_starts_from_the_process, NEEDS)


def together(jobs: list[Callable[[], Any]]) -> list[Any]:
    """Run every job in a thread of its own, all from the same moment."""
    barrier = threading.Barrier(len(jobs))

    def start(job: Callable[[], Any]) -> Any:
        barrier.wait(timeout=60)
        with quiet():
            return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result(timeout=120) for future in [pool.submit(start, job) for job in jobs]]


def _worker(engine: Engine, f: Any, number: int) -> int:
    """Return how many of the calls gave another thread's numbers, or none."""
    wrong = 0
    with engine_scope(engine):
        for call in range(CALLS):
            value = np.full((64,), number * 1000 + call, dtype=np.float32)
            (found,) = f([value])
            wrong += not np.array_equal(found, value * 2 + 1)
    return wrong


def _doubler() -> Any:
    x = K.placeholder((64,), dtype="float32")
    return K.function([x], [x * 2.0 + 1.0])


def one_function_in_threads(engine: Engine) -> None:
    """Threads that call one function each get the answer to their own question."""
    f = _doubler()
    wrong = sum(together([partial(_worker, engine, f, i) for i in range(THREADS)]))
    assert wrong == 0, f"{wrong} of {THREADS * CALLS} calls of one function in threads got numbers that are not theirs."


def two_functions_in_threads(engine: Engine) -> None:
    """Functions in threads do not share what they compute with."""
    wrong = sum(together([partial(_worker, engine, _doubler(), i) for i in range(THREADS)]))
    assert wrong == 0, f"{wrong} of {THREADS * CALLS} calls of functions in threads got numbers that are not theirs."


def updates_in_threads(engine: Engine) -> None:
    """Updates from threads add up: none is lost."""
    total = K.variable(0.0, dtype="float32")
    f = K.function([], [total], updates=[K.update_add(total, 1.0)])

    def count() -> None:
        with engine_scope(engine):
            for _ in range(CALLS):
                f([])

    together([count] * THREADS)
    found = float(K.get_value(total))
    assert found == THREADS * CALLS, f"{THREADS * CALLS} updates from threads add up to {found}."


def asyncio_tasks(engine: Engine) -> None:
    """Tasks that take turns keep each its own engine, and share a function."""
    f = _doubler()

    async def task(chosen: Engine, number: int) -> int:
        with engine_scope(chosen), quiet():
            wrong = 0
            for call in range(5):
                await asyncio.sleep(0)
                value = np.full((64,), number * 10 + call, dtype=np.float32)
                wrong += kbplug.engine() is not chosen or not np.array_equal(f([value])[0], value * 2 + 1)
            return wrong

    async def all_tasks() -> list[int]:
        return await asyncio.gather(*(task(kbplug.engine(GROUND) if i % 2 else engine, i) for i in range(6)))

    wrong = sum(_run(all_tasks))
    assert wrong == 0, f"{wrong} of 30 turns of tasks ran on another task's engine, or with its numbers."


def _run(main: Callable[[], Any]) -> Any:
    """Run a coroutine in a thread of its own: the caller may have a loop already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(main())).result(timeout=120)


def a_new_thread_starts_from_the_process(engine: Engine) -> None:
    """A scope is the business of one thread."""
    before = kbplug.engine()
    with engine_scope(engine), ThreadPoolExecutor(1) as pool:
        found = pool.submit(kbplug.engine).result(timeout=60)
    assert found is before, f"A new thread runs on {found}, although only its parent entered a scope."
