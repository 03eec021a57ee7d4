"""Programs with gradients and updates, random graphs and small networks, that can be run again from the same state."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from kbplug import backend as K
from kbplug.autodiff import gradients
from kbplug.dtypes import is_floating
from kbplug.errors import GradientError
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.runtime.function import Function
from kbplug.testing.application import quiet

CALLS = 2


@dataclass(frozen=True)
class Program:
    """A function, what each call feeds, and its variables with what they hold at first."""

    function: Function
    feeds: Sequence[Any]
    variables: Sequence[Any]
    begin: Sequence[Any]

    def run(self):
        """Return the results of a few calls and what the variables hold at last, all begun anew."""
        for variable, value in zip(self.variables, self.begin, strict=True):
            K.set_value(variable, value)
        with quiet():
            results = [r for _ in range(CALLS) for r in self.function(self.feeds)]
            return [*results, *map(K.get_value, self.variables)]

    def nudged(self):
        """Return the program with every float that it begins with moved to one beside it."""
        random = np.random.default_rng(0)

        def beside(x):
            towards = np.where(random.random(x.shape) < 0.5, -np.inf, np.inf).astype(x.dtype)
            return np.where(np.isfinite(x) & (x != 0), np.nextafter(x, towards), x)

        return replace(self, feeds=[*map(beside, self.feeds)], begin=[*map(beside, self.begin)])

    @property
    def source(self):
        """What runs on the engine in force."""
        return self.function.executable(feeds=self.feeds).program.source

    def __repr__(self):
        return f"\n{self.function.graph}\nof {self.feeds}, {self.begin}"


def of_graph(drawn, *, hidden, slopes, phase):
    """Return a random graph as a program: its first input a variable that an output is written back to.

    Parameters
    ----------
    hidden
        Whether the form of the graph with unknown sizes is taken.
    slopes
        Whether gradients are among the results.
    phase
        The learning phase, on which one more result depends.
    """
    graph = drawn.hidden if hidden else drawn.known
    inputs, outputs = ([Tensor(n) for n in nodes] for nodes in (graph.inputs, graph.outputs))
    if slopes:
        outputs += _slopes(inputs, outputs)
    outputs.append(K.in_train_phase(outputs[0], xp.zeros_like(outputs[0])))
    variable = K.variable(drawn.values[0], dtype=drawn.values[0].dtype.name)
    updates = [(variable, o) for o in outputs if o.spec == variable.spec][:1]
    function = Function([*inputs[1:], K.learning_phase()], outputs, updates, givens={inputs[0]: variable})
    return Program(function, [*drawn.values[1:], int(phase)], [variable], drawn.values[:1])


def _slopes(inputs, outputs):
    """Return the gradients of the last output that has any."""
    for loss in reversed([t for t in outputs if is_floating(t.dtype)]):
        with contextlib.suppress(GradientError):
            return [g for g in gradients(xp.sum(xp.real(loss)), inputs) if g is not None]
    return []


def normalised(x):
    """Return rows of mean 0 and variance 1."""
    centred = x - K.mean(x, axis=-1, keepdims=True)
    return centred / K.sqrt(K.mean(K.square(centred), axis=-1, keepdims=True) + 0.1)


def recurrent(x):
    """Return a loop's output at each column, and the columns."""

    def step(column, states):
        new = K.tanh(column + 0.5 * states[0])
        return new, [new]

    columns = K.expand_dims(x, -1)
    return x + K.rnn(step, columns, [K.zeros_like(columns[:, 0])])[1][:, :, 0]


LAYERS = {
    "tanh": K.tanh,
    "sigmoid": lambda x: K.sigmoid(x) * 2.0,
    "softplus": lambda x: K.softplus(x) - 0.5,
    "gelu": lambda x: x * (1.0 + xp.special.erf(x / 2.0**0.5)) / 2.0,
    "cube": lambda x: K.pow(K.tanh(x), 3) + x,
    "softmax": lambda x: K.softmax(x) * 4.0,
    "rows": normalised,
    "batch": lambda x: x - K.mean(x, axis=0),
    "attention": lambda x: K.dot(K.softmax(K.dot(x, K.transpose(x)) / 32.0), x),
    "largest": lambda x: x + K.max(x, axis=0),
    "loop": recurrent,
    "masked": lambda x: K.switch(x > 0.0, x, K.zeros_like(x)),
}
"""Smooth but for kinks that a rounding hardly meets, and with derivatives of about 1, so that roundings stay small."""


@st.composite
def networks(draw, samples=range(2, 40), width=7):
    """Draw a network and a few steps of its training; now and then a number that is none among its inputs."""
    rows, dtype = draw(st.sampled_from(samples)), draw(st.sampled_from(("float32", "float64")))
    known = draw(st.booleans())
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    x = K.placeholder((rows if known else None, width), dtype=dtype)
    target = K.placeholder((rows if known else None, width), dtype=dtype)
    h, variables, begin = x, [], []
    for layer in draw(st.lists(st.sampled_from(sorted(LAYERS)), min_size=1, max_size=4)):
        begin += [random.normal(size=(width, width)) / width**0.5, random.normal(size=width) / 4]
        w, b = (K.variable(v, dtype=dtype) for v in begin[-2:])
        variables += [w, b]
        h = LAYERS[layer](K.dot(h, w) + b)
    loss = K.mean(K.square(h - target)) + 0.01 * sum(K.sum(K.square(v)) for v in variables)
    updates = [K.update_sub(v, 0.1 * g) for v, g in zip(variables, K.gradients(loss, variables), strict=True)]
    feeds = [random.normal(size=(rows, width)).astype(dtype) for _ in range(2)]
    if draw(st.integers(0, 5)) == 0:
        feeds[0][0, 0] = draw(st.sampled_from((np.nan, np.inf, -np.inf, -0.0)))
    function = Function([x, target], [loss, h, K.max(h, axis=-1)], updates)
    return Program(function, feeds, variables, [v.astype(dtype) for v in begin])
