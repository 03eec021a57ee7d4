"""Loops left with what must go from step to step compute what they did, in value and gradient, up to rounding."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings

import kbplug
from kbplug import backend as K
from kbplug import plugins
from kbplug.autodiff import gradients
from kbplug.graph.graph import Graph
from kbplug.graph.verify import verify
from kbplug.ops import lookup
from kbplug.ops.control import fold_over
from kbplug.ops.namespace import namespace as xp
from kbplug.passes.join import join
from kbplug.passes.loops import loops
from kbplug.passes.loops.outside import PRODUCTS
from kbplug.passes.simplify import simplify
from kbplug.runtime.function import Function
from kbplug.testing.checks import interpreted
from recurrences import ROWS, WIDTH, assert_alike, of, recurrences


def scans(graph):
    return [n for n in graph.nodes if n.op.name == "scan"]


def names(scan):
    return {n.op.name for n in scan.params["body"].nodes}


def rewritten(inputs, outputs):
    """Return a graph before and after the pass."""
    graph = join(simplify(Graph([t.node for t in inputs], [t.node for t in outputs])))
    return graph, verify(loops(graph))


def check(drawn, engine="numpy"):
    inputs, outputs, values = drawn
    before, after = rewritten(inputs, outputs)
    chosen = plugins.engine(engine)
    pairs = zip(interpreted(before, values, chosen), interpreted(after, values, chosen), strict=True)
    for i, (a, b) in enumerate(pairs):
        assert_alike(b, a, f"Result {i}")


@given(recurrences())
@settings(max_examples=60)
def test_values_and_gradients_stay_what_they_were(drawn):
    check(drawn)


@given(recurrences())
@settings(max_examples=8)
def test_on_the_strict_engine_too(drawn):
    check(drawn, "strict")


@pytest.mark.nightly
@given(recurrences())
@settings(max_examples=2000, derandomize=False)
def test_values_and_gradients_of_many_stay_what_they_were(drawn):
    check(drawn)


def recurrent(*, rows=ROWS, width=WIDTH, masked=False, reverse=False):
    """Return the inputs and the results of a recurrent network with gates, and of its gradient."""
    x, h, w, u, b = of(6, rows, width), of(rows, width), of(width, 2 * width), of(width, 2 * width), of(2 * width)
    mask = of(6, rows, 1, dtype="bool")

    def step(state, row, allowed):
        z = xp.matmul(row, w) + xp.matmul(state, u) + b
        new = state + xp.special.expit(z[:, :width]) * xp.tanh(z[:, width:])
        return [xp.where(allowed, new, state) if masked else new], []

    (end,), _ = fold_over(step, [h], [x, mask], reverse=reverse)
    loss = xp.sum(end * end)
    return [x, mask, h, w, u, b], [loss, *gradients(loss, [x, h, w, u, b])]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("rows", [ROWS, None])
def test_a_gradient_keeps_the_way_forward_and_multiplies_outside(masked, reverse, rows):
    _, graph = rewritten(*recurrent(rows=rows, width=64, masked=masked, reverse=reverse))
    forward, back = scans(graph)
    products = [[n.op.name for n in s.params["body"].nodes].count("matmul") for s in (forward, back)]
    assert products == [1, 1], "a step's own product, and that with its transpose; all others are outside"
    assert not {"special.expit", "tanh", "setitem", "tensordot"} & names(back)
    assert len(forward.params["body"].outputs) > 2, "the gates are kept"
    outer = [n.op.name for n in graph.nodes]
    assert outer.count("tensordot") == 4, "of the rows before the loop, of their gradient and of both weights after it"


@pytest.mark.parametrize("engine", ["numpy", "strict", "torch", "jax"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_a_recurrent_network_agrees_with_pytorch(engine, masked, reverse):
    torch = pytest.importorskip("torch")
    if engine in ("torch", "jax"):
        pytest.importorskip(f"kbplug_{engine}")
    inputs, outputs = recurrent(masked=masked, reverse=reverse)
    rng = np.random.default_rng(1)
    given = [rng.standard_normal(t.shape) for t in inputs]
    given[1] = given[1] > -0.5
    with kbplug.engine_scope(engine):
        found = Function(inputs, outputs)(given)

    x, mask, h, w, u, b = (torch.tensor(v, requires_grad=v.dtype == np.float64) for v in given)
    state = h
    for i in reversed(range(6)) if reverse else range(6):
        z = x[i] @ w + state @ u + b
        new = state + torch.sigmoid(z[:, :WIDTH]) * torch.tanh(z[:, WIDTH:])
        state = torch.where(mask[i], new, state) if masked else new
    loss = (state * state).sum()
    for ours, theirs in zip(found, [loss, *torch.autograd.grad(loss, [x, h, w, u, b])], strict=True):
        np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-10, atol=1e-12)


def test_what_nobody_asks_for_is_not_computed():
    x, h = of(5, 3), of(3)
    (end, other), (seen, _) = fold_over(lambda a, b, row: ([a + row, xp.exp(b)], [a * 2.0, b]), [h, h], [x])
    assert other.shape == (3,)
    _, graph = rewritten([x, h], [end, seen])
    (scan,) = scans(graph)
    assert "exp" not in names(scan)
    assert (scan.params["carries"], len(scan.params["body"].outputs)) == (1, 2)


def test_a_loop_whose_steps_nobody_reads_still_counts_them():
    x, h = of(None, 3), of(3)
    (end,), _ = fold_over(lambda c, row: ([c * 2.0 + 1.0], []), [h], [x])
    inputs, outputs, values = [x, h], [end], [np.zeros((4, 3)), np.ones(3)]
    check((inputs, outputs, values))
    assert Function(inputs, outputs)(values)[0].tolist() == [31.0] * 3


def test_a_sum_over_the_steps_is_a_sum():
    x, w = of(None, 3), of(3)
    (total,), _ = fold_over(lambda c, row: ([c + row * w], []), [w], [x])
    _, graph = rewritten([x, w], [total])
    assert not scans(graph) or "add" not in names(scans(graph)[0])


def test_what_is_drawn_at_each_step_is_drawn_there():
    from kbplug.runtime.streams import stream

    x = of(5, 3)
    (end,), _ = fold_over(
        lambda c, row: ([c * lookup("random.uniform")(stream(1), shape=(), dtype="float64") + row], []), [x[0]], [x]
    )
    _, graph = rewritten([x], [end])
    assert "random.uniform" in names(scans(graph)[0])


def test_a_large_stack_is_not_made_for_a_small_saving():
    a, b = of(50, 400, 8), of(8, 8)

    def step(c, state, row):
        new = xp.tanh(state + row)
        return [c + xp.sum(xp.exp(new)), new], []

    (total, _), _ = fold_over(step, [xp.sum(b), a[0]], [a])
    _, graph = rewritten([a, b], [total])
    assert "exp" in names(scans(graph)[0])
    assert all(len(s.params["body"].outputs) == 2 for s in scans(graph))


def test_products_of_unknown_sizes_leave_the_loop():
    x, w, h = of(None, None, 3), of(3, 3), of(None, 3)
    (end,), _ = fold_over(lambda c, row: ([xp.tanh(c + xp.matmul(row, w))], []), [h], [x])
    _, graph = rewritten([x, w, h], [end])
    assert not PRODUCTS & names(scans(graph)[0])


def test_an_lstm_of_k_computes_the_same_with_and_without():
    x, w, u = K.placeholder((None, 7, 4)), K.variable(np.eye(4, 20)), K.variable(np.eye(5, 20))

    def step(row, states):
        h, c = states
        z = K.dot(row, w) + K.dot(h, u)
        i, f, g, o = (z[:, j * 5 : (j + 1) * 5] for j in range(4))
        c = K.hard_sigmoid(f) * c + K.sigmoid(i) * K.tanh(g)
        return K.sigmoid(o) * K.tanh(c), [K.sigmoid(o) * K.tanh(c), c]

    zeros = [K.zeros_like(K.dot(x[:, 0], w)[:, :5]) for _ in range(2)]
    last, outputs, _ = K.rnn(step, x, zeros, mask=K.any(x > 0, axis=-1))
    loss = K.sum(last * last) + K.sum(outputs)
    call = K.function([x], [loss, *K.gradients(loss, [x, w, u])])
    given = [np.random.default_rng(0).standard_normal((3, 7, 4)).astype("float32")]
    with kbplug.without("loops") if "loops" in kbplug.optimisations() else contextlib.nullcontext():
        plain = call(given)
    for found, expected in zip(call(given), plain, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
