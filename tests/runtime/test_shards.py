"""The choice between a function and its twin in shards: when it is planned, for which inputs, and who decides."""

import numpy as np
import pytest

from kbplug import plugins
from kbplug.graph.graph import Graph
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.runtime import shards
from kbplug.testing.closeness import assert_close


class Eager:
    """The NumPy engine, but one that wants shards from two samples on, and notes each plan it is shown."""

    def __init__(self):
        self.shown = []

    def __getattr__(self, name):
        return getattr(plugins.engine("numpy"), name)

    def least_batch(self, sharding):
        self.shown.append(sharding)
        return 2


def symbol(*shape):
    return Tensor(placeholder(Spec(shape, "float32")))


def plain(*arrays):
    return ("plain",)


def chosen(engine, inputs, results, kernels=None):
    graph = Graph([t.node for t in inputs], [t.node for t in results])
    return shards.with_shards(plain, graph, engine, engine.kernels if kernels is None else kernels)


def ones(*shape):
    return np.ones(shape, np.float32)


def test_an_engine_without_a_kernel_has_no_twins():
    x = symbol(None, 8)
    assert chosen(Eager(), [x], [x @ x.T], kernels={}) is plain


@pytest.mark.parametrize("shape", [(4, 8), (1, 10_000), (10_000, 0), ()])
def test_inputs_that_carry_no_batch_worth_looking_at(shape):
    x = symbol(*shape)
    assert chosen(Eager(), [x], [xp.exp(x)]) is plain


def test_the_twin_is_planned_by_the_first_large_call_and_once():
    engine, x, w = Eager(), symbol(None, 8), symbol(8, 8)
    run = chosen(engine, [x, w], [x @ w])
    assert run(ones(9, 8), ones(8, 8)) == ("plain",)
    assert not engine.shown
    for _ in range(2):
        (found,) = run(ones(100, 8), ones(8, 8))
        assert_close(found, ones(100, 8) * 8, "The product")
    assert len(engine.shown) == 1
    assert run(ones(1, 8), ones(8, 8)) == ("plain",)


def test_an_engine_may_decline():
    engine, x = Eager(), symbol(None, 8)
    engine.least_batch = lambda sharding: None
    run = chosen(engine, [x], [x @ x.T])
    assert [run(ones(100, 8)) for _ in range(2)] == [("plain",)] * 2


def test_of_several_batches_the_one_is_cut_that_saves_most():
    engine, rows, columns = Eager(), symbol(1000, 30), symbol(600, 30)
    small, large = xp.sort(rows[:, :1], axis=1), xp.sort(columns, axis=1)
    run = chosen(engine, [rows, columns], [xp.sum(small), xp.sum(large)])
    found = run(ones(1000, 30), ones(600, 30))
    assert [float(a) for a in found] == [1000.0, 18000.0]
    assert [s.batch for s in engine.shown] == [{1: 0}]


def test_batches_of_unlike_sizes_take_the_plain_way():
    engine, x, y = Eager(), symbol(None, 8), symbol(None, 8)
    run = chosen(engine, [x, y], [xp.matmul(x, xp.ones((8, 8), dtype="float32")) + y])
    assert run(ones(100, 8), ones(1, 8)) == ("plain",)
    assert_close(run(ones(100, 8), ones(100, 8))[0], ones(100, 8) * 9, "The sum")
