"""A graph taken apart and put together is the same graph; damaged data is an error that says what is wrong."""

import contextlib
import copy
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbplug.errors import StorageError
from kbplug.graph.graph import Graph
from kbplug.graph.node import CONSTANT, Slice, literal, make, placeholder
from kbplug.graph.op import lookup
from kbplug.graph.serial import FORMAT, VERSION, from_data, to_data
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.graph.verify import verify
from kbplug.ops.control import choose, fold_over
from kbplug.ops.namespace import namespace as xp
from kbplug.runtime.cells import Cell, Variable
from kbplug.testing.graphs import graphs


def again(graph):
    """Return the graph after a trip through JSON text."""
    data, arrays, cells = to_data(graph)
    return from_data(json.loads(json.dumps(data, allow_nan=False)), arrays, cells)


def same(graph, other):
    """Say whether two graphs are one function: over the same inputs, their outputs are the same nodes."""
    return [n.spec for n in graph.inputs] == [n.spec for n in other.inputs] and other(*graph.inputs) == graph.outputs


def symbol(shape=(2,), dtype="float64", name=None):
    return Tensor(placeholder(Spec(shape, dtype), name))


def graph_of(function, *inputs):
    results = function(*inputs)
    results = results if isinstance(results, tuple) else (results,)
    return Graph([t.node for t in inputs], [t.node for t in results])


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_any_graph_survives_the_trip(drawn):
    for graph in (drawn.known, drawn.hidden):
        assert same(graph, again(graph))


@given(graphs())
@settings(max_examples=10, deadline=None)
def test_the_data_of_a_graph_read_back_is_the_same_data(drawn):
    assert to_data(again(drawn.hidden)).data == to_data(drawn.hidden).data


@pytest.mark.parametrize(
    "value",
    [
        *(1.0, -0.0, 0.1, 5e-324, 1.7976931348623157e308, math.inf, -math.inf, math.nan, 1, -(2**63), True),
        *(complex(-0.0, 0.0), complex(math.nan, -math.inf), complex(0.1, 1e-300)),
    ],
)
def test_a_scalar_comes_back_as_the_same_bits(value):
    node = literal(value)
    graph = Graph((), (node,))
    assert again(graph).outputs == (node,)


@pytest.mark.parametrize("dtype", ["float16", "float32", "bfloat16", "int8", "uint64", "complex64", "bool"])
def test_a_scalar_comes_back_in_its_dtype(dtype):
    graph = Graph((), (literal(True, dtype),))
    assert again(graph) == graph


@pytest.mark.parametrize(
    "index",
    [
        (0, slice(None)),
        (slice(-1, None, 2), None, ...),
        (..., -1),
        (slice(None, None, -1),),
    ],
)
def test_an_index_comes_back(index):
    graph = graph_of(lambda x: x[index], symbol((3, 4)))
    assert same(graph, again(graph))


def test_every_kind_of_parameter_comes_back():
    odd = (1, 1.0, True, None, "text", -0.0, complex(2, -0.0), (Slice(None, "size", -1), ...), ())
    graph = Graph((), (make(CONSTANT, (), {"value": odd}, Spec((), "int64")),))
    written = to_data(graph).data["graphs"][0]["nodes"][0]["params"]["value"]
    assert json.loads(json.dumps(written)) == written
    assert written[:5] == [1, {"float": "1.0"}, True, None, "text"]
    assert written[5:] == [
        {"float": "-0.0"},
        {"complex": ["2.0", "-0.0"]},
        [{"slice": [None, "size", -1]}, {"ellipsis": True}],
        [],
    ]


def test_parameters_of_numpy_come_back_as_pythons():
    x = symbol((3, 4))
    graph = graph_of(lambda x: xp.clip(xp.sum(x, axis=np.int64(1)), 0, 1), x)
    (found,) = again(graph).outputs
    assert type(found.inputs[0].params["axis"]) is int


def test_equal_arrays_are_stored_once_and_come_back_as_one_node():
    values = np.arange(6.0).reshape(2, 3)
    graph = graph_of(lambda x: (x + values, x * values.copy()), symbol((2, 3)))
    stored = to_data(graph)
    assert list(stored.arrays) == ["0"]
    assert np.array_equal(stored.arrays["0"], values)
    added, multiplied = again(graph).outputs
    assert added.inputs[1] is multiplied.inputs[1] is graph.outputs[0].inputs[1]


def test_the_graphs_inside_control_flow_come_back():
    def function(x, rows):
        (chosen,) = choose(xp.sum(x) > 0, lambda: x + 1, lambda: fold_over(add, [x], [rows])[0][0])
        ends, kept = fold_over(lambda c, r: ([choose(r[0] > 0, lambda: c, lambda: c * r)[0]], [c]), [x], [rows])
        return chosen, *ends, *kept

    def add(carry, row):
        return [carry + row], []

    graph = graph_of(function, symbol((3,)), symbol((None, 3)))
    assert same(graph, again(graph))
    assert len(to_data(graph).data["graphs"]) > 4


def test_a_graph_inside_that_is_used_twice_is_stored_once():
    def step(carry, row):
        return [carry + row], []

    def function(x, rows):
        return fold_over(step, [x], [rows])[0][0] * fold_over(step, [-x], [rows])[0][0]

    assert len(to_data(graph_of(function, symbol((3,)), symbol((5, 3)))).data["graphs"]) == 2


def test_graphs_nested_a_thousand_deep_are_written_without_recursion():
    graph = graph_of(lambda x: x + 1, symbol(()))
    for _ in range(1500):
        (inner,) = graph.inputs
        graph = Graph((inner,), (lookup("fused")(Tensor(inner), body=graph).node,))
    assert len(to_data(graph).data["graphs"]) == 1501


def test_a_chain_of_nodes_comes_back_without_recursion():
    x = y = symbol(())
    for i in range(5_000):
        y = y + float(i)
    graph = graph_of(lambda _: y, x)
    assert same(graph, again(graph))


def test_cells_are_counted_in_the_order_they_are_read_and_may_be_others():
    a, b = (Variable(Cell(np.ones(2), name)) for name in "ab")
    graph = Graph((a.node, b.node), ((a * b + a).node,))
    data, arrays, cells = to_data(graph)
    assert cells == [a.cell, b.cell]
    assert from_data(data, arrays, cells) == graph
    others = [Cell(np.zeros(2), "c"), Cell(np.zeros(2), "d")]
    assert [n.params["cell"] for n in from_data(data, arrays, others).inputs] == others


def test_placeholders_come_back_as_new_ones_with_their_names():
    x, y = symbol(name="x"), symbol((None,), "int32")
    data, arrays, _ = to_data(Graph((x.node, y.node), (xp.sum(x).node,)))
    first, second = (from_data(data, arrays, where="here") for _ in range(2))
    assert first.inputs[0].params["name"] == "x"
    assert [n.spec for n in first.inputs] == [x.spec, y.spec]
    assert {n.where for n in first.nodes} == {"here"}
    assert not {*first.inputs} & {*second.inputs, x.node, y.node}


def test_an_input_that_is_no_leaf_becomes_a_placeholder():
    x = symbol()
    middle = xp.exp(x)
    found = again(Graph((middle.node,), ((middle * 2).node,)))
    assert found.inputs[0].op.name == "placeholder"
    assert found.inputs[0].spec == middle.spec
    assert len(found.nodes) == 3


def test_a_parameter_added_since_takes_its_default():
    data, arrays, _ = to_data(graph_of(lambda x: xp.sum(x, axis=0), symbol()))
    del data["graphs"][0]["nodes"][1]["params"]["keepdims"]
    assert from_data(data, arrays).outputs[0].params["keepdims"] is False


def test_what_cannot_be_stored_is_named():
    node = make(lookup("print"), (literal(1.0),), {"message": object}, Spec((), "float64"))
    with pytest.raises(StorageError, match=r"print, parameter 'message', holds <class 'object'>, which cannot be stor"):
        to_data(Graph((), (node,)))


def stored():
    """Return the data of a graph with a bit of everything: 0 x, 1 constant, 2 multiply, 3 sum, and a graph inside."""
    x = symbol((2, 3))
    ends, _ = fold_over(lambda c, row: ([c + row], []), [x[0]], [x])
    graph = Graph((x.node,), (xp.sum(x * np.arange(3.0), axis=1).node, ends[0].node))
    return to_data(graph)


def test_the_data_to_be_damaged_is_sound():
    data, arrays, cells = stored()
    names = [row["op"] for row in data["graphs"][-1]["nodes"]]
    assert names[:4] == ["placeholder", "constant", "multiply", "sum"]
    assert from_data(data, arrays, cells)


@pytest.mark.parametrize("data", [None, [], "text", {}, {"format": "other", "version": 1}])
def test_foreign_data_is_refused(data):
    with pytest.raises(StorageError, match=f"no stored graph, since its format is not '{FORMAT}'"):
        from_data(data, {})


@pytest.mark.parametrize("version", [None, "1", 0, True, 1.0])
def test_a_version_that_is_none_is_refused(version):
    with pytest.raises(StorageError, match=f"its version is {version!r}"):
        from_data(stored().data | {"version": version}, {})


def test_a_newer_version_is_refused():
    with pytest.raises(StorageError, match=rf"has version {VERSION + 1}, but this kbplug reads .* to {VERSION}; upd"):
        from_data(stored().data | {"version": VERSION + 1}, {})


def set_at(path, value):
    def damage(data):
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = value

    return damage


def drop(*path):
    def damage(data):
        for key in path[:-1]:
            data = data[key]
        del data[path[-1]]

    return damage


NODES = ("graphs", -1, "nodes")
DAMAGES = {
    "unknown op": (
        set_at((*NODES, 2, "op"), "multiplex"),
        "Node 2 .* is 'multiplex', an op that this",
    ),
    "op no text": (set_at((*NODES, 2, "op"), [1]), "damaged"),
    "operand ahead": (set_at((*NODES, 2, "inputs"), [0, 3]), "Node 2 .*, multiply, refers to the place 3, but only 2"),
    "operand negative": (set_at((*NODES, 2, "inputs"), [0, -1]), "refers to the place -1"),
    "operand no place": (set_at((*NODES, 2, "inputs"), [0, True]), "refers to the place True"),
    "operand missing": (set_at((*NODES, 2, "inputs"), [0]), "multiply takes the arrays"),
    "operand too many": (set_at((*NODES, 2, "inputs"), [0, 0, 0]), "multiply takes the arrays"),
    "output ahead": (set_at(("graphs", -1, "outputs"), [99]), "An output .* refers to the place 99"),
    "inputs uncounted": (set_at(("graphs", -1, "inputs"), "one"), "counts 'one' inputs"),
    "inputs too many": (set_at(("graphs", -1, "inputs"), 99), "counts 99 inputs"),
    "input not counted": (set_at(("graphs", -1, "inputs"), 0), "not closed"),
    "wrong dtype": (set_at((*NODES, 2, "spec", "dtype"), "int8"), r"should be float64\[2, 3\]"),
    "no dtype": (set_at((*NODES, 2, "spec", "dtype"), "float99"), "'float99' is not a dtype"),
    "wrong shape": (set_at((*NODES, 3, "spec", "shape"), [3]), r"should be float64\[2\]"),
    "no shape": (set_at((*NODES, 3, "spec", "shape"), ["a"]), "holds 'a'"),
    "negative size": (set_at((*NODES, 0, "spec", "shape"), [-2, 3]), "holds -2"),
    "one spec of several": (set_at((*NODES, 2, "spec"), [{"dtype": "float64", "shape": [2, 3]}]), "damaged"),
    "wrong constant": (set_at((*NODES, 1, "spec", "shape"), [4]), "Node 1 .*, constant, should be float64"),
    "wrong axis": (set_at((*NODES, 3, "params", "axis"), 7), "Axis 7 is out of range"),
    "axis no number": (set_at((*NODES, 3, "params", "axis"), "x"), "damaged"),
    "unknown parameter": (set_at((*NODES, 3, "params", "axes"), 1), "sum has no parameter 'axes'"),
    "unknown kind": (set_at((*NODES, 3, "params", "axis"), {"pickle": 1}), "a value of the unknown kind 'pickle'"),
    "two kinds": (set_at((*NODES, 3, "params", "axis"), {"float": "1", "graph": 0}), "damaged"),
    "no float": (set_at((*NODES, 3, "params", "axis"), {"float": "one"}), "damaged"),
    "no array": (set_at((*NODES, 1, "params", "value"), {"array": "9"}), "needs the array '9', which is not there"),
    "no cell": (set_at((*NODES, 3, "params", "axis"), {"cell": 0}), "refers to the place 0"),
    "no graph inside": (drop("graphs", 0), "refers to the place 0"),
    "no graph": (set_at(("graphs",), []), "damaged"),
    "no nodes": (drop(*NODES), "damaged: KeyError: 'nodes'"),
    "no op": (drop(*NODES, 2, "op"), "damaged: KeyError: 'op'"),
    "no params": (drop(*NODES, 2, "params"), "damaged: KeyError: 'params'"),
    "no uid": (drop(*NODES, 0, "params", "uid"), "damaged: KeyError: 'uid'"),
    "a node that is none": (set_at((*NODES, 2), 7), "damaged"),
    "graphs that are none": (set_at(("graphs",), 7), "damaged"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
def test_damage_is_told(damage, message):
    data, arrays, cells = stored()
    data = copy.deepcopy(data)
    damage(data)
    with pytest.raises(StorageError, match=message):
        from_data(data, arrays, cells)


PATHS = [
    *(("graphs", g, key) for g in (0, 1) for key in ("inputs", "nodes", "outputs")),
    *((*NODES, i, key) for i in range(6) for key in ("op", "inputs", "params", "spec")),
    *((*NODES, i, "spec", key) for i in range(4) for key in ("dtype", "shape")),
    *((*NODES, i, "inputs", 0) for i in (2, 3, 4)),
    *((*NODES, 3, "params", key) for key in ("axis", "dtype", "keepdims")),
    *(("graphs", 0, "nodes", i, key) for i in range(3) for key in ("op", "inputs", "params", "spec")),
]
KINDS = ("float", "complex", "graph", "slice", "cell", "array", "dtype", "shape")
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 9)
    | st.floats(width=16)
    | st.sampled_from(["", "add", "float64", "sum"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["float", "graph", "slice", "cell", "array", "dtype", "shape"]), inner, max_size=2
        )
    ),
    max_leaves=4,
)


@given(st.sampled_from(PATHS), PLAIN)
@settings(max_examples=300, deadline=None)
def test_no_damage_is_any_other_error(path, value):
    data, arrays, cells = stored()
    data = copy.deepcopy(data)
    set_at(path, value)(data)
    with contextlib.suppress(StorageError):
        verify(from_data(data, arrays, cells))


def test_an_array_that_became_a_scalar_is_told():
    data, arrays, cells = stored()
    with pytest.raises(StorageError, match="needs an array, but '0' is a scalar"):
        from_data(data, dict.fromkeys(arrays, 1.0), cells)


def test_a_cell_of_another_spec_is_told():
    v = Variable(Cell(np.ones(2), "v"))
    data, arrays, _ = to_data(Graph((v.node,), ((v * 2).node,)))
    with pytest.raises(StorageError, match=r"should be float64\[3\]"):
        from_data(data, arrays, [Cell(np.ones(3), "v")])
