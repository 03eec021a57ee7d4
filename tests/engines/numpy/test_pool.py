"""The pool of threads: what it runs, what it raises, and how many threads it takes."""

import os
import subprocess
import sys
import threading
import traceback
import warnings

import numpy as np
import pytest

from kbplug.engines.numpy import blas, pool
from kbplug.errors import SettingsError


@pytest.fixture
def three(monkeypatch):
    """Three workers, however many processors there are."""
    monkeypatch.setattr(pool, "workers", lambda: 3)


def test_every_task_runs_once(three):
    done = []
    pool.run([lambda i=i: done.append(i) for i in range(100)])
    assert sorted(done) == list(range(100))
    pool.run([])


def test_tasks_run_at_the_same_time(three):
    together = threading.Barrier(3, timeout=30)
    pool.run([together.wait] * 3)


def test_the_calling_thread_works_too(three):
    seen = set()
    together = threading.Barrier(3, timeout=30)

    def task():
        together.wait()
        seen.add(threading.get_ident())

    pool.run([task] * 3)
    assert len(seen) == 3
    assert threading.get_ident() in seen


def test_the_first_error_is_raised_with_its_traceback_and_the_rest_is_dropped(three):
    def fail():
        raise KeyError("here")

    started = []
    with pytest.raises(KeyError, match="here") as caught:
        pool.run([fail] * 3 + [lambda: started.append(1)] * 1000)
    assert "fail" in [f.name for f in traceback.extract_tb(caught.value.__traceback__)]
    assert len(started) < 1000


def test_an_error_leaves_the_pool_working(three):
    with pytest.raises(ZeroDivisionError):
        pool.run([lambda: 1 / 0] * 3)
    test_tasks_run_at_the_same_time(None)


def test_a_task_that_runs_tasks_runs_them_itself(three):
    inner = []

    def outer():
        here = threading.get_ident()
        pool.run([lambda: inner.append(threading.get_ident() == here)] * 4)
        assert pool.busy()

    pool.run([outer] * 3)
    assert inner == [True] * 12
    assert not pool.busy()


@pytest.mark.parametrize("count", [1, 3])
def test_no_task_warns_of_what_floats_do(three, count):
    zero = np.zeros(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pool.run([lambda: np.divide(1, zero)] * count)
    assert np.geterr()["divide"] != "ignore"


def test_tasks_see_the_context_variables_of_the_caller(three):
    import contextvars

    variable = contextvars.ContextVar("variable", default=0)
    variable.set(5)
    seen = []
    together = threading.Barrier(3, timeout=30)

    def task():
        together.wait()
        seen.append(variable.get())

    pool.run([task] * 3)
    assert seen == [5] * 3


def test_two_callers_at_once(three):
    totals = []

    def caller(n):
        parts = [0] * 50

        def task(i):
            parts[i] = n

        pool.run([lambda i=i: task(i) for i in range(50)])
        totals.append(sum(parts))

    threads = [threading.Thread(target=caller, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert sorted(totals) == [50 * n for n in range(8)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own(three):
    pool.run([lambda: None] * 3)
    child = os.fork()
    if not child:
        together = threading.Barrier(3, timeout=30)
        try:
            pool.run([together.wait] * 3)
        except BaseException:  # noqa: BLE001 -- nothing of the test may go on in the child
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.fixture
def plain(monkeypatch):
    """Eight processors and no limit."""
    for name in ("KBPLUG_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pool, "_processors", lambda: 8)
    monkeypatch.setattr(blas, "threads", lambda: None)
    return monkeypatch


@pytest.mark.parametrize(
    ("variables", "known", "expected"),
    [
        ({}, None, 8),
        ({}, 4, 4),
        ({}, 16, 8),
        ({"OMP_NUM_THREADS": "3"}, 4, 3),
        ({"OMP_NUM_THREADS": "2,1"}, 4, 2),
        ({"OPENBLAS_NUM_THREADS": "1"}, 4, 1),
        ({"OMP_NUM_THREADS": "many"}, 4, 4),
        ({"KBPLUG_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "1"}, 1, 2),
        ({"KBPLUG_NUM_THREADS": "99"}, None, 8),
    ],
)
def test_how_many_threads_there_may_be(plain, variables, known, expected):
    for name, value in variables.items():
        plain.setenv(name, value)
    plain.setattr(blas, "threads", lambda: known)
    assert pool.workers() == expected


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_a_number_of_threads_that_is_none(plain, value):
    plain.setenv("KBPLUG_NUM_THREADS", value)
    with pytest.raises(SettingsError, match="positive integer"):
        pool.workers()


def test_the_processors_of_this_process_count():
    assert 1 <= pool._processors() <= (os.cpu_count() or 1)


needs_threadpoolctl = pytest.mark.skipif(not blas.libraries(), reason="threadpoolctl knows no BLAS here")


@needs_threadpoolctl
def test_blas_is_held_to_one_thread_and_restored():
    from threadpoolctl import threadpool_info, threadpool_limits

    blas.libraries.cache_clear()  # SciPy brings a BLAS of its own, and another test may have loaded it since

    def number():
        return {i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas"}

    with threadpool_limits(2, user_api="blas"):
        with blas.one_thread():
            with blas.one_thread():
                assert number() == {1}
            assert number() == {1}
            assert blas.threads() == 2
        assert number() == {2}
        with pytest.raises(KeyError), blas.one_thread():
            raise KeyError
        assert number() == {2}
    with threadpool_limits(1, user_api="blas"):
        assert blas.threads() == 1


PROGRAM = """
import threading
from contextlib import nullcontext
import numpy as np
from kbplug import backend as K

x = K.placeholder((None, 1024))
f = K.function([x], [K.exp(K.tanh(x) * 2.0)])
with {scope}:
    f([np.ones((1024, 1024), "float32")])
print(sum(t.name.startswith("kbplug-") for t in threading.enumerate()))
"""
THREADS = ("KBPLUG_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
LIMITED = "__import__('threadpoolctl').threadpool_limits(1)"
ALONE = "__import__('kbplug').without('threads')"


@needs_threadpoolctl
@pytest.mark.parametrize(
    ("variables", "scope", "others"),
    [
        ({}, "nullcontext()", min(pool._processors(), 2) - 1),
        *(({name: "1"}, "nullcontext()", 0) for name in THREADS),
        ({}, LIMITED, 0),
        ({}, ALONE, 0),
    ],
)
def test_a_process_starts_no_thread_beyond_what_its_user_allows(variables, scope, others):
    plain = {name: text for name, text in os.environ.items() if name not in (*THREADS, "MKL_NUM_THREADS")}
    command = [sys.executable, "-c", PROGRAM.format(scope=scope)]
    done = subprocess.run(command, env={**plain, **variables}, capture_output=True, text=True, check=True)
    assert int(done.stdout) >= others if others else int(done.stdout) == 0


def test_without_threadpoolctl_nothing_is_known(monkeypatch):
    monkeypatch.setattr(blas, "libraries", lambda: ())
    assert blas.threads() is None
    with blas.one_thread():
        pass
