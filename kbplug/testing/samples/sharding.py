"""A sample of a graph that may run part by part: rows side by side, and the sum of all rows."""

from __future__ import annotations

import numpy as np

from kbplug.graph.graph import Graph
from kbplug.graph.node import parameter
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sharding import Cut
from kbplug.testing.samples import Sample, sample


def _body() -> Graph:
    rows, weight = parameter(0, Spec((None, 3), "float64")), parameter(1, Spec((3,), "float64"))
    scaled = xp.tanh(Tensor(rows) * Tensor(weight))
    return Graph((rows, weight), (scaled.node, xp.sum(scaled, axis=0).node))


_rows = np.array([[0.1, -0.2, 0.3], [0.5, 0.7, -0.9], [-1.1, 0.2, 0.4], [0.6, -0.3, 0.8]])
_weight = np.array([0.9, 0.4, -0.6])

SAMPLES: dict[str, list[Sample]] = {
    "sharded": [sample(_rows, _weight, body=_body(), axes=(Cut(0), None), ends=(Cut(0), "add"), unknown=False)],
}
