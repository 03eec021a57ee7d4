"""Every pass, and what is emitted in the end, leaves the value of any graph as it was, to the bit."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings

from kbplug import plugins
from kbplug.autodiff import gradients
from kbplug.dtypes import is_floating
from kbplug.errors import GradientError
from kbplug.graph.graph import Graph
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.testing.application import run
from kbplug.testing.checks import check_passes, interpreted
from kbplug.testing.closeness import assert_close
from kbplug.testing.graphs import graphs


def check(drawn, engine):
    """Check both forms of a graph: pass by pass, against each other, and emitted."""
    known, hidden = (interpreted(g, drawn.values, plugins.engine(engine)) for g in (drawn.known, drawn.hidden))
    for i, (a, b) in enumerate(zip(hidden, known, strict=True)):
        assert_close(a, b, f"Output {i} with sizes hidden", within=0)
    for graph in (drawn.known, drawn.hidden):
        check_passes(graph, drawn.values, engine, within=0)
        inputs, outputs = ([Tensor(n) for n in nodes] for nodes in (graph.inputs, graph.outputs))
        for i, (a, b) in enumerate(zip(run(inputs, outputs, drawn.values, engine), known, strict=True)):
            assert_close(a, b, f"Output {i} of the emitted program", within=0)


def check_slopes(drawn):
    """Check the gradient graph, where there is one, pass by pass and emitted."""
    for graph in (drawn.known, drawn.hidden):
        flowing = [t for t in map(Tensor, graph.outputs) if is_floating(t.dtype)]
        inputs = [Tensor(n) for n in graph.inputs]
        with contextlib.suppress(GradientError):
            for loss in flowing:
                rows = [g for g in gradients(xp.sum(xp.real(loss)), inputs) if g is not None]
                slopes = Graph(graph.inputs, [g.node for g in rows])
                check_passes(slopes, drawn.values, "numpy", within=0)
                expected = interpreted(slopes, drawn.values, plugins.engine("numpy"))
                for a, b in zip(run(inputs, rows, drawn.values, "numpy"), expected, strict=True):
                    assert_close(a, b, "A gradient by the emitted program", within=0)


@given(graphs())
@settings(max_examples=50)
def test_no_pass_changes_a_value(drawn):
    check(drawn, "numpy")


@given(graphs(steps=12))
@settings(max_examples=12)
def test_no_pass_changes_a_value_on_the_strict_engine(drawn):
    check(drawn, "strict")


@given(graphs(steps=12))
@settings(max_examples=25)
def test_no_pass_changes_a_gradient(drawn):
    check_slopes(drawn)


@pytest.mark.nightly
@given(graphs(steps=45))
@settings(max_examples=2000, derandomize=False)
def test_no_pass_changes_a_value_of_many(drawn):
    check(drawn, "numpy")


@pytest.mark.nightly
@given(graphs(steps=20))
@settings(max_examples=400, derandomize=False)
def test_no_pass_changes_a_value_of_many_on_the_strict_engine(drawn):
    check(drawn, "strict")


@pytest.mark.nightly
@given(graphs(steps=20))
@settings(max_examples=1000, derandomize=False)
def test_no_pass_changes_a_gradient_of_many(drawn):
    check_slopes(drawn)


def test_the_graphs_drawn_are_worth_drawing():
    sizes, ops = [], set()

    @given(graphs())
    @settings(max_examples=60)
    def look(drawn):
        sizes.append(len(drawn.hidden.nodes))
        ops.update(n.op.name for n in drawn.hidden.nodes)

    look()
    assert max(sizes) > 40
    assert np.median(sizes) > 8
    assert {"cond", "scan", "item", "dim", "getitem", "matmul", "reshape", "concat", "constant"} <= ops
    assert len(ops) > 50
