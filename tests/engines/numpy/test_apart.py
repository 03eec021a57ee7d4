"""Threads that share work run apart while they do, and anywhere again after it."""

import os
import threading

import pytest

from kbplug.engines.numpy import apart as module
from kbplug.engines.numpy.apart import apart

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads choose processors on Linux")


@pytest.fixture
def processors(monkeypatch):
    """Where each thread may run, of three processors that there are."""
    allowed = {}

    def move(pid, wanted):
        if pid or not wanted:
            raise OSError
        allowed[threading.get_ident()] = frozenset(wanted)

    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: allowed.get(threading.get_ident(), frozenset({2, 3, 5})))
    monkeypatch.setattr(os, "sched_setaffinity", move)
    monkeypatch.setattr(module, "_here", lambda: lambda: 3)
    return allowed


def both(task):
    other = threading.Thread(target=task)
    other.start()
    other.join()
    task()


def test_the_caller_stays_and_others_keep_off(processors):
    during = []
    both(apart(lambda: during.append(processors[threading.get_ident()])))
    assert during == [{2, 5}, {3}]
    assert set(processors.values()) == {frozenset({2, 3, 5})}


def test_after_an_error_the_caller_is_free_again(processors):
    with pytest.raises(ZeroDivisionError):
        apart(lambda: 1 / 0)()
    assert processors[threading.get_ident()] == {2, 3, 5}


def test_where_there_is_one_processor_nothing_moves(processors):
    processors[threading.get_ident()] = frozenset({3})
    assert apart(print) is print


def test_where_nothing_tells_processors_nothing_moves(monkeypatch, processors):
    monkeypatch.setattr(module, "_here", lambda: None)
    assert apart(print) is print


def test_where_threads_may_not_choose_they_run_all_the_same(monkeypatch, processors):
    def forbidden(pid, wanted):
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", forbidden)
    ran = []
    both(apart(lambda: ran.append(1)))
    assert ran == [1, 1]


def test_on_this_machine_a_thread_is_as_free_after_it_as_before():
    usual = os.sched_getaffinity(0)
    both(apart(lambda: None))
    assert os.sched_getaffinity(0) == usual
