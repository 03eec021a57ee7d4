"""Regions: what joins one, what does not, and that an engine running them its own way gets the same numbers."""

import sys

import numpy as np
from hypothesis import given, settings

from kbplug import engine_scope, plugins
from kbplug.engines.numpy.engine import NumpyEngine
from kbplug.graph.graph import Graph
from kbplug.graph.node import placeholder
from kbplug.graph.op import lookup
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.graph.verify import verify
from kbplug.ops.control import choose, fold_over
from kbplug.ops.namespace import namespace as xp
from kbplug.passes.expand import expand
from kbplug.passes.fuse import fuse
from kbplug.passes.shard import shard
from kbplug.runtime.function import Function
from kbplug.testing.application import run
from kbplug.testing.checks import interpreted
from kbplug.testing.closeness import assert_close
from kbplug.testing.graphs import graphs


class FusingEngine(NumpyEngine):
    """NumPy, running each region node by node, and remembering which there were."""

    name = "fusing"

    def __init__(self):
        super().__init__()
        self.regions = []

    def fuse(self, region, /):
        verify(region)
        self.regions.append(region)
        one = len(region.outputs) == 1

        def run(*arrays):
            found = interpreted(region, arrays, plugins.engine("numpy"))
            return found[0] if one else tuple(found)

        return run


def symbol(shape=(3, 4), dtype="float64"):
    return Tensor(placeholder(Spec(shape, dtype)))


def fused(inputs, results, compile_region=lambda region: len):
    graph, kernels = fuse(Graph([t.node for t in inputs], [t.node for t in results]), compile_region)
    return verify(graph), kernels


def names(graph):
    return [n.op.name for n in graph.body if n.op.name != "constant"]


def test_a_chain_becomes_one_region_over_what_it_reads():
    x, y = symbol(), symbol((4,))
    graph, kernels = fused([x, y], [xp.tanh(x * 2 + y)])
    (node,) = graph.outputs
    assert node.op.name == "fused"
    assert node.inputs == (x.node, y.node)
    (region,) = kernels
    assert region is not None
    assert node.params["body"] == region
    assert names(region) == ["multiply", "add", "tanh"]
    assert [n.spec for n in region.inputs] == [x.spec, y.spec]


def test_scalars_are_inside_a_region_and_arrays_outside():
    x = symbol()
    graph, _ = fused([x], [xp.exp(x * 2.5) + np.arange(4.0)])
    (node,) = graph.outputs
    assert [i.op.name for i in node.inputs] == ["placeholder", "constant"]
    assert 2.5 in [n.params["value"] for n in node.params["body"].body if n.op.name == "constant"]


def test_one_node_is_no_region():
    x = symbol()
    graph, kernels = fused([x], [xp.exp(x)])
    assert names(graph) == ["exp"]
    assert not kernels


def test_what_is_used_outside_too_is_a_result():
    x = symbol((4, 4))
    e = xp.exp(x)
    graph, kernels = fused([x], [e * 2, xp.matmul(e, x)])
    assert names(graph) == ["fused", "item", "item", "matmul"]
    (region,) = kernels
    assert [n.op.name for n in region.outputs] == ["exp", "multiply"]


def test_what_reads_the_same_rows_is_one_region():
    x = symbol((4, 4))
    graph, kernels = fused([x], [xp.exp(x) * 2, xp.tanh(x) + 1, xp.sum(x * x, axis=-1)])
    assert names(graph).count("fused") == 1
    (region,) = kernels
    assert len(region.outputs) == 3


def test_small_things_are_computed_apart_unless_one_region_alone_needs_them():
    x, y, s = symbol((4, 4)), symbol((3, 3)), symbol(())
    rate = xp.exp(s) * 2
    _, kernels = fused([x, y, s], [xp.tanh(x * rate), xp.tanh(y * rate)])
    assert sorted(map(names, kernels)) == [["exp", "multiply"], ["multiply", "tanh"], ["multiply", "tanh"]]
    _, kernels = fused([x, s], [xp.tanh(x * rate)])
    assert list(map(names, kernels)) == [["exp", "multiply", "multiply", "tanh"]]


def test_what_a_later_region_alone_needs_is_computed_there():
    """The product with the scale waits for the sum it is part of, rather than being stored."""
    x = symbol((4, 4))
    graph, _ = fused([x], [xp.exp(x * 3) + xp.matmul(x, x)])
    assert names(graph) == ["matmul", "fused"]


def test_ops_that_an_engine_runs_row_by_row_join():
    x, i = symbol((4, 5)), symbol((4, 1), "int64")
    y = xp.take_along_axis(xp.exp(x) * 2, i, axis=1) + 1
    graph = Graph([x.node, i.node], [y.node])
    assert names(fuse(graph, lambda region: len)[0]) == ["fused", "take_along_axis", "add"]
    assert names(fuse(graph, lambda region: len, {"take_along_axis"})[0]) == ["fused"]
    wide = Graph([x.node], [(xp.take_along_axis(xp.exp(x) * 2, xp.astype(x > 0, "int64"), axis=1) + 1).node])
    assert "take_along_axis" in names(fuse(wide, lambda region: len, {"take_along_axis"})[0])


def test_a_sum_of_rows_ends_a_region():
    x = symbol((4, 5))
    y = xp.exp(x) * 2
    graph = Graph([x.node], [y.node, (xp.sum(y, axis=0) * y).node])
    assert names(fuse(graph, lambda region: len)[0]).count("sum") == 1
    rebuilt, kernels = fuse(graph, lambda region: len, {"sum"})
    assert names(verify(rebuilt)) == ["fused", "item", "item", "multiply"]
    assert list(map(names, kernels)) == [["exp", "multiply", "sum"]]


def test_a_side_branch_does_not_tear_a_region_apart():
    """The loss waits; the slope, which does not need it, is computed beside what the loss is made of."""
    x, y = symbol((4, 5)), symbol((4,), "int64")
    logs = lookup("log_softmax")(x, axis=-1)
    loss = xp.mean(xp.sum(logs, axis=-1))
    slope = (xp.exp(logs) * 3 - xp.expand_dims(xp.astype(y, "float64"), axis=-1)) * 0.25
    graph = expand(Graph([x.node, y.node], [loss.node, slope.node]), ())
    fused_, kernels = fuse(graph, lambda region: len)
    assert names(verify(fused_)).count("fused") == 1
    assert len(next(iter(kernels)).outputs) == 2


def test_what_would_have_to_be_stored_for_it_stays():
    """Of a mask and what it is a mask of, the mask is handed on."""
    x, w = symbol((4, 4)), symbol((4, 4))
    h = xp.matmul(x, w) + 1
    a = xp.maximum(h, 0)
    _, kernels = fused([x, w], [xp.where(h <= 0, 0, xp.matmul(a, w)) * 2])
    first = next(k for k in kernels if "maximum" in names(k))
    assert sorted(n.result.dtype for n in first.outputs) == ["bool", "float64"]


def test_the_spread_of_a_row_is_made_of_means():
    x = symbol((4, 5))
    graph, kernels = fused([x], [(x - xp.mean(x, axis=-1, keepdims=True)) / xp.std(x, axis=-1, keepdims=True)])
    assert names(graph) == ["fused"]
    assert list(map(names, kernels)) == [["mean", "subtract", "multiply", "mean", "sqrt", "divide"]]
    for options in ({"correction": 1.0}, {"correction": 5.0}, {"axis": 0}):
        y = xp.var(x * 2, **{"axis": -1, "keepdims": True, **options})
        graph, _ = fused([x], [y + 1])
        assert ("var" in names(graph)) == (options != {"correction": 1.0})


def test_what_is_used_twice_inside_one_region_stays_inside():
    x = symbol()
    y = xp.exp(x)
    graph, kernels = fused([x], [y * y + y])
    assert names(graph) == ["fused"]
    assert [names(k) for k in kernels] == [["exp", "multiply", "add"]]


def test_an_output_is_never_hidden_inside():
    x = symbol()
    y = xp.exp(x) * 2
    graph, _ = fused([x], [y, xp.tanh(y + 1)])
    assert names(graph) == ["fused", "item", "item"]


def test_a_row_reduction_joins_and_others_stay_out():
    x = symbol()
    graph, kernels = fused([x], [lookup("softmax")(x, axis=-1)])
    assert names(graph) == ["softmax"], "a composite has to be expanded first"
    expanded = expand(Graph([x.node], [lookup("softmax")(x, axis=-1).node]), ())
    graph, kernels = fuse(expanded, lambda region: len)
    assert names(graph) == ["fused"]
    assert set(names(next(iter(kernels)))) == {"max", "subtract", "exp", "sum", "divide"}
    graph, _ = fused([x], [xp.sum(x * 2 + 1, axis=0, keepdims=True)])
    assert names(graph) == ["fused", "sum"]
    graph, _ = fused([x], [xp.sum(x * 2 + 1, axis=-1)])
    assert names(graph) == ["fused", "squeeze"]


def test_a_number_does_not_become_part_of_what_it_scales_from_a_larger_array():
    """A reduction to no dimension ends a region: its user would have to compute it for each element."""
    x, y = symbol(), symbol(())
    total = xp.sum(x * 2)
    graph, _ = fused([x, y], [xp.exp(total + y) * x])
    assert names(graph).index("sum") < names(graph).index("fused")


def test_a_region_that_is_declined_stays_as_it_was():
    x = symbol()
    y = xp.tanh(x * 2 + 1)
    graph, kernels = fused([x], [y], lambda region: None)
    assert graph.outputs == (y.node,)
    assert not kernels


def test_equal_regions_are_compiled_once():
    x, y = symbol(), symbol()
    asked = []
    graph, kernels = fused(
        [x, y], [xp.exp(x * 2), xp.exp(y * 2)], lambda region: asked.append(region) or (lambda *a: a[0])
    )
    assert len(asked) == len(kernels) == 1
    assert graph.outputs[0].params == graph.outputs[1].params


def test_regions_inside_control_flow_are_fused_too():
    x = symbol()
    (y,) = choose(xp.any(x > 0), lambda: xp.exp(x * 2), lambda: x)
    graph, kernels = fused([x], [y])
    cond = next(n for n in graph.nodes if n.op.name == "cond")
    assert names(cond.params["then"]) == ["fused"]
    assert names(cond.params["orelse"]) == []
    assert len(kernels) == 1


def test_in_parts_that_fit_a_cache_elementwise_nodes_stay_as_they_are():
    x, m = symbol((None, 4)), symbol((6, 4))
    products = 1 - 2 * (x @ m.mT)
    near = xp.argmin(products * 3, axis=1)
    graph = Graph([x.node, m.node], [xp.segment_sum(x, near, 6).node])
    found, kernels = fuse(shard(graph, {0: 0}).graph, lambda region: len)
    (part,) = (n.params["body"] for n in verify(found).body if n.op.name == "sharded")
    assert not kernels
    assert names(part) == ["matmul", "multiply", "subtract", "multiply", "argmin", "segment_sum"]


def test_the_users_line_stays():
    x = symbol()
    y = xp.exp(x * 3.25)
    graph, _ = fused([x], [y])
    assert graph.outputs[0].where == y.where


def test_a_function_runs_regions_by_the_engine():
    x, rows = symbol((None, 4)), symbol((None, 4))
    ends, _ = fold_over(lambda c, r: ([xp.tanh(c * r + 1)], []), [xp.exp(x[0]) * 2], [rows])
    f = Function([x, rows], [xp.sum(xp.exp(x) * 2 + 1), ends[0]])
    values = [np.linspace(-1, 1, 8).reshape(2, 4), np.linspace(0, 1, 12).reshape(3, 4)]
    engine = FusingEngine()
    with engine_scope(engine):
        found = f(values)
        assert "k_fused_1(" in f.source()
    assert engine.regions
    for a, b in zip(found, f(values), strict=True):
        assert np.array_equal(a, b)


@given(graphs())
@settings(max_examples=40)
def test_fused_regions_equal_unfused_nodes(drawn):
    for graph in (drawn.known, drawn.hidden):
        inputs, outputs = ([Tensor(n) for n in nodes] for nodes in (graph.inputs, graph.outputs))
        engine = FusingEngine()
        pairs = zip(
            run(inputs, outputs, drawn.values, engine), run(inputs, outputs, drawn.values, "numpy"), strict=True
        )
        for i, (a, b) in enumerate(pairs):
            assert_close(a, b, f"Output {i} of a fusing engine", within=0)
        for region in engine.regions:
            allowed = {"sum", "max", "min", "mean", "prod", "constant", "parameter"}
            assert all("elementwise" in n.op.traits or n.op.name in allowed for n in region.nodes)


def test_a_region_never_spans_what_comes_between():
    """``a -> matmul -> b`` with ``a -> b`` as well: a and b cannot run as one."""
    x = symbol((4, 4))
    a = xp.exp(x) * 2
    b = xp.tanh(a + xp.matmul(a, a))
    graph, _ = fused([x], [b])
    assert names(graph) == ["fused", "matmul", "fused"]


def test_a_region_is_looked_at_once_whatever_its_size(monkeypatch):
    module = sys.modules["kbplug.passes.fuse"]
    cut, seen = module._cut, []
    monkeypatch.setattr(module, "_cut", lambda members, results: seen.append(len(members)) or cut(members, results))
    x = Tensor(placeholder(Spec((4,), "float64")))
    total = x
    for _ in range(20):
        total = xp.sin(total)
    for kernel in (None, lambda *arrays: arrays):
        seen.clear()
        fuse(Graph([x.node], [total.node]), lambda region, kernel=kernel: kernel)
        assert seen == [20]
