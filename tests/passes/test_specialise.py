"""Known values become constants, and what they decide is decided."""

import numpy as np

from kbplug.graph.graph import Graph
from kbplug.graph.node import literal, placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.graph.verify import verify
from kbplug.ops.control import choose
from kbplug.ops.namespace import namespace as xp
from kbplug.passes.simplify import simplify
from kbplug.passes.specialise import specialise
from kbplug.runtime.cells import Cell, Variable


def symbol(shape=(2,), dtype="float64"):
    return Tensor(placeholder(Spec(shape, dtype)))


def test_nothing_known_is_nothing_done():
    x = symbol()
    graph = Graph((x.node,), (xp.exp(x).node,))
    assert specialise(graph, {}) is graph


def test_a_known_input_becomes_a_constant_of_its_dtype_and_stays_an_unused_input():
    x, phase = symbol((2,), "int32"), symbol((), "int32")
    graph = Graph((x.node, phase.node), ((x * phase).node, phase.node))
    found = verify(specialise(graph, {phase.node: 1}))
    assert found.inputs == graph.inputs
    assert found.outputs == ((x * Tensor(literal(1, "int32"))).node, literal(1, "int32"))
    assert not found.uses[phase.node]


def test_a_known_cell_drops_the_dead_branch():
    x, training = symbol(), Variable(Cell(np.array(False), "training", static=True))
    (found,) = choose(training, lambda: x * 2, lambda: xp.exp(x))
    graph = Graph((x.node, training.node), (found.node,))
    for value, kept in ((True, "multiply"), (False, "exp")):
        names = {n.op.name for n in simplify(specialise(graph, {training.node: value})).body}
        assert kept in names
        assert not names & ({"cond", "multiply", "exp"} - {kept})


def test_an_inner_node_may_be_known_too():
    x = symbol(())
    test = x > 0
    graph = Graph((x.node,), (xp.where(test, x, 1.0).node,))
    assert simplify(specialise(graph, {test.node: True})).outputs == (x.node,)
