"""What the graphs inside a graph hold."""

import pytest

from kbplug.graph.graph import Graph
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.control import choose, fold_over
from kbplug.ops.namespace import namespace as xp
from kbplug.passes.nested import contains

X = Tensor(placeholder(Spec((3, 2), "float64")))


def looped(x):
    return fold_over(lambda total, row: ([total + row], []), [x[0]], [x])[0][0]


BUILT = {
    "nothing": (lambda: xp.exp(X), False),
    "itself": (lambda: looped(X), True),
    "in a branch": (lambda: choose(xp.sum(X) > 0, lambda: looped(X), lambda: X[0])[0], True),
}


@pytest.mark.parametrize(("build", "there"), BUILT.values(), ids=BUILT)
def test_an_op_is_found_however_deep(build, there):
    graph = Graph([X.node], [build().node])
    assert contains(graph, "scan") is there
    assert not contains(graph, "while_")
