"""Random recurrences: loops over steps of masks, gates, products and loops inside, with all their gradients."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from kbplug.autodiff import gradients
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.control import fold_over
from kbplug.ops.namespace import namespace as xp
from kbplug.testing.closeness import assert_close

ROWS, WIDTH = 4, 3
CLOSE = 1e-11
"""In float64, for networks of a few products of a few terms: what the order of a sum over the steps may change."""

TINY = 1e-290
"""Smaller numbers have lost digits of their own."""


def of(*shape, dtype="float64"):
    """Return a tensor to be fed."""
    return Tensor(placeholder(Spec(shape, dtype)))


def assert_alike(found, expected, what):
    """Check that results are the same up to what the order of sums may change."""
    normal = [np.where(np.abs(x) < TINY, 0.0, x) if x.dtype.kind == "f" else x for x in (found, expected)]
    assert_close(*normal, what, within=CLOSE)


# What a step may do with values of ROWS x WIDTH: each takes two of them and what else there is.
def _gates(a, b, given):
    z = xp.matmul(a, given["gates"]) + xp.concat([b, b], axis=1)
    return xp.special.expit(z[:, :WIDTH]) * xp.tanh(z[:, WIDTH:])


def _nested(a, b, given):
    (end,), _ = fold_over(lambda c, row: ([xp.tanh(c + row * given["bias"])], []), [xp.sum(b, axis=0)], [a])
    return a * end


MOVES = {
    "add": lambda a, b, given: a + b,
    "multiply": lambda a, b, given: a * b,
    "squash": lambda a, b, given: xp.tanh(a),
    "logistic": lambda a, b, given: xp.special.expit(a) - 0.5 * b,
    "product": lambda a, b, given: xp.matmul(a, given["square"]),
    "turned": lambda a, b, given: xp.matmul(a, xp.matrix_transpose(given["square"])) + b,
    "biased": lambda a, b, given: a + given["bias"],
    "masked": lambda a, b, given: xp.where(given["mask"], a, b),
    "of rows": lambda a, b, given: a - xp.mean(b, axis=0),
    "columns": lambda a, b, given: xp.sum(a, axis=1, keepdims=True) * b,
    "among": lambda a, b, given: xp.matmul(xp.matmul(a, xp.matrix_transpose(b)), a) / 9,
    "swapped": lambda a, b, given: xp.concat([a[:, 1:], b[:, :1]], axis=1),
    "backwards": lambda a, b, given: a[:, ::-1],
    "reshaped": lambda a, b, given: xp.reshape(xp.permute_dims(a, (1, 0)), a.shape) if None not in a.shape else a,
    "invariant": lambda a, b, given: a * xp.exp(given["bias"]),
    "gates": _gates,
    "nested": _nested,
}


@st.composite
def recurrences(draw):
    """Draw a loop with its gradients, and values for its inputs."""
    steps, hidden = draw(st.sampled_from((0, 1, 2, 5))), draw(st.booleans())
    rows = None if hidden else ROWS
    x, mask = of(None if hidden else steps, rows, WIDTH), of(None if hidden else steps, rows, 1, dtype="bool")
    first, square, bias = [of(rows, WIDTH) for _ in range(draw(st.integers(1, 3)))], of(WIDTH, WIDTH), of(WIDTH)
    gates = of(WIDTH, 2 * WIDTH)
    moves = draw(st.lists(st.tuples(st.sampled_from(sorted(MOVES)), st.integers(0, 9), st.integers(0, 9)), min_size=1))
    picks = draw(st.lists(st.integers(0, 9), min_size=8, max_size=8))
    adding, stacked = draw(st.booleans()), draw(st.integers(0, 2))

    def step(*values):
        pool = [*values[: len(first)], values[len(first)]]
        given = {"mask": values[-1], "square": square, "bias": bias, "gates": gates}
        for name, i, j in moves[:12]:
            pool.append(MOVES[name](pool[-1 - i % len(pool)], pool[-1 - j % len(pool)], given))
        new = [xp.tanh(pool[-1 - k % len(pool)]) for k in picks[: len(first)]]
        if adding:
            new[-1] = values[len(first) - 1] + pool[-1]
        return new, [pool[-1 - k % len(pool)] for k in picks[3 : 3 + stacked]]

    ends, kept = fold_over(step, first, [x, mask], reverse=draw(st.booleans()))
    loss = sum((xp.sum(t * t) for t in (*ends, *kept)), xp.sum(square))
    inputs = [x, mask, *first, square, bias, gates]
    slopes = [g for g in gradients(loss, [x, *first, square, bias, gates]) if g is not None]
    rng = np.random.default_rng(len(moves))
    sizes = [(steps, ROWS, WIDTH), (steps, ROWS, 1), *[(ROWS, WIDTH)] * len(first), (WIDTH, WIDTH), (WIDTH,)]
    values = [0.7 * rng.standard_normal(s) for s in (*sizes, (WIDTH, 2 * WIDTH))]
    values[1] = values[1] > 0
    return inputs, [*ends, *kept, loss, *slopes], values
