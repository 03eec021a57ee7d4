"""Regions: no edge leaves one without leading up, whatever the graph; and their number of steps grows as the graph."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from kbplug.engines.numpy.engine import NumpyEngine
from kbplug.graph.graph import Graph
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.passes.fuse import fuse
from kbplug.passes.regions import _Regions, regions
from kbplug.testing.graphs import graphs


def check(graph):
    """Check that a region is one level, that edges between regions lead up, and that the graph can be rebuilt so."""
    for row_ops in ((), NumpyEngine.row_ops):
        check_with(graph, row_ops)


def check_with(graph, row_ops):
    level, members = regions(graph, row_ops)
    for node in graph.body:
        together = members.get(node, [node])
        assert node in together
        assert {level[m] for m in together} == {level[node]}
        for operand in node.inputs:
            assert operand in together or level[operand] < level[node]
    rebuilt, _ = fuse(graph, lambda region: len, row_ops)
    assert [n.spec for n in rebuilt.outputs] == [n.spec for n in graph.outputs]


@given(graphs())
@settings(max_examples=60)
def test_levels_of_drawn_graphs(drawn):
    check(drawn.known)
    check(drawn.hidden)


def tangled(seed, steps):
    """Return a graph of matrices, columns and numbers, most of them used more than once, by ops of all kinds."""
    dice = random.Random(seed)
    given_ = [Tensor(placeholder(Spec(s, "float32"))) for s in ((6, 6), (6, 6), (None, 6), (6, 1), ())]
    pool = list(given_)
    for _ in range(steps):
        a, b = dice.choice(pool[-8:]), dice.choice(pool)
        kind = dice.randrange(8)
        if kind == 0 and a.ndim == 2:
            pool.append(xp.matmul(xp.matrix_transpose(a), a) if a.shape[-1] == 6 else xp.sum(a, axis=0, keepdims=True))
        elif kind == 1 and a.ndim == 2:
            pool.append(xp.sum(a, axis=-1, keepdims=dice.random() < 0.7))
        elif kind == 2 and a.ndim == 2:
            pool.append(xp.var(a, axis=-1, keepdims=True))
        elif kind == 3:
            pool.append(xp.exp(a))
        elif kind == 4:
            pool.append(xp.where(a > 0, a, b))
        else:
            pool.append(a + b if kind < 7 else a * b)
    return Graph([t.node for t in given_], [t.node for t in pool[-5:]])


@given(st.integers(0, 2**32), st.integers(1, 120))
@settings(max_examples=120)
def test_levels_of_tangled_graphs(seed, steps):
    check(tangled(seed, steps))


def test_the_work_grows_as_the_graph(monkeypatch):
    """Counted, not timed: how often the region of a node is looked up."""
    found, method = [], _Regions._root
    for steps in (200, 800):
        graph, calls = tangled(3, steps), []
        with monkeypatch.context() as patch:
            patch.setattr(_Regions, "_root", lambda self, node, calls=calls: calls.append(1) or method(self, node))
            regions(graph)
        found.append(len(calls) / len(graph.nodes))
    assert found[1] < 2 * found[0]
