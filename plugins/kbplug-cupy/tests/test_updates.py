"""Updates written over the variables that they replace: what may be, what may not, and the values on the CPU."""

import numpy as np
import pytest
from emulator import COMPILER, place
from shimmed import ShimmedEngine

import kbplug
from kbplug import backend as K
from kbplug.ops.namespace import namespace as xp
from kbplug_cupy.codegen.endings import ending
from kbplug_cupy.codegen.launch import launch, result_shapes
from kbplug_cupy.codegen.program import UnsupportedError, read
from kbplug_cupy.updates import Overwriting

pytestmark = pytest.mark.skipif(COMPILER is None, reason="There is no g++ to compile kernels for the CPU.")


class Region:
    """A region as ``kbplug_cupy.fused.Fused`` runs it, with memory of the CPU."""

    def __init__(self, program, memory):
        self.program, self.memory = program, memory

    def __call__(self, *arrays, out=None):
        over = out if isinstance(out, list) else [out] * len(self.program.outputs)
        shapes = result_shapes(self.program, [a.shape for a in arrays])
        dtypes = [self.program.values[p].dtype for p in self.program.outputs]
        rows = zip(shapes, dtypes, over, strict=True)
        results = [np.empty(s, d) if o is None else o for s, d, o in rows]
        aliased = any(o is not None for o in over)
        found = launch(self.program, [place(a) for a in (*arrays, *results)], aliased=aliased)
        self.memory.prepare(found)([a.ctypes.data for a in (*arrays, *results)])
        return results[0] if len(results) == 1 else tuple(results)


class DonatingEngine(ShimmedEngine):
    """NumPy's engine, whose regions and updates run as they would on a device."""

    name = "donating"

    def __init__(self, directory):
        super().__init__(directory)
        self.endings = []

    def fuse(self, region):
        try:
            return Region(read(region), self.memory)
        except UnsupportedError:
            return None

    def compile_donating(self, run, graph, donated):
        found = ending(graph, donated)
        if found is None:
            return None
        self.endings.append(found)
        regions = [Region(read(u.region), self.memory) for u in found.updates]
        return self.compile(Overwriting(found, run.inside.emit(found.main), regions), graph)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    return DonatingEngine(tmp_path_factory.mktemp("updates"))


@pytest.fixture
def engine(shared):
    shared.endings.clear()
    with kbplug.engine_scope(shared):
        yield shared


def variable(*shape, seed=1):
    value = np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")
    return K.variable(value, dtype="float32")


def buffer(v):
    return v.cell._held[1]


def stepped(step, *variables, feeds=(), times=3):
    """Run a step and return whether each variable stays in its buffer once the engine has made one for it."""
    step(feeds)
    before = [buffer(v).ctypes.data for v in variables]
    for _ in range(times - 1):
        step(feeds)
    return [buffer(v).ctypes.data == b for v, b in zip(variables, before, strict=True)]


def adam(w, g, m, v):
    m2, v2 = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
    return [(m, m2), (v, v2), (w, w - 0.1 * m2 / (K.sqrt(v2) + 1e-3))]


def layers():
    """Return a feed, weights, a loss of two layers, and its gradients, which need the transposed weights."""
    x, w, u = K.placeholder((4, 3), dtype="float32"), variable(3, 5), variable(5, 2, seed=2)
    loss = K.mean(K.square(K.dot(K.tanh(K.dot(x, w)), u) - 1.0))
    return x, [w, u], loss, K.gradients(loss, [w, u])


GIVEN = np.random.default_rng(3).uniform(-1, 1, (4, 3)).astype("float32")


@pytest.mark.parametrize("rule", ["descent", "momentum", "adam"])
def test_weights_and_moments_stay_where_they_are_and_are_right(engine, rule):
    x, weights, loss, gradients = layers()
    first = [K.get_value(w) for w in weights]
    slots = [K.variable(np.zeros(w.shape), dtype="float32") for w in weights for _ in range(2)]
    changes, held = [], list(weights)
    for i, (w, g) in enumerate(zip(weights, gradients, strict=True)):
        m, v = slots[2 * i : 2 * i + 2]
        if rule == "descent":
            changes.append((w, w - 0.1 * g))
        elif rule == "momentum":
            changes += [(m, 0.9 * m - 0.1 * g), (w, w + 0.9 * m - 0.1 * g)]
            held.append(m)
        else:
            changes += adam(w, g, m, v)
            held += [m, v]
    step = K.function([x], [loss], updates=changes)
    assert stepped(step, *held, feeds=[GIVEN], times=4) == [True] * len(held)
    found = [K.get_value(v) for v in held]
    for v, value in zip((*weights, *slots), (*first, *[np.zeros(s.shape) for s in slots]), strict=True):
        K.set_value(v, value)
    with kbplug.engine_scope("numpy"):
        for _ in range(4):
            step([GIVEN])
    for v, value in zip(held, found, strict=True):
        np.testing.assert_allclose(value, K.get_value(v), rtol=1e-4, atol=1e-6)


def test_the_moments_and_the_weights_of_adam_are_one_kernel(engine):
    g, w, m, v = variable(6, seed=4), *(variable(6, seed=i) for i in range(3))
    step = K.function([], [], updates=adam(w, g, m, v))
    assert stepped(step, w, m, v) == [True] * 3
    assert len(engine.endings[0].updates) == 1


def test_a_value_that_somebody_read_stays(engine):
    w = variable(4)
    step = K.function([], [], updates=[(w, w * 2.0 + 1.0)])
    step([])
    held = w.cell.on(engine)
    before = held.copy()
    step([])
    np.testing.assert_array_equal(held, before)
    np.testing.assert_array_equal(K.get_value(w), before * 2 + 1)


def test_an_old_value_that_leaves_is_not_written_over(engine):
    w = variable(4)
    first = K.get_value(w)
    step = K.function([], [w, w[1:]], updates=[(w, w * 2.0 + 1.0)])
    for i in range(3):
        whole, part = step([])
        expected = (first + 1) * 2**i - 1
        np.testing.assert_allclose(whole, expected, rtol=1e-6)
        np.testing.assert_allclose(part, expected[1:], rtol=1e-6)
    assert not engine.endings


def test_an_update_from_its_own_transpose_takes_another_buffer(engine):
    w = variable(3, 3)
    first = K.get_value(w)
    K.function([], [], updates=[(w, 0.5 * w + 0.5 * xp.matrix_transpose(w))])([])
    np.testing.assert_allclose(K.get_value(w), (first + first.T) / 2, rtol=1e-6)
    assert not engine.endings


def test_a_variable_that_a_later_update_reads_is_written_last(engine):
    a, b = variable(4), variable(4, seed=2)
    x, y = K.get_value(a), K.get_value(b)
    K.function([], [], updates=[(a, K.exp(a) * b), (b, K.tanh(b) - a)])([])
    np.testing.assert_allclose(K.get_value(a), np.exp(x) * y, rtol=1e-6)
    np.testing.assert_allclose(K.get_value(b), np.tanh(y) - x, rtol=1e-5, atol=1e-6)


def test_a_broadcast_operand_is_no_place_for_a_result(engine):
    a, b = variable(1, 4), variable(3, 4, seed=2)
    x, y = K.get_value(a), K.get_value(b)
    K.function([], [], updates=[(b, b * a + 1.0), (a, a * 2.0 - 1.0)])([])
    np.testing.assert_allclose(K.get_value(b), y * x + 1, rtol=1e-6)
    np.testing.assert_allclose(K.get_value(a), x * 2 - 1, rtol=1e-6)


def test_a_weight_that_a_loop_reads_is_written_over_after_it(engine):
    x, w = K.placeholder((2, 3, 4), dtype="float32"), variable(4, 4)
    first = K.get_value(w)
    _, outputs, _ = K.rnn(lambda t, s: _turn(t, s, w), x, [K.zeros((2, 4))])
    loss = K.sum(K.square(outputs))
    step = K.function([x], [loss], updates=[(w, w - 0.1 * K.gradients(loss, [w])[0])])
    given = np.random.default_rng(5).uniform(-1, 1, (2, 3, 4)).astype("float32")
    assert stepped(step, w, feeds=[given]) == [True]
    found = K.get_value(w)
    K.set_value(w, first)
    with kbplug.engine_scope("numpy"):
        for _ in range(3):
            step([given])
    np.testing.assert_allclose(found, K.get_value(w), rtol=1e-4, atol=1e-6)


def _turn(t, states, w):
    h = K.tanh(t + K.dot(states[0], w))
    return h, [h]


def test_a_call_that_fails_leaves_everything_as_it_was(engine):
    a, x = variable(2), K.placeholder((None,), dtype="float32")
    b = variable(2, seed=2)
    before = K.get_value(a), K.get_value(b)
    step = K.function([x], [], updates=[(a, a * 2.0 + 1.0), (b, b + K.reshape(x, (2,)))])
    with pytest.raises(Exception, match="reshape"):
        step([np.zeros(3, "float32")])
    np.testing.assert_array_equal(K.get_value(a), before[0])
    np.testing.assert_array_equal(K.get_value(b), before[1])


def test_an_update_that_may_not_fit_keeps_the_others_from_being_written_over(engine):
    a, b, x = variable(2), variable(2, seed=2), K.placeholder((None,), dtype="float32")
    before = K.get_value(a)
    step = K.function([x], [], updates=[(a, a * 2.0 + 1.0), (b, x * 2.0)])
    with pytest.raises(kbplug.errors.ShapeError):
        step([np.zeros(3, "float32")])
    np.testing.assert_array_equal(K.get_value(a), before)
    step([np.zeros(2, "float32")])
    np.testing.assert_allclose(K.get_value(a), before * 2 + 1, rtol=1e-6)
