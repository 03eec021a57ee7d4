"""What a kernel sees of the graph behind a function: sizes known, regions opened, parts that run."""

import numpy as np

from kbplug import backend as K
from kbplug.engines.numpy.engine import NumpyEngine
from kbplug.graph.graph import Graph
from kbplug.graph.node import parameter
from kbplug.graph.spec import Spec


class Watching(NumpyEngine):
    """NumPy, which fuses every region and keeps what its loops were given."""

    name = "watching"

    def __init__(self):
        super().__init__()
        self.bodies = []
        self.kernels = {**self.kernels, "scan": self._scan}

    def fuse(self, region):
        return lambda *arrays: arrays[0]  # never run here

    def _scan(self, *arrays, body, carries, **rest):
        self.bodies.append(body)
        return (*arrays[:carries], arrays[0][None])


def seen():
    """Return the body of a loop whose sizes are known only when run."""
    x = K.placeholder((None, None, 3), dtype="float32")

    def step(t, states):
        z = K.tanh(K.concatenate([t, states[0]], axis=1)) * 2.0 + 1.0
        return z[:, :3] + K.zeros_like(t), [z[:, 3:]]

    _, outputs, _ = K.rnn(step, x, [K.zeros_like(x[:, 0])])
    engine = Watching()
    K.function([x], [outputs]).executable(engine).run(np.zeros((2, 4, 3), "float32"))
    return engine.bodies[0]


def names(graph):
    return {n.op.name for n in graph.body}


def test_a_graph_at_known_sizes_has_no_size_left_to_find():
    inside = seen().inside
    specs = [Spec((2, 3), n.result.dtype) for n in inside.graph.inputs]
    found = inside.at(specs)
    assert [n.spec for n in found.inputs] == specs
    assert all(None not in n.result.shape for n in found.nodes)
    assert "dim" not in names(found)


def test_regions_are_opened():
    inside = seen().inside
    assert "fused" in names(inside.graph)
    assert {"tanh", "multiply"} <= names(inside.at([Spec((2, 3), "float32")] * len(inside.graph.inputs)))
    assert "fused" not in names(inside.at([Spec((2, 3), "float32")] * len(inside.graph.inputs)))


def test_a_part_runs_on_the_same_engine():
    a, b = (parameter(i, Spec((2,), "float32")) for i in range(2))
    from kbplug.graph.op import lookup
    from kbplug.graph.tensor import Tensor

    part = Graph([a, b], [lookup("maximum")(Tensor(a), Tensor(b)).node])
    (found,) = seen().inside.emit(part)(np.asarray([1.0, 4.0]), np.asarray([3.0, 2.0]))
    assert found.tolist() == [3.0, 4.0]
