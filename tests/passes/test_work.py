"""The worth of a cut: in the right proportion, and nothing where threads are at work anyway."""

import pytest

from kbplug.graph.graph import Graph
from kbplug.graph.node import placeholder
from kbplug.graph.op import lookup
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.passes.placement import Placed
from kbplug.passes.work import work


def symbol(*shape):
    return Tensor(placeholder(Spec(shape, "float32")))


def of(build, *shapes, batch=(0,)):
    """Return the nanoseconds of the node that ``build`` makes last."""
    inputs = [symbol(*s) for s in shapes]
    placed = Placed(Graph([t.node for t in inputs], [build(*inputs).node]), {inputs[i].node: 0 for i in batch})
    return work(placed.graph.outputs[0], placed.at)


@pytest.mark.parametrize(
    "build",
    [xp.tanh, lambda x: x + 1, lambda x: xp.reshape(x, (-1, 2, 2)), xp.sum, lambda x: xp.max(x, axis=1), lambda x: x.T],
)
def test_what_copies_nothing_or_is_spread_anyway_saves_nothing(build):
    assert of(build, (None, 4)) == 0


def test_products_cost_what_they_multiply():
    one = of(lambda x, w: x @ w, (None, 8), (8, 16))
    assert of(lambda x, w: x @ w, (None, 16), (16, 16)) == pytest.approx(2 * one)
    assert of(lambda x, w: xp.tensordot(x, w, axes=1), (None, 5, 8), (8, 16)) == pytest.approx(5 * one)
    assert of(lambda x, y: x.T @ y, (None, 8), (None, 16), batch=(0, 1)) == pytest.approx(one)


def test_a_stack_of_products_has_no_threads_of_its_own():
    plain = of(lambda x, w: xp.tensordot(x, w, axes=1), (None, 5, 8), (8, 16))
    assert of(lambda x, y: x @ y, (None, 5, 8), (None, 8, 16), batch=(0, 1)) > 5 * plain


def test_a_convolution_and_its_two_transposes_cost_the_same():
    image, kernel, result = (None, 9, 9, 3), (3, 3, 3, 5), (None, 7, 7, 5)
    forward = of(lookup("conv"), image, kernel)
    assert of(lambda y, k: lookup("conv_input")(y, k, shape=(9, 9)), result, kernel) == pytest.approx(forward)
    assert of(lambda x, y: lookup("conv_kernel")(x, y, shape=(3, 3)), image, result, batch=(0, 1)) == pytest.approx(
        forward
    )


def test_unknown_sizes_count_as_one():
    assert of(lambda x: xp.sort(x, axis=-1), (None, None, 8)) == of(lambda x: xp.sort(x, axis=-1), (7, 1, 8)) > 0
