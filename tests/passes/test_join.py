"""Loops that carry the same become one, and compute what each did."""

import numpy as np
import pytest

from kbplug import backend as K
from kbplug.graph.graph import Graph
from kbplug.graph.verify import verify
from kbplug.passes.join import join
from kbplug.passes.simplify import simplify


def loops(graph):
    return [n for n in graph.nodes if n.op.name == "scan"]


@pytest.fixture
def recurrence():
    x, w = K.placeholder((2, 5, 3)), K.placeholder((3, 3))

    def step(z, states):
        new = K.tanh(z + K.dot(states[0], w))
        return new * new, [new]

    last, outputs, _ = K.rnn(step, x, [K.zeros((2, 3))])
    return x, w, last, outputs


def test_a_loop_and_its_gradient_share_the_way_forward(recurrence):
    x, w, last, _ = recurrence
    loss = K.sum(last * last)
    (slope,) = K.gradients(loss, [w])
    graph = simplify(Graph((x.node, w.node), (loss.node, slope.node)))
    joined = verify(join(graph))
    assert len(loops(graph)) == 3
    assert len(loops(joined)) == 2


def test_what_is_joined_computes_the_same(recurrence):
    x, w, last, outputs = recurrence
    loss = K.sum(last * last) + K.sum(outputs)
    both = K.function([x, w], [loss, *K.gradients(loss, [x, w])])
    rng = np.random.default_rng(0)
    given = [rng.standard_normal(s).astype("float32") for s in ((2, 5, 3), (3, 3))]
    alone = [K.function([x, w], [t])(given)[0] for t in (loss, *K.gradients(loss, [x, w]))]
    for found, expected in zip(both(given), alone, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_loops_that_carry_other_values_stay_apart():
    x = K.placeholder((2, 5, 3))
    zeros = [K.zeros((2, 3))]
    sums, _, _ = K.rnn(lambda z, s: (s[0], [s[0] + z]), x, zeros)
    products, _, _ = K.rnn(lambda z, s: (s[0], [s[0] * z]), x, zeros)
    graph = join(Graph((x.node,), (sums.node, products.node)))
    assert len(loops(graph)) == 2
