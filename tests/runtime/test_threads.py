"""Functions called from many threads and asyncio tasks: no call disturbs another, and commits are whole."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import kbplug
from kbplug import backend as K

ENGINES = ("numpy", "strict")


@pytest.fixture
def shared():
    """A function that reads and updates two variables, which stay equal between commits."""
    x = K.placeholder((None,), name="x")
    a, b = K.variable(0.0, name="a"), K.variable(0.0, name="b")
    call = K.function([x], [K.sum(x * 2.0), a, b], updates=[K.update_add(a, 1.0), K.update_add(b, 1.0)])
    return call, a, b


def test_eight_threads_on_two_engines_lose_no_update(shared):
    call, a, b = shared
    start = threading.Barrier(8)

    def work(number):
        start.wait()
        with kbplug.engine_scope(ENGINES[number % 2]):
            for i in range(40):
                total, seen_a, seen_b = call([[float(number), float(i)]])
                assert kbplug.engine().name == ENGINES[number % 2]
                assert total == 2.0 * (number + i)
                assert seen_a == seen_b

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert K.get_value(a) == K.get_value(b) == 8 * 40


def test_a_reader_never_sees_half_a_commit(shared):
    call, a, b = shared
    read = K.function([], [a, b])
    done = threading.Event()
    torn = []

    def watch():
        while not done.is_set():
            left, right = read([])
            if left != right:
                torn.append((left, right))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for i in range(300):
        call([[float(i)]])
    done.set()
    watcher.join()
    assert torn == []


def test_asyncio_tasks_keep_their_own_engine(shared):
    call, a, _ = shared

    async def task(number):
        name = ENGINES[number % 2]
        with kbplug.engine_scope(name):
            for i in range(10):
                await asyncio.sleep(0)
                assert kbplug.engine().name == name
                assert call([[float(number), float(i)]])[0] == 2.0 * (number + i)

    async def main():
        await asyncio.gather(*(task(n) for n in range(8)))

    asyncio.run(main())
    assert kbplug.engine().name == "numpy"
    assert K.get_value(a) == 80


def test_a_first_call_from_many_threads_compiles_without_harm():
    x = K.placeholder((None, 3))
    call = K.function([x], [K.softmax(K.exp(x))])
    given = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: call([given])[0], range(16)))
    for one in found[1:]:
        np.testing.assert_array_equal(one, found[0])


def test_functions_that_cross_their_variables_do_not_wait_for_each_other():
    a, b = K.variable(0.0), K.variable(0.0)
    first = K.function([], [], updates=[(a, b + 1.0)])
    second = K.function([], [], updates=[(b, a + 1.0)])

    def work(function, engine):
        with kbplug.engine_scope(engine):
            for _ in range(100):
                function([])

    threads = [threading.Thread(target=work, args=p, daemon=True) for p in ((first, "numpy"), (second, "strict"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
