"""Numbers and names: counted by prefix, scoped, and started afresh."""

import asyncio
import threading

import pytest

from kbplug import backend as K
from kbplug.errors import ArgumentError


def test_uids_count_by_prefix():
    assert [K.get_uid("a"), K.get_uid("a"), K.get_uid("b"), K.get_uid()] == [1, 2, 1, 1]
    K.reset_uids()
    assert K.get_uid("a") == 1


def test_scopes_stand_before_names():
    with K.name_scope("outer"):
        with K.name_scope("inner") as full:
            assert full == "outer/inner"
            assert K.variable(0.0, name="w").name == "outer/inner/w"
        assert K.placeholder((2,), name="x").name == "outer/x"
    assert K.variable(0.0, name="w").name == "w"


def test_a_scope_ends_by_an_error_too():
    try:
        with K.name_scope("scope"):
            raise ValueError
    except ValueError:
        pass
    assert K.variable(0.0, name="w").name == "w"


def test_names_nobody_gave_are_numbered():
    assert [K.variable(0.0).name, K.variable(0.0).name, K.placeholder((2,)).name] == [
        "variable_1",
        "variable_2",
        "placeholder_1",
    ]
    K.clear_session()
    assert K.variable(0.0).name == "variable_1"


def test_scopes_belong_to_a_thread_and_a_task():
    found = []

    def elsewhere():
        found.append(K.variable(0.0, name="w").name)

    async def task(name):
        with K.name_scope(name):
            await asyncio.sleep(0)
            return K.variable(0.0, name="w").name

    async def both():
        return await asyncio.gather(task("a"), task("b"))

    with K.name_scope("here"):
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert found == ["w"]
    assert asyncio.run(both()) == ["a/w", "b/w"]


def test_uids_are_unique_across_threads():
    found = []
    threads = [threading.Thread(target=lambda: found.extend(K.get_uid("t") for _ in range(200))) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(found) == list(range(1, 801))


def test_a_name_is_text():
    with pytest.raises(ArgumentError, match=r"A name must be text, not \(1,\)"):
        K.variable(1.0, name=(1,))
