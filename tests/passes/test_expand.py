"""Composites become their bodies, all the way down, unless the engine has a kernel for them."""

import pytest
from hypothesis import given, settings

from kbplug.graph.graph import Graph
from kbplug.graph.node import placeholder
from kbplug.graph.op import REGISTRY, lookup
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor, outputs
from kbplug.graph.verify import verify
from kbplug.ops.control import choose
from kbplug.ops.declare import composite
from kbplug.ops.namespace import namespace as xp
from kbplug.passes.expand import expand
from kbplug.testing.graphs import graphs

ROW = Spec((None, 4), "float64")


@pytest.fixture
def declared():
    """Declare ops for one test alone."""
    before = set(REGISTRY)
    yield
    for name in set(REGISTRY) - before:
        del REGISTRY[name]


def symbol():
    return Tensor(placeholder(ROW))


def expanded(inputs, tensors, kernels=()):
    return verify(expand(Graph([t.node for t in inputs], [t.node for t in tensors]), kernels))


def test_a_composite_becomes_its_body():
    x = symbol()
    found = expanded([x], [lookup("softmax")(x, axis=-1)])
    assert not any("composite" in n.op.traits for n in found.nodes)
    assert {"exp", "max", "sum", "divide"} <= {n.op.name for n in found.nodes}


def test_a_composite_that_has_a_kernel_stays():
    x = symbol()
    y = lookup("softmax")(x, axis=-1)
    assert expanded([x], [y], {"softmax"}).outputs == (y.node,)


def test_composites_of_composites_go_down_to_what_has_a_kernel(declared):
    @composite("twice_softmax")
    def twice(xp, x, /):
        """Softmax of softmax."""
        return xp.softmax(xp.softmax(x, axis=-1), axis=0)

    x = symbol()
    assert [n.op.name for n in expanded([x], [twice(x)], {"softmax"}).body] == ["softmax", "softmax"]
    assert not any("composite" in n.op.traits for n in expanded([x], [twice(x)]).nodes)


def test_several_results_are_each_expanded(declared):
    @composite("both_ways", traits=("tuple",))
    def both(xp, x, y, /):
        """Sum and difference."""
        return x + y, x - y

    x, y = symbol(), symbol()
    total, difference = outputs(both(x, y))
    assert expanded([x, y], [difference, total * 2]).outputs == ((x - y).node, ((x + y) * 2).node)


def test_an_operand_that_is_absent_stays_absent():
    x, more = symbol(), symbol()
    for y in (lookup("diff")(x, None, more, axis=0), lookup("diff")(x, more, axis=0)):
        found = expanded([x, more], [y])
        assert not any(n.op.name == "diff" for n in found.nodes)


def test_graphs_inside_are_expanded_too():
    x = symbol()
    (y,) = choose(xp.any(x > 0), lambda: lookup("softmax")(x, axis=-1), lambda: x)
    (cond,) = (n for n in expanded([x], [y]).nodes if n.op.name == "cond")
    assert not any("composite" in n.op.traits for g in ("then", "orelse") for n in cond.params[g].nodes)


def test_a_body_that_is_shared_is_expanded_once():
    x = symbol()
    y = lookup("softmax")(x, axis=-1)
    found = expanded([x], [y * 2, y + 1])
    assert sum(n.op.name == "exp" for n in found.nodes) == 1


@given(graphs())
@settings(max_examples=30)
def test_no_composite_is_left(drawn):
    def look(graph):
        for node in graph.nodes:
            assert "composite" not in node.op.traits
            for nested in node.params.values():
                if isinstance(nested, Graph):
                    look(nested)

    look(expand(drawn.hidden, ()))
