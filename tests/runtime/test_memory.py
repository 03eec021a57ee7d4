"""What a call returned stays what it was, and calls without end need no more memory than a few."""

import gc
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from crowds import spoilt
from kbplug import backend as K

CALLS = 100_000
STATUS = Path("/proc/self/statm")


def trained():
    """Return a function that feeds, draws, runs a loop and a region, and updates variables; and those variables."""
    x, w, velocity = K.placeholder((None, 5, 3)), K.variable(np.eye(3)), K.variable(np.zeros((3, 3)))

    def step(row, states):
        new = K.tanh(row + K.dot(states[0], w))
        return new, [new]

    last, outputs, _ = K.rnn(step, K.dropout(x, 0.5), [K.zeros_like(x[:, 0])])
    loss = K.mean(K.square(last)) + K.mean(K.exp(outputs))
    (slope,) = K.gradients(loss, [w])
    change = 0.9 * velocity - 0.01 * slope
    return K.function([x], [loss, outputs], [(velocity, change), (w, w + change)]), [w, velocity]


@pytest.mark.parametrize("rows", [2, 5000])
def test_what_was_returned_is_never_written_over(rows):
    call, variables = trained()
    given = [np.random.default_rng(0).standard_normal((rows, 5, 3)).astype("float32")]
    results, values = [], []
    for _ in range(4):
        results.extend(call(given))
        values.extend(map(K.get_value, variables))
    kept = [r.copy() for r in (*results, *values, *given)]
    for _ in range(10):
        call(given)
    for a, b in zip((*results, *values, *given), kept, strict=True):
        np.testing.assert_array_equal(a, b)
    everything = [*results, *values]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(everything) for b in everything[:i])


def test_threads_have_results_of_their_own():
    x = K.placeholder((None, 6, 3))
    _, outputs, _ = K.rnn(lambda row, s: ((new := K.tanh(row + s[0])), [new]), x, [K.zeros_like(x[:, 0])])
    call = K.function([x], [outputs, K.exp(x) * 2.0 + 1.0])
    given = [[np.full((50 * (k + 1), 6, 3), k / 7, dtype="float32")] for k in range(4)]
    assert not spoilt(call, given, 40)


def resident():
    """Return how many bytes of the process are in memory."""
    return int(STATUS.read_text().split()[1]) * 4096


@pytest.mark.nightly
@pytest.mark.skipif(not STATUS.exists(), reason="the system does not tell what is in memory")
def test_memory_is_flat_over_many_calls():
    call, _ = trained()
    given = [np.ones((2, 5, 3), "float32")]
    for _ in range(2000):
        call(given)
    gc.collect()
    before = resident()
    for _ in range(CALLS):
        call(given)
    assert resident() - before < 2**21, "a leak of 21 bytes a call would be more"

    tracemalloc.start()
    try:
        for _ in range(500):
            call(given)
        gc.collect()
        held = tracemalloc.get_traced_memory()[0]
        for _ in range(CALLS // 20):
            call(given)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - held < 2**15, "nor does Python hold on to a few bytes a call"
    finally:
        tracemalloc.stop()
