"""Graphs: order, uses, rebuilding, inlining, listing."""

import pytest
from hypothesis import given, settings

from kbplug.graph.graph import Graph, built_since, depends_on, results, substitute, topological
from kbplug.graph.node import item, literal, now, placeholder, remake
from kbplug.graph.op import lookup
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.testing.graphs import graphs


def symbol(shape=(3,), dtype="float64"):
    return Tensor(placeholder(Spec(shape, dtype)))


@given(graphs())
@settings(max_examples=30, deadline=None)
def test_every_node_stands_once_and_after_its_operands(drawn):
    graph = drawn.hidden
    place = {n: i for i, n in enumerate(graph.nodes)}
    assert len(place) == len(graph.nodes)
    assert graph.nodes[: len(graph.inputs)] == graph.inputs
    assert all(place[i] < place[n] for n in graph.body for i in n.inputs)
    assert set(graph.outputs) <= set(place)


@given(graphs())
@settings(max_examples=30, deadline=None)
def test_uses_are_the_operands_read_backwards(drawn):
    graph = drawn.hidden
    pairs = [(i, n) for n in graph.body for i in n.inputs]
    assert sorted((id(i), id(n)) for i, n in pairs) == sorted(
        (id(i), id(n)) for i, users in graph.uses.items() for n in users
    )


@given(graphs())
@settings(max_examples=30, deadline=None)
def test_rebuilding_by_remaking_changes_nothing(drawn):
    assert drawn.hidden.rebuild(remake) == drawn.hidden


def test_what_stands_below_an_input_is_cut_off():
    x = symbol()
    middle = xp.exp(x)
    graph = Graph((middle.node,), ((middle + 1).node,))
    assert x.node not in graph.nodes
    assert [n.op.name for n in graph.body] == ["constant", "add"]


def test_an_operand_used_twice_counts_twice():
    x = symbol()
    y = x * x
    graph = Graph((x.node,), (y.node,))
    assert graph.uses[x.node] == (y.node, y.node)


def test_calling_a_graph_puts_it_over_other_nodes():
    x, y = symbol(), symbol((None, 2))
    graph = Graph((x.node,), (xp.exp(x * 2).node, x.node))
    assert graph(y.node) == (xp.exp(y * 2).node, y.node)
    with pytest.raises(ValueError, match="zip"):
        graph()


def test_equal_graphs_are_equal():
    x, y = symbol(), symbol()
    one = Graph((x.node,), (xp.exp(x).node,))
    assert one == Graph([x.node], [xp.exp(x).node])
    assert hash(one) == hash(Graph([x.node], [xp.exp(x).node]))
    assert one != Graph((y.node,), (xp.exp(y).node,))
    assert one != "a graph"


def test_substituting_touches_only_what_depends():
    x, y, z = symbol(), symbol(), symbol()
    left, right = xp.exp(x), xp.exp(y)
    found = substitute([(left + right).node, right.node], {x.node: z.node})
    assert found == ((xp.exp(z) + right).node, right.node)


def test_what_depends_on_a_source():
    x, y = symbol(), symbol()
    a, b = xp.exp(x), xp.exp(y)
    total = a + b
    assert depends_on([total.node], [x.node]) == {x.node, a.node, total.node}
    assert depends_on([b.node], [x.node]) == {x.node}


def test_what_was_built_since_a_moment():
    x = placeholder(Spec((2,), "float32"))
    before = xp.exp(Tensor(x)).node
    begin = now()
    first = xp.sin(Tensor(before)).node
    second = xp.add(Tensor(first), Tensor(before)).node
    assert built_since([second, before], begin) == [first, second]
    assert built_since([before], begin) == []


def test_the_walk_begins_with_the_inputs_even_if_unused():
    x, y = symbol(), symbol()
    assert list(topological([x.node], [y.node])) == [y.node, x.node]


def test_the_results_of_a_node():
    x = symbol((2, 3))
    several = lookup("unstack")(x, axis=0).node
    assert results(x.node) == (x.node,)
    assert results(several) == (item(several, 0), item(several, 1))


def test_a_graph_is_listed_line_by_line():
    x = symbol((None, 2), "float32")
    first, _ = xp.unstack(x, axis=1)
    graph = Graph((x.node,), (xp.sum(first * 2, axis=0).node, literal(1)))
    assert str(graph).splitlines() == [
        "v0: float32[?, 2] = input",
        "v1: (float32[?], float32[?]) = unstack(v0, axis=1)",
        "v2: float32[?] = item(v1, 0)",
        "v3: float32[] = constant(2.0)",
        "v4: float32[?] = multiply(v2, v3)",
        "v5: float32[] = sum(v4, axis=0, dtype=None, keepdims=False)",
        "v6: int64[] = constant(1)",
        "return v5, v6",
    ]
    assert repr(graph) == "<graph 1 in, 2 out, 7 nodes>"
