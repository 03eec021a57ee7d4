"""Where values lie in a block: buffers that are left to the next value, never one that is still seen."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings

from kbplug.engines.numpy import scratch
from kbplug.engines.numpy.scratch import Reach, carve, plan
from kbplug.graph.graph import Graph
from kbplug.graph.node import parameter
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.passes.fuse import fuse
from kbplug.testing.graphs import graphs


def region(build, *shapes):
    inputs = [Tensor(parameter(i, Spec(s, "float32"))) for i, s in enumerate(shapes)]
    return Graph([t.node for t in inputs], [t.node for t in build(*inputs)])


def yes(node):
    return True


def no(node):
    return False


def test_a_chain_needs_its_result_alone():
    found = plan(region(lambda x: [xp.tanh(xp.exp(x * 2) + 1)], (4, 5)), yes, yes)
    assert not found.likes
    assert len(found.graph.inputs) == 2
    assert set(found.into.values()) == {found.graph.inputs[1]}


def test_what_may_not_write_over_what_it_reads_has_another():
    assert len(plan(region(lambda x: [xp.tanh(xp.exp(x * 2) + 1)], (4, 5)), yes, no).likes) == 2


def test_what_is_needed_after_a_result_does_not_lie_there():
    def build(x):
        e = xp.exp(x)
        return [e + 1, xp.tanh(e * 2)]

    found = plan(region(build, (4, 5)), yes, yes)
    places = {n.op.name: found.graph.inputs.index(b) for n, b in found.into.items()}
    assert (places["add"], places["tanh"]) == (1, 2)
    assert places["exp"] == 2


def test_what_may_be_seen_through_another_does_not_lie_in_a_result():
    def build(x):
        e = xp.exp(x)
        return [xp.tanh(x) + xp.sum(e, axis=-1, keepdims=True) + xp.positive(e) * 2]

    shows = region(build, (4, 5))
    found = plan(shows, lambda node: node.op.name != "positive", yes)
    seen = next(n for n in shows.body if n.op.name == "exp")
    assert found.into[seen] is found.graph.inputs[2]


def test_columns_and_other_dtypes_have_none_or_their_own():
    found = plan(region(lambda x: [xp.where(xp.exp(x) > 1, x, xp.max(x, axis=-1, keepdims=True))], (4, 5)), yes, yes)
    assert [n.result.dtype for n in found.likes] == ["bool"]


@pytest.mark.parametrize("over", [yes, no])
@given(drawn=graphs())
@settings(max_examples=60)
def test_no_buffer_is_written_while_its_value_is_needed(over, drawn):
    for body in fuse(drawn.hidden, lambda region: len)[1]:
        found, held = plan(body, yes, over), {}
        place = {n: i for i, n in enumerate(body.body)}
        last = {n: max((place[u] for u in body.uses[n]), default=0) for n in body.body}
        for node in found.graph.body:
            buffer = found.into.get(node)
            if buffer in held:
                assert held[buffer] not in body.outputs
                assert last[held[buffer]] <= place[node] - (over is no)
                assert held[buffer].result.dtype == node.result.dtype
            if buffer is not None:
                held[buffer] = node


def test_shapes_of_values():
    body = region(lambda x, b: [x + b, xp.sum(x, axis=-1, keepdims=True), xp.sum(x * b, axis=0)], (None, None), (None,))
    reach, shapes = Reach(body), [(4, 5), (5,)]
    assert [reach.shape(n, shapes) for n in body.outputs] == [(4, 5), (4, 1), (5,)]


def test_memory_is_a_threads_own_and_kept():
    wanted = [((3, 5), "float32"), ((7,), "bool"), ((2, 2), "complex128")]
    first, second = list(carve(wanted)), list(carve(wanted))
    assert [(a.shape, a.dtype) for a in first] == [((3, 5), "float32"), ((7,), "bool"), ((2, 2), "complex128")]
    assert all(
        a.ctypes.data == b.ctypes.data and a.ctypes.data % scratch.ALIGNED == 0
        for a, b in zip(first, second, strict=True)
    )
    assert not np.shares_memory(first[0], first[2])
    other = []
    thread = threading.Thread(target=lambda: other.extend(carve(wanted)))
    thread.start()
    thread.join()
    assert not any(np.shares_memory(a, b) for a in first for b in other)


def test_much_memory_is_given_back(monkeypatch):
    monkeypatch.setattr(scratch, "KEPT", 1 << 10)
    (a,), (b,) = (list(carve([((1 << 23,), "uint8")])) for _ in range(2))
    assert not np.shares_memory(a, b)
