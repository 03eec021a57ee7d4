"""Functions in shards on threads: the same results, state and errors as without, and one thread for each BLAS."""

import threading

import numpy as np
import pytest

from kbplug import backend as K
from kbplug.array_api import segment_sum
from kbplug.engines.numpy import blas, pool, shards
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sharding import Cut
from kbplug.passes import work
from kbplug.runtime import shards as twins

WITHIN = 2e-5
"""The error that another order of summing may make in float32, beside the largest element."""


@pytest.fixture(params=[2, 3])
def workers(request, monkeypatch):
    """Several workers, and no function too small for them; also notes how many parts each stage ran in."""
    monkeypatch.setattr(shards, "_JOIN", 0)
    monkeypatch.setattr(shards, "_CALL", 0)
    monkeypatch.setattr(shards, "_SHARE", 0)
    monkeypatch.setattr(work, "_COPIED", 0)
    monkeypatch.setattr(twins, "SMALLEST", 0)
    monkeypatch.setattr(pool, "workers", lambda: request.param)
    monkeypatch.setattr(blas, "threads", lambda: request.param)
    return request.param


@pytest.fixture
def parts(workers, monkeypatch):
    """The numbers of parts that stages ran in."""
    noted = []
    run = pool.run

    def noting(tasks):
        noted.append(len(tasks))
        run(tasks)

    monkeypatch.setattr(pool, "run", noting)
    return noted


def random(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(np.float32)


def weights(*shape):
    return K.variable(random(*shape) / np.sqrt(shape[0]))


def steps(build, feeds, monkeypatch, count=3):
    """Return results and variables after some steps, with shards and without."""
    found = []
    for sharded in (True, False):
        with monkeypatch.context() as patch:
            if not sharded:
                patch.setattr("kbplug.runtime.function.with_shards", lambda run, *_: run)
            function, variables = build()
            results = [function(feeds) for _ in range(count)]
            found.append([a for r in results for a in r] + [K.get_value(v) for v in variables])
    return found


def same(build, feeds, monkeypatch):
    for a, b in zip(*steps(build, feeds, monkeypatch), strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=WITHIN, atol=WITHIN * max(np.abs(b).max(), 1e-6))


def trained(inputs, loss, others, variables):
    slopes = K.gradients(loss, variables)
    updates = [K.update(v, v - 0.1 * g) for v, g in zip(variables, slopes, strict=True)]
    return K.function(inputs, [loss, *others], updates), variables


def perceptron(samples):
    x, y = K.placeholder((samples, 20)), K.placeholder((samples, 5))
    variables = [weights(20, 30), K.zeros((30,)), weights(30, 5), K.zeros((5,))]
    w, b, v, c = variables
    p = K.softmax(K.dot(K.tanh(K.dot(x, w) + b), v) + c)
    loss = K.mean(K.categorical_crossentropy(y, p)) + 0.01 * K.sum(K.square(w))
    return trained([x, y], loss, [p, K.max(p)], variables)


@pytest.mark.parametrize("samples", [None, 11])
def test_a_perceptron(samples, parts, workers, monkeypatch):
    feeds = [random(11, 20), np.eye(5, dtype=np.float32)[np.arange(11) % 5]]
    same(lambda: perceptron(samples), feeds, monkeypatch)
    assert parts == [workers] * 3


@pytest.mark.parametrize("samples", [None, 8])
def test_a_convolutional_network(samples, parts, monkeypatch):
    def build():
        x, labels = K.placeholder((samples, 12, 12, 2)), K.placeholder((samples,), dtype="int64")
        variables = [weights(3, 3, 2, 4), K.zeros((4,)), weights(100, 6)]
        k, b, w = variables
        h = K.pool2d(K.relu(K.bias_add(K.conv2d(x, k), b)), (2, 2), strides=(2, 2))
        logits = K.dot(K.reshape(h, (-1, 100)), w)
        loss = K.mean(K.sparse_categorical_crossentropy(labels, logits, from_logits=True))
        return trained([x, labels], loss, [logits], variables)

    same(build, [random(8, 12, 12, 2), np.arange(8) % 6], monkeypatch)
    assert len(parts) == 3  # one stage for each step


@pytest.mark.parametrize("samples", [None, 8])
def test_dropout_draws_for_the_whole_batch(samples, parts, monkeypatch):
    def build():
        x, w, v = K.placeholder((samples, 20)), weights(20, 30), weights(30, 5)
        y = K.dot(K.dropout(K.tanh(K.dot(x, w)), 0.5, seed=3), v)
        return trained([x], K.mean(K.square(y)), [y], [w, v])

    same(build, [random(8, 20)], monkeypatch)
    assert len(parts) == 3  # the mask is drawn first, then cut


def test_normalisation_over_the_batch(parts, monkeypatch):
    def build():
        x = K.placeholder((None, 6))
        gamma, beta, w = K.ones((6,)), K.zeros((6,)), weights(6, 6)
        y, mean, var = K.normalize_batch_in_training(K.dot(x, w), gamma, beta, [0])
        return trained([x], K.sum(K.square(y) * x), [y, mean, var], [gamma, beta, w])

    same(build, [random(9, 6)], monkeypatch)
    assert len(parts) > 3


@pytest.mark.parametrize("samples", [None, 5])
def test_attention(samples, parts, monkeypatch):
    def build():
        x = K.placeholder((samples, 7, 12))
        variables = [weights(12, 12) for _ in range(4)]
        q, k, v = (split(K.dot(x, w)) for w in variables[:3])
        attended = K.softmax(xp.matmul(q, xp.matrix_transpose(k)) * 0.5) @ v
        joined = K.reshape(K.permute_dimensions(attended, (0, 2, 1, 3)), (-1, 7, 12))
        y = x + K.dot(joined, variables[3])
        return trained([x], K.mean(K.square(y)), [y], variables)

    def split(t):
        return K.permute_dimensions(K.reshape(t, (-1, 7, 3, 4)), (0, 2, 1, 3))

    same(build, [random(5, 7, 12)], monkeypatch)
    assert len(parts) == 3


def test_embeddings(parts, monkeypatch):
    def build():
        ids, y = K.placeholder((None, 4), dtype="int64"), K.placeholder((None, 3))
        table, w = weights(9, 5), weights(5, 3)
        p = K.dot(K.mean(K.gather(table, ids), axis=1), w)
        return trained([ids, y], K.mean(K.square(p - y)), [p], [table, w])

    same(build, [np.arange(28).reshape(7, 4) % 9, random(7, 3)], monkeypatch)
    assert len(parts) == 3


@pytest.mark.parametrize("samples", [0, 1, 2, 3, 4, 17])
def test_batches_of_every_size(samples, workers, parts, monkeypatch):
    x, w = K.placeholder((None, 6)), weights(6, 4)
    f = K.function([x], [K.dot(x, w), K.sum(K.dot(x, w))])
    a = random(samples, 6)
    expected = a @ K.get_value(w)
    for _ in range(2):
        found = f([a])
        np.testing.assert_allclose(found[0], expected, atol=1e-5)
        np.testing.assert_allclose(found[1], expected.sum(), atol=1e-4)
    assert parts == ([min(samples, workers)] * 2 if samples > 1 else [])


def test_batches_of_unlike_sizes_run_as_one(parts):
    x, y, w = K.placeholder((None, 6)), K.placeholder((None, 4)), weights(6, 4)
    f = K.function([x, y], [K.dot(x, w) + y])
    a, b = random(5, 6), random(1, 4)
    np.testing.assert_allclose(f([a, b])[0], a @ K.get_value(w) + b, atol=1e-5)
    assert parts == []
    with pytest.raises(ValueError, match="broadcast"):
        f([a, random(3, 4)])


def test_results_are_arrays_of_their_own(workers):
    x = Tensor(K.placeholder((None, 6)).node)
    h = x @ xp.asarray(random(6, 6))
    f = K.function([x], [h, h.T, h, xp.reshape(h, (-1, 3))])
    first = f([random(8, 6)])
    kept = [a.copy() for a in first]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(first) for b in first[:i])
    f([random(8, 6, seed=1)])
    for a, b in zip(first, kept, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("body", ["itself", "a view", "twice"])
def test_a_stage_run_as_one_lends_no_memory(body, monkeypatch):
    bodies = {"itself": lambda x: (x,), "a view": lambda x: (x[:, ::-1],), "twice": lambda x: ((y := x + 1), y)}
    a = random(4, 3)
    count = 2 if body == "twice" else 1
    found = shards.sharded(a, body=bodies[body], axes=(Cut(0),), ends=(Cut(0),) * count, work=0.0)
    assert not any(np.shares_memory(r, a) for r in found)
    assert count == 1 or not np.shares_memory(*found)


def test_two_threads_call_one_function(workers):
    x, w = K.placeholder((None, 6)), weights(6, 4)
    f = K.function([x], [K.tanh(K.dot(x, w)), K.sum(K.dot(x, w))])
    feeds = [random(10 + i, 6) for i in range(8)]
    expected = [np.tanh(a @ K.get_value(w)) for a in feeds]
    found = [None] * 8

    def call(i):
        for _ in range(20):
            found[i] = f([feeds[i]])[0]

    threads = [threading.Thread(target=call, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def failing():
    """Return a function whose second operand has a bad index, and the variable that it would have changed."""
    x, ids = K.placeholder((None, 6)), K.placeholder((None,), dtype="int64")
    table, count = weights(9, 6), K.variable(np.float32(0))
    picked = K.gather(table, ids)
    return K.function([x, ids], [K.dot(x * picked, weights(6, 2))], [K.update_add(count, 1.0)]), count


def test_an_error_in_a_part_names_the_users_line_and_commits_nothing(parts):
    f, count = failing()
    before = blas.libraries() and [b.get_num_threads() for b in blas.libraries()]
    f([random(8, 6), np.zeros(8, np.int64)])
    with pytest.raises(IndexError) as caught:
        f([random(8, 6), np.array([0, 0, 0, 0, 0, 0, 0, 99])])
    assert any("test_shards.py" in note for note in caught.value.__notes__)
    assert K.get_value(count) == 1
    assert before == (blas.libraries() and [b.get_num_threads() for b in blas.libraries()])
    assert parts


def test_blas_has_one_thread_in_each_part(workers, monkeypatch):
    if not blas.libraries():
        pytest.skip("threadpoolctl knows no BLAS here")
    seen = []

    def body(x):
        seen.extend(b.get_num_threads() for b in blas.libraries())
        return (x,)

    shards.sharded(random(8, 3), body=body, axes=(Cut(0),), ends=(Cut(0),), work=1e9)
    assert len(seen) == workers * len(blas.libraries())
    assert set(seen) == {1}


def test_a_part_that_is_inside_a_part_runs_as_one(workers):
    inner = []

    def body(x):
        inner.append(len(shards.sharded(x, body=lambda y: (y.copy(),), axes=(Cut(0),), ends=(Cut(0),), work=1e9)[0]))
        return (x,)

    shards.sharded(random(12, 3), body=body, axes=(Cut(0),), ends=(Cut(0),), work=1e9)
    assert inner == [12 // workers] * workers


def test_shares_are_put_together_in_order(workers):
    a = random(1000, 3)
    found = {
        shards.sharded(a, body=lambda x: (x.sum(dtype=np.float32),), axes=(Cut(0),), ends=("add",), work=1e9)[0]
        for _ in range(30)
    }
    assert len(found) == 1


def test_little_work_is_not_cut(monkeypatch):
    monkeypatch.setattr(pool, "workers", lambda: 2)
    monkeypatch.setattr(blas, "threads", lambda: 2)
    noted = []
    monkeypatch.setattr(pool, "run", noted.append)
    x, w = K.placeholder((None, 6)), weights(6, 4)
    K.function([x], [K.dot(x, w)])([random(100, 6)])
    assert noted == []


@pytest.mark.parametrize("threads", [1, 2])
def test_a_large_batch_is_cut_into_parts_that_fit_a_cache(threads, monkeypatch):
    monkeypatch.setattr(pool, "workers", lambda: threads)
    monkeypatch.setattr(blas, "threads", lambda: threads)
    monkeypatch.setattr(shards, "_ALONE" if threads == 1 else "_TOGETHER", 4000)
    noted = []

    def build():
        x, m = K.placeholder((None, 6)), K.placeholder((10, 6))
        near = K.argmin(K.sum(K.square(m), axis=1) - 2 * K.dot(x, K.transpose(m)), axis=1)
        return K.function([x, m], [near, segment_sum(x, near, num_segments=10)]), []

    run = pool.run
    monkeypatch.setattr(pool, "run", lambda tasks: (noted.append(len(tasks)), run(tasks)))
    same(build, [random(1000, 6), random(10, 6)], monkeypatch)
    assert noted == [10] * 3  # a part has 100 samples, of 40 bytes each in the product


def test_parts_whose_shares_are_large_are_not_cut_to_fit_a_cache(monkeypatch):
    monkeypatch.setattr(pool, "workers", lambda: 1)
    monkeypatch.setattr(shards, "_ALONE", 400)
    noted = []
    monkeypatch.setattr(pool, "run", noted.append)
    x, ids = K.placeholder((None, 300)), K.placeholder((None,), dtype="int64")
    K.function([x, ids], [segment_sum(K.softmax(x), ids, num_segments=300)])([random(50, 300), np.arange(50)])
    assert noted == []


def test_without_a_way_to_hold_blas_nothing_is_cut(workers, parts, monkeypatch):
    monkeypatch.setattr(blas, "threads", lambda: None)
    x, w = K.placeholder((None, 6)), weights(6, 4)
    K.function([x], [K.dot(x, w)])([random(100, 6)])
    assert parts == []
