"""Tracing: a function becomes a closed graph, and what it closed over becomes operands."""

import numpy as np
import pytest

from kbplug.errors import GraphError
from kbplug.graph.node import literal, placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor, tensor
from kbplug.graph.trace import trace
from kbplug.graph.verify import verify
from kbplug.ops.namespace import namespace as xp
from kbplug.runtime.cells import Cell, Variable
from kbplug.runtime.function import Function

ROW = Spec((3,), "float64")


def symbol(spec=ROW):
    return Tensor(placeholder(spec))


def test_equal_functions_become_equal_graphs():
    first, second = (trace(lambda a, b: xp.exp(a) * b + 1, [ROW, ROW]) for _ in range(2))
    assert first.graph == second.graph
    assert first.captured == ()
    assert [n.op.name for n in first.graph.inputs] == ["parameter", "parameter"]
    verify(first.graph)


def test_what_a_function_closes_over_becomes_operands_in_order():
    w, b = symbol(), symbol()
    found = trace(lambda x: x * w + b * w, [ROW])
    assert found.captured == (w.node, (b * w).node)
    assert len(found.graph.inputs) == 3
    assert found.graph(symbol().node, *found.captured)


def test_what_does_not_depend_on_the_arguments_stays_outside():
    w = symbol()
    found = trace(lambda x: x + xp.exp(xp.sum(w)), [ROW])
    (outer,) = found.captured
    assert outer is xp.exp(xp.sum(w)).node
    assert [n.op.name for n in found.graph.body] == ["add"]


def test_scalars_stay_inside_and_arrays_are_captured():
    values = np.arange(3.0)
    found = trace(lambda x: x * 2 + values, [ROW])
    assert found.captured == (tensor(values).node,)
    assert [n.op.name for n in found.graph.body] == ["constant", "multiply", "add"]


def test_a_result_that_is_no_function_of_the_arguments_is_captured():
    w = symbol()
    found = trace(lambda x: (w, x, 1.0), [ROW])
    assert found.captured == (w.node,)
    assert found.graph.outputs == (found.graph.inputs[1], found.graph.inputs[0], literal(1.0))


def test_reading_a_cell_is_captured():
    v = Variable(Cell(np.ones(3), "v"))
    found = trace(lambda x: x * v, [ROW])
    assert found.captured == (v.node,)
    assert not any(n.stateful for n in found.graph.nodes)


def test_inner_traces_pass_on_what_is_theirs():
    w = symbol()

    def outer(x):
        inner = trace(lambda y: y * x + w, [ROW])
        assert inner.captured == (x.node, w.node)
        return Tensor(inner.graph(x.node, *inner.captured)[0])

    found = trace(outer, [ROW])
    assert found.captured == (w.node,)


def test_the_results_are_the_tensors_the_function_returned():
    kept = []

    def function(x):
        y = xp.exp(x)
        y.name = "kept"
        kept.append(y)
        return y

    assert trace(function, [ROW]).results == tuple(kept)


def test_a_tensor_that_leaks_out_of_a_trace_is_told_by_the_function_that_needs_it():
    leaked = []
    trace(lambda x: leaked.append(xp.exp(x)) or x, [ROW])
    x = symbol()
    with pytest.raises(GraphError, match=r"needs the value of the placeholder argument 0 float64\[3\]"):
        Function([x], [x * leaked[0]])
