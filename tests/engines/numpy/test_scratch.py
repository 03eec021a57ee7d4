"""Where values lie in a block: buffers that are left to the next value, never one that is still seen."""

import threading

import numpy as np
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


def test_a_chain_needs_one_buffer_and_its_result():
    found = plan(region(lambda x: [xp.tanh(xp.exp(x * 2) + 1)], (4, 5)), yes, yes)
    assert len(found.likes) == 1
    assert len(found.graph.inputs) == 3
    assert found.into[found.graph.outputs[0]] is found.graph.inputs[1]


def test_what_may_not_write_over_what_it_reads_has_another():
    assert len(plan(region(lambda x: [xp.tanh(xp.exp(x * 2) + 1)], (4, 5)), yes, lambda node: False).likes) == 2


def test_columns_and_other_dtypes_have_none_or_their_own():
    found = plan(region(lambda x: [xp.where(xp.exp(x) > 1, x, xp.max(x, axis=-1, keepdims=True))], (4, 5)), yes, yes)
    assert sorted(n.result.dtype for n in found.likes) == ["bool", "float32"]


@given(graphs())
@settings(max_examples=60)
def test_no_buffer_is_written_while_its_value_is_needed(drawn):
    for body in fuse(drawn.hidden, lambda region: len)[1]:
        found, held = plan(body, yes, yes), {}
        place = {n: i for i, n in enumerate(body.body)}
        last = {n: max((place[u] for u in body.uses[n]), default=0) for n in body.body}
        for node in found.graph.body:
            buffer = found.into.get(node)
            if buffer in held:
                assert held[buffer] not in body.outputs
                assert last[held[buffer]] <= place[node]
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
