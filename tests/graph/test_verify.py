"""The checker catches every broken invariant, by name."""

import numpy as np
import pytest

from kbplug.errors import GraphError
from kbplug.graph.graph import Graph
from kbplug.graph.node import literal, make, parameter, placeholder
from kbplug.graph.op import lookup
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.graph.verify import verify
from kbplug.ops.namespace import namespace as xp
from kbplug.runtime.cells import Cell, Variable

ROW = Spec((3,), "float64")


def node(name, *inputs, spec=ROW, **params):
    """Return a node that nothing has checked."""
    op = lookup(name)
    _, full = op.bind(inputs, params)
    return make(op, inputs, full, spec)


x, y = placeholder(ROW), placeholder(ROW)
unstacked = lookup("unstack")(Tensor(placeholder(Spec((2, 3), "float64"))), axis=0).node
bad_body = Graph((parameter(0, ROW),), (node("exp", parameter(0, ROW), spec=Spec((4,), "float64")),))

BROKEN = {
    "twice an input": (Graph((x, x), (x,)), "names one node twice among its inputs"),
    "not closed": (Graph((x,), (node("add", x, y),)), "not closed: <placeholder.* neither an input nor a constant"),
    "a stray parameter": (Graph((x,), (node("add", x, parameter(0, ROW)),)), "not closed: <parameter"),
    "wrong dtype": (Graph((x,), (node("exp", x, spec=Spec((3,), "int8")),)), r"should be float64\[3\]"),
    "wrong shape": (Graph((x,), (node("exp", x, spec=Spec((4,), "float64")),)), r"should be float64\[3\]"),
    "wrong rank": (Graph((x,), (node("exp", x, spec=Spec((3, 1), "float64")),)), r"should be float64\[3\]"),
    "no dtype": (Graph((p := placeholder(Spec((), "float99")),), (p,)), r"impossible spec float99\[\]"),
    "negative size": (Graph((p := placeholder(Spec((-1,), "int8")),), (p,)), r"impossible spec int8\[-1\]"),
    "mixed dtypes": (
        Graph((x,), (node("multiply", x, literal(2.0, "float32")),)),
        "multiply.* mixes float32 and float64; only a cast may change a dtype",
    ),
    "several as one": (Graph(unstacked.inputs, (unstacked,)), "An output must be one array, but <unstack"),
    "several used at once": (Graph(unstacked.inputs, (node("exp", unstacked),)), "uses several results at once"),
    "too few results": (Graph((x,), (node("item", node("unstack", x, spec=(ROW,)), index=0),)), "unstack.* should be"),
    "one instead of several": (Graph(unstacked.inputs, (node("unstack", *unstacked.inputs),)), "unstack.* should be"),
    "a broken graph inside": (Graph((x,), (node("fused", x, body=bad_body),)), r"exp.* should be float64\[3\]"),
}


@pytest.mark.parametrize(("graph", "message"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_caught(graph, message):
    with pytest.raises(GraphError, match=message):
        verify(graph)


def test_a_read_among_the_inputs_is_checked_too():
    wrong = make(lookup("read"), (), {"cell": Cell(np.ones(4), "v")}, ROW)
    with pytest.raises(GraphError, match=r"read.* should be float64\[4\]"):
        verify(Graph((wrong,), (wrong,)))


def test_a_spec_may_know_more_than_is_inferred():
    unknown = placeholder(Spec((None,), "float64"))
    refined = node("exp", unknown, spec=ROW)
    assert verify(Graph((unknown,), (refined,)))


def test_what_is_sound_is_returned():
    v = Variable(Cell(np.ones(3), "v"))
    graph = Graph((x, v.node), (xp.sum(Tensor(x) * v).node, literal(1)))
    assert verify(graph) is graph
    assert verify(Graph((), ())).outputs == ()


def test_what_stands_below_an_input_is_not_looked_at():
    wrong = node("exp", x, spec=ROW.like(dtype="int8"))
    assert verify(Graph((wrong,), (node("abs", wrong, spec=ROW.like(dtype="int8")),)))
