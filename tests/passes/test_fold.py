"""What depends on constants alone is computed once; effects, draws, cells and what would grow are left."""

import numpy as np
import pytest
from hypothesis import given, settings

from kbplug import plugins
from kbplug.graph.graph import Graph
from kbplug.graph.node import CONSTANT, literal, placeholder
from kbplug.graph.op import lookup
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor, outputs, tensor
from kbplug.graph.verify import verify
from kbplug.ops.control import choose, fold_over
from kbplug.ops.namespace import namespace as xp
from kbplug.passes.fold import LARGEST, fold
from kbplug.runtime import values
from kbplug.runtime.cells import Cell, Variable
from kbplug.testing.checks import interpreted
from kbplug.testing.graphs import graphs


class Evaluator:
    """Computes constants, and remembers for which nodes it was asked, call by call."""

    def __init__(self):
        self.asked = []

    def __call__(self, nodes):
        self.asked.append(list(nodes))
        return [values.constant(v) for v in interpreted(Graph((), nodes), (), plugins.engine("numpy"))]


def symbol(shape=(2,), dtype="float64"):
    return Tensor(placeholder(Spec(shape, dtype)))


def folded(*tensors, inputs=()):
    return verify(fold(Graph([t.node for t in inputs], [t.node for t in tensors]), Evaluator())).outputs


def test_constants_are_computed_and_the_rest_is_kept():
    x, c = symbol(), tensor([1.0, 2.0])
    assert folded(x * xp.exp(c - c), inputs=[x]) == ((x * tensor([1.0, 1.0])).node,)


def test_only_what_is_needed_is_asked_for():
    x, c = symbol(), tensor([1.0, 2.0])
    asked = Evaluator()
    last = xp.exp(c) * 3 + 1
    fold(Graph((x.node,), ((x * last).node,)), asked)
    assert asked.asked == [[last.node]]


def test_all_is_asked_for_at_once_so_that_what_is_shared_is_computed_once():
    x, asked = symbol(), Evaluator()
    rows = outputs(lookup("unstack")(xp.exp(tensor(np.ones((50, 2)))), axis=0))
    fold(Graph((x.node,), [(x * row).node for row in rows]), asked)
    assert asked.asked == [[row.node for row in rows]]


def test_an_output_that_is_constant_is_computed():
    assert folded(tensor([1.0, 2.0]) * 2, tensor(3)) == (tensor([2.0, 4.0]).node, literal(3))


def test_a_result_of_several_is_computed_by_itself():
    x = symbol()
    first, second = outputs(lookup("unstack")(tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0))
    assert folded(x + first, second, inputs=[x]) == ((x + tensor([1.0, 2.0])).node, tensor([3.0, 4.0]).node)


def test_creation_from_nothing_is_computed():
    (found,) = folded(xp.arange(3) * 2)
    assert found is tensor(np.array([0, 2, 4])).node


def test_what_would_grow_is_left():
    x = symbol((LARGEST + 1,))
    large = xp.broadcast_to(tensor(1.0), (LARGEST + 1,))
    assert folded(x + large, inputs=[x]) == ((x + large).node,)


def test_what_is_large_already_may_shrink():
    data = tensor(np.ones(LARGEST + 1))
    assert folded(xp.sum(data)) == (literal(float(LARGEST + 1)),)


def test_inputs_cells_and_unknown_sizes_are_not_constant():
    v, x = Variable(Cell(np.ones(2), "v")), symbol((None,))
    wanted = (v * 2, x * 2, xp.astype(lookup("dim")(x, axis=0), "float64"))
    assert folded(*wanted, inputs=[x]) == tuple(t.node for t in wanted)


def test_an_input_made_of_constants_is_still_an_input():
    c = tensor([1.0, 2.0]) * 2
    assert folded(c + 1, inputs=[c]) == ((c + 1).node,)


EFFECTS = {
    "alone": lambda c: lookup("print")(c, message="seen"),
    "in a branch": lambda c: choose(xp.sum(c) > 0, lambda: lookup("print")(c * 1, message="seen"), lambda: c)[0],
    "in a loop": lambda c: fold_over(lambda s, r: ([lookup("print")(s + r, message="seen")], []), [c[0]], [c])[0][0],
}


@pytest.mark.parametrize("build", EFFECTS.values(), ids=EFFECTS)
def test_an_effect_is_never_folded_away(build, capsys):
    found = build(tensor([1.0, 2.0]))
    (node,) = folded(found)
    assert node.op is not CONSTANT
    assert capsys.readouterr().out == ""


@given(graphs())
@settings(max_examples=25)
def test_nothing_constant_is_left_but_constants(drawn):
    graph = fold(drawn.known, Evaluator())
    fixed = set()
    for node in graph.body:
        if node.op is CONSTANT or (node.inputs and all(i in fixed for i in node.inputs)):
            fixed.add(node)
            assert node.op is CONSTANT or not isinstance(node.spec, Spec) or node.spec.size is None
