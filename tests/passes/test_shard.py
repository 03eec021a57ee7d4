"""Graphs cut along a batch: where each value lies, what stays whole, and that parts come to the same."""

import functools
import itertools

import numpy as np
import pytest
from hypothesis import given, settings

from kbplug import plugins
from kbplug.graph.graph import Graph
from kbplug.graph.node import Slice, placeholder, remake
from kbplug.graph.op import lookup
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor, tensor
from kbplug.graph.verify import verify
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sharding import Cut, batch_size
from kbplug.ops.sizes import dim
from kbplug.passes.placement import Placed, Share
from kbplug.passes.shard import shard
from kbplug.runtime.interpret import run_graph
from kbplug.testing.closeness import assert_close
from kbplug.testing.graphs import graphs


def symbol(*shape, dtype="float64"):
    return Tensor(placeholder(Spec(shape, dtype)))


def in_parts(parts):
    """Return a kernel for ``sharded`` that runs the parts one after the other."""

    def sharded(*arrays, body, axes, ends, work, bytes):
        samples = batch_size(arrays, axes)
        bounds = [samples * i // parts for i in range(parts + 1)]
        results = [
            body(*(a if c is None else a[at(c, start, stop)] for a, c in zip(arrays, axes, strict=True)))
            for start, stop in itertools.pairwise(bounds)
        ]
        return tuple(joined(end, shares) for end, shares in zip(ends, zip(*results, strict=True), strict=True))

    return {"sharded": sharded}


def at(cut, start, stop):
    return (slice(None),) * cut.axis + (slice(start * cut.each, stop * cut.each),)


def joined(end, shares):
    if isinstance(end, Cut):
        return np.concatenate(shares, axis=end.axis)
    with np.errstate(all="ignore"):
        return functools.reduce(getattr(np, end), shares)


def values_of(graph, arrays, kernels=()):
    engine = plugins.engine("numpy")
    with engine.computing():
        return run_graph(graph, list(arrays), engine, {**engine.kernels, **dict(kernels)})


def placement(build, *shapes, batch=(0,), dtype="float64"):
    """Return where the result of ``build`` lies, for symbols of these shapes whose first axes are batches."""
    inputs = [symbol(*s, dtype=dtype) for s in shapes]
    y = build(*inputs)
    node = y[0].node if isinstance(y, tuple | list) else y.node
    placed = Placed(Graph([t.node for t in inputs], [node]), {inputs[i].node: 0 for i in batch})
    return placed.at[placed.graph.outputs[0]]


B = None
ONE = (0,)
BOTH = (0, 1)
SUM = Share("add")

LABELS = {
    "elementwise": (lambda x: xp.tanh(x) * 2 + 1, [(B, 4)], ONE, Cut(0)),
    "with a row": (lambda x, w: x + w, [(B, 4), (4,)], ONE, Cut(0)),
    "two batches": (lambda x, y: x * y, [(B, 4), (B, 4)], BOTH, Cut(0)),
    "batch in another place": (lambda x, y: x * y, [(B,), (3, 4)], ONE, None),
    "batch to the right": (lambda x, y: x * y, [(B,), (3, 1)], ONE, Cut(1)),
    "where": (lambda x, y: xp.where(x > 0, x, y), [(B, 4), (4,)], ONE, Cut(0)),
    "sum over the batch": (lambda x: xp.sum(x, axis=0), [(B, 4)], ONE, SUM),
    "sum over all": (xp.sum, [(B, 4)], ONE, SUM),
    "sum over others": (lambda x: xp.sum(x, axis=1), [(B, 4)], ONE, Cut(0)),
    "sum of sums": (lambda x: xp.sum(xp.sum(x, axis=0)), [(B, 4)], ONE, SUM),
    "sums together": (lambda x, y: xp.sum(x, axis=0) - xp.sum(y, axis=0), [(B, 4), (B, 4)], BOTH, SUM),
    "sum times number": (lambda x: xp.sum(x) * 2, [(B, 4)], ONE, None),
    "prod": (xp.prod, [(B, 4)], ONE, Share("multiply")),
    "max": (lambda x: xp.max(x, axis=0, keepdims=True), [(B, 4)], ONE, Share("maximum")),
    "min": (lambda x: xp.min(x, axis=0), [(B, 4)], ONE, Share("minimum")),
    "all": (lambda x: xp.all(x > 0), [(B, 4)], ONE, Share("logical_and")),
    "any": (lambda x: xp.any(x > 0), [(B, 4)], ONE, Share("logical_or")),
    "count_nonzero": (xp.count_nonzero, [(B, 4)], ONE, SUM),
    "mean over others": (lambda x: xp.mean(x, axis=-1, keepdims=True), [(B, 4)], ONE, Cut(0)),
    "mean over the batch": (xp.mean, [(B, 4)], ONE, None),
    "argmax of rows": (lambda x: xp.argmax(x, axis=1), [(B, 4)], ONE, Cut(0)),
    "argmax of columns": (lambda x: xp.argmax(x, axis=0), [(B, 4)], ONE, None),
    "sort rows": (lambda x: xp.sort(x, axis=-1), [(B, 4)], ONE, Cut(0)),
    "sort the batch": (lambda x: xp.sort(x, axis=0), [(B, 4)], ONE, None),
    "top_k": (lambda x: xp.top_k(x, k=2)[0], [(B, 4)], ONE, Cut(0)),
    "cumulative_sum": (lambda x: xp.cumulative_sum(x, axis=1), [(B, 4)], ONE, Cut(0)),
    "cumulative_sum of the batch": (lambda x: xp.cumulative_sum(x, axis=0), [(B, 4)], ONE, None),
    "flip rows": (lambda x: xp.flip(x, axis=1), [(B, 4)], ONE, Cut(0)),
    "flip": (xp.flip, [(B, 4)], ONE, None),
    "matmul": (lambda x, w: x @ w, [(B, 4), (4, 3)], ONE, Cut(0)),
    "matmul with a vector": (lambda x, w: x @ w, [(B, 4), (4,)], ONE, Cut(0)),
    "matmul of vectors": (lambda x, y: x @ y, [(B,), (B,)], BOTH, SUM),
    "matmul, weights first": (lambda x, w: w @ x.T, [(B, 4), (3, 4)], ONE, Cut(1)),
    "matmul over the batch": (lambda x, y: x.T @ y, [(B, 4), (B, 3)], BOTH, SUM),
    "matmul of stacks": (lambda x, y: x @ y, [(B, 5, 4), (B, 4, 3)], BOTH, Cut(0)),
    "matmul of a stack": (lambda x, w: x @ w, [(B, 5, 4), (4, 3)], ONE, Cut(0)),
    "tensordot": (lambda x, w: xp.tensordot(x, w, axes=1), [(B, 5, 4), (4, 3)], ONE, Cut(0)),
    "tensordot over the batch": (
        lambda x, y: xp.tensordot(x, y, axes=((0, 1), (0, 1))),
        [(B, 5, 4), (B, 5, 3)],
        BOTH,
        SUM,
    ),
    "tensordot, weights first": (lambda x, w: xp.tensordot(w, x, axes=((0,), (1,))), [(B, 4), (4, 3)], ONE, Cut(1)),
    "vecdot": (xp.vecdot, [(B, 4), (B, 4)], BOTH, Cut(0)),
    "reshape": (lambda x: xp.reshape(x, (-1, 2, 2)), [(B, 4)], ONE, Cut(0)),
    "reshape by size": (lambda x: xp.reshape(x, (x.shape[0] or dim(x, axis=0), 2, 2)), [(B, 4)], ONE, Cut(0)),
    "rows merged": (lambda x: xp.reshape(x, (-1, 4)), [(B, 3, 4)], ONE, Cut(0, 3)),
    "rows apart again": (lambda x: xp.reshape(xp.reshape(x, (-1, 4)), (-1, 3, 2, 2)), [(B, 3, 4)], ONE, Cut(0)),
    "rows that do not fit": (lambda x: xp.reshape(x, (-1, 3)), [(B, 4)], ONE, None),
    "reshape to a number": (lambda x: xp.reshape(x, (2, 4)), [(B, 4)], ONE, None),
    "permute_dims": (lambda x: xp.permute_dims(x, (1, 2, 0)), [(B, 3, 4)], ONE, Cut(2)),
    "moveaxis": (lambda x: xp.moveaxis(x, 0, 1), [(B, 3, 4)], ONE, Cut(1)),
    "expand_dims": (lambda x: xp.expand_dims(x, axis=0), [(B, 4)], ONE, Cut(1)),
    "squeeze": (lambda x: xp.squeeze(x, axis=1), [(B, 1)], ONE, Cut(0)),
    "squeeze the batch": (lambda x: xp.squeeze(x, axis=0), [(B, 4)], ONE, None),
    "broadcast_to": (lambda x: xp.broadcast_to(x, (dim(x, axis=0), 4)), [(B, 1)], ONE, Cut(0)),
    "broadcast_to a number": (lambda x: xp.broadcast_to(x, (7, 4)), [(B, 1)], ONE, None),
    "zeros_like": (xp.zeros_like, [(B, 4)], ONE, Cut(0)),
    "concat of columns": (lambda x, y: xp.concat([x, y], axis=1), [(B, 4), (B, 3)], BOTH, Cut(0)),
    "concat of rows": (lambda x, y: xp.concat([x, y], axis=0), [(B, 4), (B, 4)], BOTH, None),
    "concat with one row": (lambda x, y: xp.concat([x, y], axis=1), [(B, 4), (1, 4)], ONE, None),
    "stack": (lambda x, y: xp.stack([x, y], axis=1), [(B, 4), (B, 4)], BOTH, Cut(0)),
    "stack in front": (lambda x, y: xp.stack([x, y]), [(B, 4), (B, 4)], BOTH, Cut(1)),
    "unstack": (lambda x: xp.unstack(x, axis=1), [(B, 4)], ONE, Cut(0)),
    "columns": (lambda x: x[:, 1:3], [(B, 4)], ONE, Cut(0)),
    "a column": (lambda x: x[:, 1], [(B, 4)], ONE, Cut(0)),
    "a column and a new axis": (lambda x: x[None, :, 1], [(B, 4)], ONE, Cut(1)),
    "rows": (lambda x: x[1:], [(B, 4)], ONE, None),
    "a row": (lambda x: x[0], [(B, 4)], ONE, None),
    "columns by an array": (lambda x: x[:, np.array([2, 0])], [(B, 4)], ONE, Cut(0)),
    "arrays apart": (lambda x: x[np.array([0]), :, np.array([1])], [(B, 4, 5)], ONE, None),
    "lookup": (lambda x, w: w[xp.astype(x, "int64")], [(B, 3), (9, 4)], ONE, Cut(0)),
    "take": (lambda x, w: xp.take(w, xp.astype(x, "int64"), axis=1), [(B,), (9, 4)], ONE, Cut(1)),
    "take of columns": (lambda x, i: xp.take(x, xp.astype(i, "int64"), axis=1), [(B, 4), (2,)], ONE, Cut(0)),
    "take_along_axis": (
        lambda x, i: xp.take_along_axis(x, xp.astype(i, "int64"), axis=1),
        [(B, 4), (B, 1)],
        BOTH,
        Cut(0),
    ),
    "mask": (lambda x: x[x > 0], [(B, 4)], ONE, None),
    "setitem": (lambda x: lookup("setitem")(x, tensor(0.0), index=(Slice(None, None, None), 1)), [(B, 4)], ONE, Cut(0)),
    "scatter_add": (
        lambda x, i: lookup("scatter_add")(xp.zeros((9, 4)), x, xp.astype(i, "int64"), index=("array",)),
        [(B, 4), (B,)],
        BOTH,
        SUM,
    ),
    "scatter_add to something": (
        lambda x, w: lookup("scatter_add")(w, x, xp.astype(x[:, 0], "int64"), index=("array",)),
        [(B, 4), (9, 4)],
        ONE,
        None,
    ),
    "segment_sum": (lambda x, i: xp.segment_sum(x, xp.astype(i, "int64"), 5), [(B, 4), (B,)], BOTH, SUM),
    "segment_max": (
        lambda x, i: lookup("segment_max")(x, xp.astype(i, "int64"), shape=(5,)),
        [(B, 4), (B,)],
        BOTH,
        Share("maximum"),
    ),
    "segment_mean": (
        lambda x, i: lookup("segment_mean")(x, xp.astype(i, "int64"), shape=(5,)),
        [(B, 4), (B,)],
        BOTH,
        None,
    ),
    "conv": (lookup("conv"), [(B, 8, 8, 3), (3, 3, 3, 5)], ONE, Cut(0)),
    "conv_input": (lambda x, k: lookup("conv_input")(x, k, shape=(8, 8)), [(B, 6, 6, 5), (3, 3, 3, 5)], ONE, Cut(0)),
    "conv_kernel": (
        lambda x, y: lookup("conv_kernel")(x, y, shape=(3, 3)),
        [(B, 8, 8, 3), (B, 6, 6, 5)],
        BOTH,
        SUM,
    ),
    "conv of a batch of kernels": (lambda k, x: lookup("conv")(x, k), [(B, 3, 3, 5), (2, 8, 8, 3)], ONE, None),
    "max_pool": (lambda x: lookup("max_pool")(x, window=2), [(B, 8, 8, 3)], ONE, Cut(0)),
    "pad": (lambda x: lookup("pad")(x, widths=((0, 0), (1, 1))), [(B, 4)], ONE, Cut(0)),
    "pad the batch": (lambda x: lookup("pad")(x, widths=((1, 0), (0, 0))), [(B, 4)], ONE, None),
    "repeat columns": (lambda x: xp.repeat(x, 2, axis=1), [(B, 4)], ONE, Cut(0)),
    "tile rows": (lambda x: xp.tile(x, (2, 1)), [(B, 4)], ONE, None),
    "inverse of each": (xp.linalg.inv, [(B, 3, 3)], ONE, Cut(0)),
    "print": (lambda x: lookup("print")(x, message="here"), [(B, 4)], ONE, None),
    "an op without a rule": (xp.unique_values, [(B, 4)], ONE, None),
    "softmax": (lambda x: lookup("softmax")(x, axis=-1), [(B, 4)], ONE, Cut(0)),
    "softmax over the batch": (lambda x: lookup("softmax")(x, axis=0), [(B, 4)], ONE, None),
    "unlike sizes": (lambda x, y: x + y, [(B, 4), (B, 4)], ONE, None),
}


@pytest.mark.parametrize("case", LABELS)
def test_where_a_value_lies(case):
    build, shapes, batch, expected = LABELS[case]
    assert placement(build, *shapes, batch=batch) == expected


FIXED = sorted(
    set(LABELS) - {"batch in another place", "batch to the right", "unlike sizes", "zeros_like", "reshape to a number"}
)


@pytest.mark.parametrize("case", [c for c in FIXED if LABELS[c][3] is not None])
def test_where_a_value_lies_when_the_batch_is_known(case):
    build, shapes, batch, expected = LABELS[case]
    known = [tuple(6 if n is None else n for n in s) for s in shapes]
    assert placement(build, *known, batch=batch) == expected


def cut(inputs, outputs, batch):
    """Return the graph of some tensors in stages, verified."""
    found = shard(Graph([t.node for t in inputs], [t.node for t in outputs]), dict.fromkeys(batch, 0))
    return None if found is None else verify(found.graph)


def check(inputs, outputs, batch, arrays):
    """Compare a graph in stages, run in 1, 2 and 3 parts, with the graph as it was; return the stages."""
    plain = values_of(Graph([t.node for t in inputs], [t.node for t in outputs]), arrays)
    graph = cut(inputs, outputs, batch)
    for parts in range(1, min(3, arrays[batch[0]].shape[0]) + 1):
        found = values_of(graph, arrays, in_parts(parts))
        for i, (a, b) in enumerate(zip(found, plain, strict=True)):
            assert_close(np.asarray(a), np.asarray(b), f"Output {i} in {parts} parts")
    return [n for n in graph.body if n.op.name == "sharded"]


def random(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape)


@pytest.mark.parametrize("samples", [None, 7])
@pytest.mark.parametrize("axis", [0, (0, 1), None])
@pytest.mark.parametrize("name", ["mean", "var", "std"])
def test_a_mean_divides_by_the_size_of_the_whole_batch(name, axis, samples):
    x = symbol(samples, 5)
    (first, *_) = check([x], [getattr(xp, name)(x, axis=axis, keepdims=axis == 0)], [0], [random(7, 5)])
    assert first.params["ends"] == ("add",)


def test_half_precision_is_not_summed_where_it_is_averaged():
    x = symbol(None, 4, dtype="float16")
    assert cut([x], [xp.mean(x, axis=0)], [0]) is None


@pytest.mark.parametrize("samples", [None, 7])
def test_the_number_of_samples_is_that_of_the_whole_batch(samples):
    x = symbol(samples, 5)
    share = 1.0 / xp.astype(xp.shape(x)[0] if samples is None else xp.asarray(7), "float64")
    check([x], [x * share, xp.sum(x * share, axis=0)], [0], [random(7, 5)])


@pytest.mark.parametrize("samples", [None, 7])
def test_what_is_repeated_for_each_sample_is_repeated_for_those_of_the_part(samples):
    x, row = symbol(samples, 4), symbol(4)
    size = x.shape[0] or dim(x, axis=0)
    repeated = xp.broadcast_to(row, (size, 4))
    (stage,) = check(
        [x, row], [repeated @ x.T[:, :3] if samples else xp.sum(repeated * x)], [0], [random(7, 4), random(4)]
    )
    assert stage.params["axes"][0] == Cut(0)


def test_a_whole_value_of_the_batchs_size_is_cut_where_it_meets_a_slice():
    x = symbol(6, 4)
    table = random(6, 4)
    (stage,) = check([x], [xp.tanh(x) * tensor(table)], [0], [random(6, 4)])
    assert stage.params["axes"] == (Cut(0), Cut(0))


def test_merged_rows_come_apart_where_they_were_merged():
    x, w = symbol(None, 3, 4), symbol(4, 4)
    rows = xp.reshape(x, (-1, 4)) @ w
    (stage,) = check([x, w], [xp.reshape(rows, (-1, 3, 4)) * x, rows], [0], [random(7, 3, 4), random(4, 4)])
    assert Cut(0, 3) in stage.params["ends"]


def test_sums_over_several_axes_know_them_apart():
    x, y = symbol(4, 4), symbol(4, 4)
    pairs = xp.tensordot(x, y, axes=((0, 1), (1, 0)))  # rows of x meet columns of y
    (stage,) = check([x, y], [pairs], [0], [random(4, 4), random(4, 4) + 1])
    assert stage.params["axes"] == (Cut(0), Cut(1))
    assert cut([x, y], [pairs], [0, 1]) is None
    ids = [tensor(np.array([[0, 1], [1, 1]])), tensor(np.array([0, 2]))]
    g = symbol(2, 2)
    added = lookup("scatter_add")(xp.zeros((2, 3)), g, *ids, index=("array", "array"))
    (stage,) = check([g], [added], [0], [random(2, 2)])
    assert stage.params["axes"].count(Cut(0)) == 2  # the gradient and the first of the indices, not the second


def test_normalising_over_the_batch_takes_a_stage_for_each_sum():
    x = symbol(None, 4)
    centred = x - xp.mean(x, axis=0)
    y = centred / xp.sqrt(xp.mean(centred * centred, axis=0) + 1e-3)
    assert len(check([x], [y], [0], [random(7, 4)])) == 3


def test_a_barrier_sees_the_whole_batch():
    x = symbol(7, 4)
    y = xp.sort(xp.tanh(x), axis=0)
    first, second = check([x], [y * 2 + xp.exp(x)], [0], [random(7, 4)])
    assert first.params["ends"] == (Cut(0), Cut(0))
    assert second.params["axes"] == (Cut(0), Cut(0))


def test_shares_of_different_stages_are_whole_before_they_meet():
    x = symbol(None, 4)
    first = xp.sum(x, axis=0)
    second = xp.sum(x * first, axis=0)
    check([x], [first + second], [0], [random(7, 4)])


def test_an_addition_to_a_table_counts_the_table_once():
    x, table, ids = symbol(None, 4), symbol(9, 4), symbol(None, dtype="int64")
    y = lookup("scatter_add")(table, x, ids, index=("array",))
    (stage,) = check([x, table, ids], [y], [0, 2], [random(7, 4), random(9, 4), np.array([0, 3, 3, 8, 0, 1, 3])])
    assert stage.params["ends"] == ("add",)


def test_views_wait_for_the_stage_that_reads_them():
    x = symbol(None, 4)
    y = x.T @ (x * xp.sum(x, axis=0))
    _, second = check([x], [y], [0], [random(7, 4)])
    assert all(c in (None, Cut(0)) for c in second.params["axes"])  # x is handed on, not its transpose


def test_draws_and_prints_stay_whole():
    state, x = symbol(3, dtype="int64"), symbol(6, 4)
    drawn = lookup("random.uniform")(state, shape=(6, 4), dtype="float64")
    shown = lookup("print")(xp.tanh(x), message="")
    graph = cut([state, x], [xp.sum(x * (drawn < 0.5)), shown], [1])
    stages = [n for n in graph.body if n.op.name == "sharded"]
    assert not {"print", "random.uniform"} & {m.op.name for n in stages for m in n.params["body"].nodes}
    assert {c for n in stages for c in n.params["axes"]} == {Cut(0)}


def test_a_graph_without_anything_to_cut_has_no_stages():
    x = symbol(None, 4)
    assert cut([x], [xp.sort(x, axis=0)], [0]) is None


def test_a_stage_of_a_graph_that_is_cut_knows_its_sizes():
    x = symbol(6, 4)
    graph = cut([x], [xp.exp(x), xp.sum(x)], [0])
    assert [n.result.shape for n in graph.outputs] == [(6, 4), ()]


def test_the_work_of_a_stage_does_not_hang_on_which_sizes_are_known():
    w = symbol(4, 64)
    found = {
        cut([x, w], [xp.sum(x @ w)], [0]).body[-2].params["work"] for x in (symbol(None, 16, 4), symbol(9, None, 4))
    }
    assert len(found) == 1
    assert min(found) > 0


def node_by_node(graph, arrays, batch):
    """Check each placed node alone: a sample's part of the true operands gives its part of the true result."""
    placed = Placed(graph, {graph.inputs[i]: 0 for i in batch})
    nodes = [n for n in placed.graph.nodes if isinstance(n.spec, Spec)]
    true = dict(zip(nodes, map(np.asarray, values_of(Graph(graph.inputs, nodes), arrays)), strict=True))
    for node in set(nodes) - set(graph.inputs):
        end = placed.at[node]
        if end is None or node.op.name in ("item", "reshape", "broadcast_to"):  # the last two say the batch's size
            continue
        results = [one_sample(node, placed, true, i) for i in range(arrays[batch[0]].shape[0])]
        found = joined(end.combine if isinstance(end, Share) else end, results)
        assert_close(np.asarray(found), true[node], f"{node!r} of {[true[i] for i in node.inputs]}")


def one_sample(node, placed, true, sample):
    """Return what one sample has of the result of a node."""
    values = []
    for i, operand in enumerate(node.inputs):
        lies, value = placed.cuts.get((node, i), placed.at[operand]), true[operand]
        if isinstance(lies, Cut):
            value = value[at(lies, sample, sample + 1)]
        elif isinstance(lies, Share) and isinstance(placed.at[node], Share):
            value = value if sample == 0 else np.zeros_like(value)  # shares that come to the value
        values.append(value)
    formal = [placeholder(Spec(v.shape, v.dtype.name)) for v in values]
    return values_of(Graph(formal, [remake(node, tuple(formal))]), values)[0]


def wild(graph, arrays):
    """Say whether complex infinities occur: of their products NumPy makes, by the shape, infinities or NaN."""
    nodes = [n for n in graph.nodes if isinstance(n.spec, Spec) and n.spec.dtype.startswith("complex")]
    return not all(np.isfinite(v).all() for v in values_of(Graph(graph.inputs, nodes), arrays))


def batches(graph, arrays):
    """Yield groups of inputs whose first axes may carry one batch: equal sizes, all known or all unknown."""
    if wild(graph, arrays):
        return
    for size in {a.shape[0] for a in arrays if a.ndim and a.shape[0] > 1}:
        group = [i for i, a in enumerate(arrays) if a.ndim and a.shape[0] == size]
        if len({graph.inputs[i].result.shape[0] for i in group}) == 1:
            yield group


@given(graphs())
@settings(max_examples=40, deadline=None)
def test_every_node_of_a_random_graph_is_placed_rightly(drawn):
    for graph in (drawn.known, drawn.hidden):
        for batch in batches(graph, drawn.values):
            node_by_node(graph, drawn.values, batch)


@given(graphs())
@settings(max_examples=40, deadline=None)
def test_random_graphs_in_parts(drawn):
    for graph in (drawn.known, drawn.hidden):
        for batch in batches(graph, drawn.values):
            found = shard(graph, dict.fromkeys(batch, 0))
            plain = values_of(graph, drawn.values)
            for parts in (1, 2, 3) if found else ():
                if parts <= drawn.values[batch[0]].shape[0]:
                    again = values_of(verify(found.graph), drawn.values, in_parts(parts))
                    for i, (a, b) in enumerate(zip(again, plain, strict=True)):
                        assert_close(np.asarray(a), np.asarray(b), f"Output {i} in {parts} parts")
