"""A few threads for work on arrays: how many, and one call that runs tasks on them. Knows no graph and no op.

The calling thread works too, so ``workers()`` threads are busy at most for one caller, and none is started before
the first ``run``. NumPy releases the interpreter's lock inside its loops; a task should therefore make few and long
calls, since every hand-over of the lock costs tens of microseconds.
"""

from __future__ import annotations

import contextvars
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue

import numpy as np

from kbplug.config.keys import THREADS
from kbplug.engines.numpy import blas
from kbplug.errors import SettingsError

Task = Callable[[], None]

alone: contextvars.ContextVar[bool] = contextvars.ContextVar("kbplug_alone", default=False)
"""Whether what runs in this context has been told to do without other threads."""


def workers() -> int:
    """Return how many threads may compute at a time, the calling one included.

    That is 1 where this context is ``alone``; else ``KBPLUG_NUM_THREADS`` if it is set, else what ``OMP_NUM_THREADS``,
    ``OPENBLAS_NUM_THREADS`` and the limits of ``threadpoolctl`` allow; never more than the processors that this process
    may use.

    Raises
    ------
    SettingsError
        If ``KBPLUG_NUM_THREADS`` is no positive integer.
    """
    if alone.get():
        return 1
    own = os.environ.get(THREADS)
    if own:
        if not own.isdecimal() or not int(own):
            raise SettingsError(f"{THREADS} is {own!r}, but it must be a positive integer; or leave it unset.")
        return min(int(own), _processors())
    limits = (_limit("OMP_NUM_THREADS"), _limit("OPENBLAS_NUM_THREADS"), blas.threads())
    return min([_processors(), *(n for n in limits if n)])


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _limit(variable: str) -> int | None:
    """Return the number in a variable of another library; a list holds one for each level, the outermost first."""
    first = os.environ.get(variable, "").split(",")[0].strip()
    return int(first) if first.isdecimal() else None


class _Job:
    """The tasks of one ``run``, taken one by one by whichever thread is free."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._waiting = deque(tasks)
        self._left = len(tasks)
        self._lock = threading.Lock()
        self._error: BaseException | None = None
        self._done = threading.Event()

    def work(self) -> None:
        """Run tasks until none is waiting; after an error those that have not begun are dropped."""
        outer, _here.busy = _here.busy, True
        try:
            while True:
                try:
                    task = self._waiting.popleft()
                except IndexError:
                    return
                self._finish(self._failure(task))
        finally:
            _here.busy = outer

    def _failure(self, task: Task) -> BaseException | None:
        if self._error is None:
            try:
                task()
            except BaseException as error:  # noqa: BLE001 -- raised again by the caller of run
                return error
        return None

    def _finish(self, error: BaseException | None) -> None:
        with self._lock:
            self._error = self._error or error
            self._left -= 1
            if not self._left:
                self._done.set()

    def wait(self) -> None:
        """Wait for the tasks that other threads took, and raise the first error."""
        self._done.wait()
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None  # its traceback holds this frame


class _Here(threading.local):
    busy = False
    """Whether this thread is inside a task."""


_here = _Here()


class _Pool:
    """Threads that wait for jobs; they end with the process."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[tuple[contextvars.Context, _Job]] = SimpleQueue()
        self._lock = threading.Lock()
        self._size = 0

    def invite(self, job: _Job, number: int) -> None:
        """Ask ``number`` threads to work on ``job``; each sees the context variables of the caller."""
        with self._lock:
            while self._size < number:
                self._size += 1
                threading.Thread(target=self._serve, name=f"kbplug-{self._size}", daemon=True).start()
        for _ in range(number):
            self._jobs.put((contextvars.copy_context(), job))

    def _serve(self) -> None:
        while True:
            context, job = self._jobs.get()
            context.run(job.work)
            del context, job  # they hold arrays, and the next job may be long in coming


_pool = _Pool()


def run(tasks: Sequence[Task]) -> None:
    """Run every task, in this thread and up to ``workers() - 1`` others, and return when all have ended.

    Inside, NumPy warns of no floating-point error. A task that calls ``run`` runs the inner tasks itself, in order.

    Raises
    ------
    BaseException
        The first error of a task, with its traceback; tasks that had not begun by then do not run.
    """
    with np.errstate(all="ignore"):
        others = 0 if _here.busy else min(len(tasks), workers()) - 1
        if others < 1:
            for task in tasks:
                task()
            return
        job = _Job(tasks)
        _pool.invite(job, others)
        job.work()
        job.wait()


def busy() -> bool:
    """Say whether this thread is inside a task of ``run``, where more threads would only stand in each other's way."""
    return _here.busy


def _forget_threads() -> None:
    """Begin anew in a forked process, where no thread but the one that forked lives on."""
    global _pool  # noqa: PLW0603 -- a fork is the one event that replaces it
    _pool = _Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
