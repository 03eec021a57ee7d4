"""Each rule by example: where it fires, where it must not, and that no value changes, be it NaN or a signed zero."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings

from kbplug.errors import GraphError
from kbplug.graph.graph import Graph
from kbplug.graph.node import literal, placeholder
from kbplug.graph.op import lookup
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.graph.verify import verify
from kbplug.ops.control import choose, fold_over, repeat_while
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import dim, shape_of
from kbplug.passes.rewrite import index_rules, rewrite
from kbplug.passes.simplify import ARITHMETIC, BROADCASTS, CHOICES, FORMS, simplify
from kbplug.testing.checks import check_passes
from kbplug.testing.graphs import graphs

SPECIAL = np.array([[np.nan, np.inf, -np.inf, 0.0], [-0.0, 1.5, -2.25, 1e-310]])


def symbol(shape=(2, 4), dtype="float64"):
    return Tensor(placeholder(Spec(shape, dtype)))


x, y, s = symbol(), symbol(), symbol(())
n, b, p, z, half = (symbol(dtype=d) for d in ("int32", "bool", "bool", "complex128", "float32"))
m, rows = symbol((None, 4)), symbol((None, 4))
row = symbol((4,))
VALUES = {
    x: SPECIAL,
    y: SPECIAL[:, ::-1],
    s: np.array(-0.0),
    n: np.array([[-5, 0, 1, 2**31 - 1], [7, -(2**31), 3, 2]], "int32"),
    b: SPECIAL > 0,
    p: SPECIAL < 1,
    z: np.stack([SPECIAL, SPECIAL[:, ::-1]], -1).view("complex128")[..., 0],
    half: SPECIAL.astype("float32"),
    m: SPECIAL,
    rows: SPECIAL[::-1],
    row: SPECIAL[0],
}


def simplified(*tensors):
    graph = Graph([t.node for t in VALUES], [t.node for t in tensors])
    return verify(simplify(graph)).outputs


above = xp.relu(xp.expand_dims(x, axis=-1))
POOLING = {"window": 3, "strides": 1}
largest, arriving = xp.max_pool(above, **POOLING), xp.max_pool(xp.expand_dims(y, axis=-1), **POOLING)

BROADCASTING = ("add", "subtract", "multiply", "divide", "maximum", "minimum", "pow")
FIRES = {
    "x * 1": (x * 1, x),
    "relu's mask of a pool's gradient": (
        xp.where(xp.expand_dims(x, axis=-1) <= 0, 0.0, xp.max_pool_input(arriving, above, largest, **POOLING)),
        xp.max_pool_input(xp.where(largest <= 0, 0.0, arriving), above, largest, **POOLING),
    ),
    "1 * x": (1.0 * x, x),
    "n * 1": (n * 1, n),
    "x / a power of two": (x / 1024, x * 2.0**-10),
    "x / 1": (x / 1, x),
    "x - 0": (x - 0.0, x),
    "n - 0": (n - 0, n),
    "x + -0.0": (x + -0.0, x),
    "n + 0": (n + 0, n),
    "0 + n": (0 + n, n),
    "x ** 1": (x**1, x),
    "x ** 2": (x**2, x * x),
    "n ** 2": (n**2, n * n),
    "x ** -1": (x**-1, xp.reciprocal(x)),
    "square(x)": (xp.square(x), x * x),
    "square(n)": (xp.square(n), n * n),
    "-(-x)": (xp.negative(-x), x),
    "-(-n)": (xp.negative(-n), n),
    "+x": (+x, x),
    "conj(x)": (xp.conj(x), x),
    "conj(conj(z))": (xp.conj(xp.conj(z)), z),
    "real(x)": (xp.real(x), x),
    "not not b": (xp.logical_not(xp.logical_not(b)), b),
    "~~n": (~~n, n),
    "where(true)": (xp.where(Tensor(literal(True)), x, y), x),
    "where(false)": (xp.where(Tensor(literal(False)), x, 0.0 * y), 0.0 * y),
    "where(c, x, x)": (xp.where(s > 0, x, x), x),
    "where(true) of unknown sizes": (xp.where(Tensor(literal(True)), m, m * 2), m),
    "stop_gradient": (lookup("stop_gradient")(x), x),
    "astype to its own": (lookup("astype")(x, dtype="float64"), x),
    "astype through a wider": (xp.astype(xp.astype(half, "float64"), "float32"), half),
    "astype of a scalar": (xp.astype(Tensor(literal(0.1, "float32")), "float64") * x, float(np.float32(0.1)) * x),
    "permute to the same": (xp.permute_dims(x, (0, -1)), x),
    "permute twice": (xp.permute_dims(xp.permute_dims(x, (1, 0)), (-1, 0)), x),
    "move an axis to where it is": (xp.moveaxis(x, (0, 1), (-2, -1)), x),
    "reshape to the same": (xp.reshape(x, (2, 4)), x),
    "reshape twice": (xp.reshape(xp.reshape(x, (4, 2)), (8,)), xp.reshape(x, (8,))),
    "broadcast to the same": (lookup("broadcast_to")(x, shape=(2, 4)), x),
    **{f"broadcast before {op}": (op(xp.broadcast_to(row, (2, 4)), x), op(row, x)) for op in map(lookup, BROADCASTING)},
    "broadcast after": (x / xp.broadcast_to(row, (2, 4)), x / row),
    "a matrix of zeros after": (s - xp.zeros_like(x), xp.broadcast_to(s - 0.0, (2, 4))),
    "a number before": (2.0 * xp.broadcast_to(row, (2, 4)), xp.broadcast_to(2.0 * row, (2, 4))),
    "a number after": (xp.broadcast_to(s, (2, 4)) - s, xp.broadcast_to(s - s, (2, 4))),
    "a number beside unknown sizes": (xp.broadcast_to(s, shape_of(m)) / 3.0, xp.broadcast_to(s / 3.0, shape_of(m))),
    "the sum of one in each row": (
        xp.sum(lookup("one_in_row")(x[:, :1], n[:, 1:2], size=5), axis=-1, keepdims=True) * 2,
        (xp.where((n[:, 1:2] >= 0) & (n[:, 1:2] < 5), x[:, :1], 0.0) + 0.0) * 2,
    ),
    "taken of what is computed with a column": (
        xp.take_along_axis(x - xp.max(x, axis=1, keepdims=True), xp.astype(b[:, :2], "int64"), axis=1),
        xp.take_along_axis(x, xp.astype(b[:, :2], "int64"), axis=1) - xp.max(x, axis=1, keepdims=True),
    ),
    "an axis dropped and given back": (xp.expand_dims(xp.squeeze(x[:1], axis=0), axis=0), x[:1]),
    "a reduction's axis given back": (xp.expand_dims(xp.sum(x, axis=1), axis=-1), xp.sum(x, axis=1, keepdims=True)),
    "a scalar made a row": (xp.expand_dims(s, axis=0) + x, s + x),
    "broadcast to unknown sizes": (m * xp.broadcast_to(row, shape_of(m)), m * row),
    "shape(x)[i]": (lookup("shape")(m)[0], dim(m, axis=0)),
    "x[...]": (x[...], x),
    "x[:]": (x[:, ::1], x),
    "a known size": (lookup("dim")(x, axis=1) + n, Tensor(literal(4)) + n),
    "sum_like of the same": (lookup("sum_like")(m * 2, m), m * 2),
    "inside out": (xp.negative(-(x * 1)) / 1, x),
}

KEPT = {
    "another axis given back": xp.expand_dims(xp.sum(x, axis=1), axis=0),
    "more axes given than were dropped": xp.expand_dims(xp.sum(row, axis=0), axis=(0, 1)),
    "x + 0 is 0 for -0": x + 0.0,
    "0 - x is no negative": 0.0 - x,
    "x - -0 is 0 for -0": x - -0.0,
    "x * 0 may be NaN": x * 0,
    "x - x may be NaN": x - x,
    "x / 3": x / 3,
    "x / 0": x / 0.0,
    "x / 0.5 may overflow": x / 0.5,
    "x / x may be NaN": x / x,
    "z * 1 may be NaN": z * 1,
    "z / 1 may be NaN": z / 1,
    "z ** 2 has other zeros": z**2,
    "z ** 1 may have": z**1,
    "n ** -1 is no reciprocal": n**-1,
    "x ** row": x**row,
    "where(c, x, x) where c is larger": xp.where(b, row, row),
    "where(true) against a larger": xp.where(Tensor(literal(True)), row, x),
    "where(true) of sizes that may differ": xp.where(Tensor(literal(True)), m, rows),
    "astype that rounds": xp.astype(xp.astype(x, "float32"), "float64"),
    "astype that wraps": xp.astype(xp.astype(n, "int8"), "int32"),
    "astype of a float to an integer": xp.astype(xp.astype(half, "int32"), "float32"),
    "reshape with an unknown size": xp.reshape(xp.reshape(m, (-1,)), shape_of(m)),
    "x[::2]": x[:, ::2],
    "x[::-1]": x[::-1],
    "sum over no axis is 0 for -0": xp.sum(x, axis=()),
    "a broadcast that makes the shape": xp.broadcast_to(row, (2, 4)) + row,
}


@pytest.mark.parametrize(("before", "after"), FIRES.values(), ids=FIRES)
def test_a_rule_fires(before, after):
    assert simplified(before) == (after.node,)


@pytest.mark.parametrize("tensor", KEPT.values(), ids=KEPT)
def test_what_is_no_identity_is_kept(tensor):
    assert simplified(tensor) == (tensor.node,)


@pytest.mark.parametrize("before", [f for f, _ in FIRES.values()] + list(KEPT.values()), ids=[*FIRES, *KEPT])
def test_no_value_changes(before):
    taken = [v for v in VALUES if v.node in set(Graph((), (before.node,)).nodes)]
    if before is KEPT["n ** -1 is no reciprocal"]:
        return
    graph = Graph([v.node for v in taken], [before.node])
    power = 2.0**-52 if before.node.op.name == "pow" else 0  # a power may be one bit off, a product is not
    check_passes(graph, [VALUES[v] for v in taken], "numpy", within=power)


def test_a_branch_known_is_taken():
    true, false = Tensor(literal(True)), Tensor(literal(False))
    assert simplified(*choose(true, lambda: x + 1, lambda: y)) == ((x + 1).node,)
    assert simplified(*choose(false, lambda: (x + 1, x), lambda: (y, y * 2))) == (y.node, (y * 2).node)


def test_a_scalar_that_a_loop_closed_over_is_simplified_inside():
    one = Tensor(lookup("dim")(symbol((1,)), axis=0).node)
    scale = xp.astype(one, "float64")
    ends, _ = fold_over(lambda c, r: ([c * scale + r], []), [row], [rows])
    (found,) = simplified(ends[0])
    scan = found.inputs[0]
    assert len(scan.inputs) == 2
    assert [k.op.name for k in scan.params["body"].body] == ["add"]


def test_a_while_loop_takes_its_scalars_inside_too():
    one = xp.astype(lookup("dim")(symbol((1,)), axis=0), "float64")
    (end,) = repeat_while(lambda c: xp.sum(c) < one * 10, lambda c: c * one + 1, [row])
    (found,) = simplified(end)
    loop = found.inputs[0]
    assert loop.inputs == (row.node,)
    assert [k.op.name for k in loop.params["body"].body] == ["constant", "add"]


def test_rules_reach_into_the_graphs_inside():
    (found,) = choose(s > 0, lambda: xp.negative(-x), lambda: x / 1)
    node = simplified(found)[0]
    assert [list(node.params[k].body) for k in ("then", "orelse")] == [[], []]


@given(graphs())
@settings(max_examples=40)
def test_once_is_enough(drawn):
    for graph in (drawn.known, drawn.hidden):
        once = simplify(graph)
        assert simplify(once) == once


def test_the_users_line_stays():
    before = xp.square(x + 17.25)
    assert simplified(before)[0].where == before.where


def test_a_rule_that_changes_shape_or_dtype_is_refused():
    for wrong in (xp.sum(x), n):
        rules = index_rules([("exp", lambda t, wrong=wrong: wrong)])
        with pytest.raises(GraphError, match=r"A rule for exp turned float64\[2, 4\] into "):
            rewrite(Graph((x.node,), (xp.exp(x).node,)), rules)


def test_rules_that_never_end_are_cut_short():
    rules = index_rules([("add", lambda a, b: a + (b + 1 if b.ndim else b))])
    assert rewrite(Graph((x.node, y.node), ((x + y).node,)), rules).outputs


def test_tables_of_rules_join_in_order():
    first, second, third = (lambda v: v, lambda v: None, lambda v: v)
    assert index_rules([("a", first), ("b", second)], [("a", third)]) == {"a": (first, third), "b": (second,)}


def test_every_rule_has_an_example():
    """Each rule, alone, changes one of the examples or of the tests of control flow."""
    control = {"cond", "item", "scan", "while_"}
    graphs = [Graph([t.node for t in VALUES], [before.node]) for before, _ in FIRES.values()]
    for name, rule in itertools.chain(ARITHMETIC, BROADCASTS, CHOICES, FORMS):
        rules = index_rules([(name, rule)])
        assert name in control or any(rewrite(g, rules) != g for g in graphs), f"no example for a rule of {name}"
