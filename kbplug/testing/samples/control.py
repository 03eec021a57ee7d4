"""Samples of control flow; each op always carries the same small graphs, so that a reference can be a plain loop."""

from __future__ import annotations

import numpy as np

from kbplug.graph.graph import Graph
from kbplug.graph.node import parameter
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.testing.samples import Sample, sample

_ROW = Spec((3,), "float64")


def _graph(function: object, *specs: Spec) -> Graph:
    formal = [parameter(i, s) for i, s in enumerate(specs)]
    results = function(*map(Tensor, formal))  # type: ignore[operator]
    return Graph(formal, [t.node for t in results])


def _step(carry: Tensor, row: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    new = xp.tanh(carry * weight + row)
    return new, new * carry


STEP = _graph(_step, _ROW, _ROW, _ROW)
"""(carry, row, weight) -> (tanh(carry * weight + row), that times the old carry)."""

GROW = _graph(lambda c, w: (c * w + 1.0,), _ROW, _ROW)
"""(carry, weight) -> carry * weight + 1."""

SMALL = _graph(lambda c, w: (xp.sum(c * w) < 20.0,), _ROW, _ROW)
"""(carry, weight) -> sum(carry * weight) < 20."""

SQUARE = _graph(lambda a, b: (a * a + b,), _ROW, _ROW)
SINE = _graph(lambda a, b: (xp.sin(a) * b,), _ROW, _ROW)

_a = np.array([0.3, -0.7, 1.1])
_b = np.array([0.9, 0.4, -0.6])
_rows = np.array([[0.1, -0.2, 0.3], [0.5, 0.7, -0.9], [-1.1, 0.2, 0.4], [0.6, -0.3, 0.8]])

SAMPLES: dict[str, list[Sample]] = {
    "cond": [
        sample(np.array(True), _a, _b, then=SQUARE, orelse=SINE, label="true", unknown=False),
        sample(np.array(False), _a, _b, then=SQUARE, orelse=SINE, label="false", unknown=False),
    ],
    "fused": [sample(_a, _b, body=SQUARE, unknown=False)],
    "scan": [
        sample(_a, _rows, _b, body=STEP, carries=1, sequences=1, label="forward", unknown=False),
        sample(_a, _rows, _b, body=STEP, carries=1, sequences=1, reverse=True, label="reverse", unknown=False),
        sample(_a, _b, body=GROW, carries=1, sequences=0, length=3, label="length", unknown=False),
        sample(_a, _rows[:0], _b, body=STEP, carries=1, sequences=1, label="no steps", unknown=False),
    ],
    "while_": [
        sample(_a + 1.0, _b + 1.0, test=SMALL, body=GROW, carries=1, unknown=False),
        sample(_a + 1.0, _b + 1.0, test=SMALL, body=GROW, carries=1, keep=True, label="keep", unknown=False),
        sample(_a + 99.0, _b + 1.0, test=SMALL, body=GROW, carries=1, keep=True, label="no steps", unknown=False),
    ],
}
