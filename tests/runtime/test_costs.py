"""Operations and bytes by op, beside counts by hand."""

import pytest

from kbplug import backend as K
from kbplug.array_api import fft, linalg
from kbplug.graph.graph import Graph
from kbplug.ops import REGISTRY
from kbplug.ops.namespace import namespace as xp
from kbplug.passes.fuse import fuse
from kbplug.runtime.costs import FORMULAS, operations, traffic


def given(*shape, dtype="float32"):
    return K.placeholder(shape, dtype=dtype)


@pytest.mark.parametrize(
    ("result", "count"),
    [
        (lambda: xp.matmul(given(3, 4), given(4, 5)), 3 * 5 * 4 * 2),
        (lambda: xp.matmul(given(7, 3, 4), given(4, 5)), 7 * 3 * 5 * 4 * 2),
        (lambda: xp.matmul(given(4), given(4, 5)), 5 * 4 * 2),
        (lambda: xp.matmul(given(3, 4), given(4)), 3 * 4 * 2),
        (lambda: xp.tensordot(given(2, 3, 4), given(4, 3, 5), axes=((1, 2), (1, 0))), 2 * 5 * 12 * 2),
        (lambda: xp.vecdot(given(6, 4), given(6, 4)), 6 * 4 * 2),
        (lambda: xp.vecdot(given(1, 4), given(6, 4)), 6 * 4 * 2),
        # 2 samples, 6 x 6 positions, 5 filters, each over 3 x 3 x 3 elements.
        (lambda: K.conv2d(given(2, 8, 8, 3), given(3, 3, 3, 5)), 2 * 36 * 5 * 27 * 2),
        (lambda: K.conv2d(given(2, 8, 8, 3), given(3, 3, 3, 5), strides=(2, 2)), 2 * 9 * 5 * 27 * 2),
        # Each group of 2 filters sees 1 of 3 channels.
        (lambda: xp.conv(given(2, 8, 3), given(3, 1, 6), groups=3), 2 * 6 * 6 * 3 * 2),
        (lambda: K.pool2d(given(2, 8, 8, 3), (2, 2), strides=(2, 2)), 2 * 16 * 3 * 4),
        (lambda: xp.tanh(given(3, 4)), 12),
        (lambda: given(3, 1) * given(4), 12),
        (lambda: xp.where(given(3, dtype="bool"), given(3), 0.0), 3),
        (lambda: xp.sum(given(3, 4), axis=1), 12),
        (lambda: xp.argmin(given(3, 4), axis=1), 12),
        (lambda: xp.var(given(3, 4), axis=1), 48),
        # Per element of 3 x 5: max, subtract, exp, sum, divide.
        (lambda: xp.softmax(given(3, 5)), 3 * 5 * 5),
        (lambda: xp.reshape(given(3, 4), (12,)), 0),
        (lambda: xp.take(given(3, 4), given(2, dtype="int64"), axis=0), 0),
        (lambda: linalg.cholesky(given(2, 3, 3)), 2 * 9),
        (lambda: linalg.solve(given(3, 3), given(3)), 18 + 18),
        (lambda: linalg.inv(given(3, 3)), 54),
        (lambda: fft.fft(given(2, 8, dtype="complex64")), 5 * 16 * 3),
        (lambda: xp.sort(given(4)), None),
        (lambda: linalg.svdvals(given(3, 3)), None),
        (lambda: xp.tanh(given(None, 4)), None),
    ],
)
def test_operations_are_those_counted_by_hand(result, count):
    assert operations(result().node) == count


def test_the_derivatives_of_a_convolution_cost_what_it_costs():
    x, kernel = given(2, 8, 8, 3), given(3, 3, 3, 5)
    y = K.conv2d(x, kernel)
    slopes = K.gradients(K.sum(y * y), [x, kernel])
    assert [operations(s.node) for s in slopes] == [operations(y.node)] * 2


def test_a_loop_costs_its_steps_and_a_branch_the_dearer_one():
    def step(x, states):
        return x + states[0], [xp.tanh(states[0])]

    _, outputs, _ = K.rnn(step, given(2, 7, 3), [given(2, 3)])
    loop = next(n for n in Graph((), [outputs.node]).nodes if n.op.name == "scan")
    assert operations(loop) == 7 * (6 + 6)
    x = given(4)
    choice = K.switch(given(dtype="bool"), lambda: xp.exp(xp.tanh(x)), lambda: x + 1.0)
    cond = next(n for n in Graph((), [choice.node]).nodes if n.op.name == "cond")
    assert operations(cond) == 8


def test_a_fused_region_reads_and_writes_once():
    x = given(8, 4)
    graph, _ = fuse(Graph((x.node,), [xp.exp(xp.tanh(x) * 2.0).node]), lambda region: lambda *arrays: arrays)
    (region,) = [n for n in graph.nodes if n.op.name == "fused"]
    assert operations(region) == 3 * 32
    assert traffic(region) == 2 * 32 * 4


@pytest.mark.parametrize(
    ("result", "count"),
    [
        (lambda: xp.tanh(given(3, 4)), 2 * 12 * 4),
        (lambda: xp.matmul(given(3, 4), given(4, 5)), (12 + 20 + 15) * 4),
        (lambda: xp.less(given(3, dtype="float64"), given(3, dtype="float64")), 24 + 24 + 3),
        (lambda: xp.square(given(5)), 2 * 5 * 4),
        (lambda: xp.permute_dims(given(3, 4), (1, 0)), 0),
        (lambda: given(30, 4)[2], 0),
        (lambda: xp.take(given(30, 4), given(2, dtype="int64"), axis=0), 2 * 8 * 4 + 2 * 8),
        (lambda: xp.tanh(given(None)), None),
    ],
)
def test_bytes_are_those_of_operands_and_result(result, count):
    assert traffic(result().node) == count


def test_an_operand_that_stands_twice_is_read_once():
    x = given(5)
    assert traffic((x * x).node) == 2 * 5 * 4


def test_each_formula_is_of_an_op():
    assert set(FORMULAS) <= set(REGISTRY)
