"""Parts put into zeros and added up are laid side by side, where they surely leave no gap and do not overlap."""

import numpy as np
import pytest

from kbplug import plugins
from kbplug.autodiff import gradients
from kbplug.graph.graph import Graph
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.graph.verify import verify
from kbplug.ops.control import fold_over
from kbplug.ops.namespace import namespace as xp
from kbplug.passes.pieces import pieces
from kbplug.passes.simplify import simplify
from kbplug.testing.checks import interpreted


def of(*shape):
    return Tensor(placeholder(Spec(shape, "float64")))


def names(graph):
    return [n.op.name for n in graph.nodes]


def put(parts, size=6):
    """Return the sum of parts, each with its bounds along the last axis, among zeros."""
    total = None
    for x, start, stop in parts:
        zeros = xp.zeros((2, size), dtype="float64")
        zeros[:, start:stop] = x
        total = zeros if total is None else total + zeros
    return total


def laid(inputs, result):
    """Return the graph before and after, which come to the same."""
    before = simplify(Graph([t.node for t in inputs], [result.node]))
    after = verify(pieces(before))
    values = [np.random.default_rng(0).standard_normal([n or 2 for n in t.shape]) for t in inputs]
    engine = plugins.engine("numpy")
    for a, b in zip(interpreted(before, values, engine), interpreted(after, values, engine), strict=True):
        np.testing.assert_array_equal(a, b)
    return after


@pytest.mark.parametrize("rows", [2, None])
def test_the_gradient_of_gates_is_their_gradients_side_by_side(rows):
    z = of(rows, 8)
    i, f, g, o = (z[:, 2 * k : 2 * k + 2] for k in range(4))
    (slope,) = gradients(xp.sum(xp.tanh(f) * xp.exp(i) + g * o), [z])
    found = names(laid([z], slope))
    assert "concat" in found
    assert "setitem" not in found


def test_in_any_order():
    a, b, c = of(2, 1), of(2, 2), of(2, 3)
    found = names(laid([a, b, c], put([(b, 1, 3), (c, 3, None), (a, 0, 1)])))
    assert found.count("concat") == 1
    assert "add" not in found


@pytest.mark.parametrize(
    "bounds", [[(0, 2), (3, 6)], [(0, 4), (3, 6)], [(0, 2), (2, 5)]], ids=["a gap", "an overlap", "an end missing"]
)
def test_not_where_they_do_not_fit(bounds):
    parts = [of(2, stop - start) for start, stop in bounds]
    assert "concat" not in names(laid(parts, put([(p, *b) for p, b in zip(parts, bounds, strict=True)])))


def test_not_where_a_part_is_spread_out():
    a, b = of(1, 3), of(2, 3)
    assert "concat" not in names(laid([a, b], put([(a, 0, 3), (b, 3, 6)])))


def test_not_among_other_values():
    a, b = of(2, 3), of(2, 3)
    ones = xp.ones((2, 6), dtype="float64")
    ones[:, :3] = a
    assert "concat" not in names(laid([a, b], ones + put([(b, 3, 6)])))


def test_in_a_loop_that_captures_its_zeros():
    x, h = of(4, 2, 6), of(2, 6)

    def step(c, row):
        z = c + row
        return [xp.concat([xp.tanh(z[:, :3]), z[:, 3:] * z[:, :3]], axis=1)], []

    (end,), _ = fold_over(step, [h], [x])
    (slope,) = gradients(xp.sum(end * end), [h])
    found = laid([x, h], slope)
    (scan,) = [n for n in found.nodes if n.op.name == "scan" and n.params["reverse"]]
    assert "setitem" not in names(scan.params["body"])
