"""Loops planned as on a device and run on the CPU: results against PyTorch and NumPy, and how much is launched."""

import numpy as np
import pytest
from emulator import COMPILER
from shimmed import ShimmedEngine

import kbplug
from kbplug import backend as K
from kbplug.ops.control import fold_over

pytestmark = pytest.mark.skipif(COMPILER is None, reason="There is no g++ to compile kernels for the CPU.")
FEATURES, UNITS = 5, 4


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return ShimmedEngine(tmp_path_factory.mktemp("loops"))


@pytest.fixture
def memory(engine):
    engine.memory.launched.clear()
    engine.memory.calls.clear()
    return engine.memory


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def gates(z):
    return [z[:, i * UNITS : (i + 1) * UNITS] for i in range(z.shape[1] // UNITS)]


def lstm(x, states, w, u, b):
    h, c = states
    i, f, g, o = gates(K.bias_add(K.dot(x, w) + K.dot(h, u), b))
    c = K.sigmoid(f) * c + K.sigmoid(i) * K.tanh(g)
    h = K.sigmoid(o) * K.tanh(c)
    return h, [h, c]


def gru(x, states, w, u, b):
    (h,) = states
    x_z, x_r, x_h = gates(K.bias_add(K.dot(x, w), b))
    h_z, h_r = gates(K.dot(h, u[:, : 2 * UNITS]))
    z, r = K.sigmoid(x_z + h_z), K.sigmoid(x_r + h_r)
    h = z * h + (1 - z) * K.tanh(x_h + K.dot(r * h, u[:, 2 * UNITS :]))
    return h, [h]


def simple(x, states, w, u, b):
    h = K.tanh(K.bias_add(K.dot(x, w) + K.dot(states[0], u), b))
    return h, [h]


CELLS = {"lstm": (lstm, 2, 4), "gru": (gru, 1, 3), "simple": (simple, 1, 1)}


def network(cell, **options):
    """Return inputs, weights, and the last and all outputs of a recurrent layer of unknown batch and length."""
    step, count, many = CELLS[cell]
    x = K.placeholder((None, None, FEATURES), dtype="float32")
    shapes = [(FEATURES, many * UNITS), (UNITS, many * UNITS), (many * UNITS,)]
    weights = [K.variable(numbers(*s, seed=i + 1), dtype="float32") for i, s in enumerate(shapes)]
    first = K.tile(K.zeros_like(x[:, 0, :1]), [1, UNITS])
    last, outputs, states = K.rnn(lambda t, s: step(t, s, *weights), x, [first] * count, **options)
    return x, weights, last, outputs, states


def every_kernel():
    """Return the kernels of the recurrences here and of their gradients, generated but not run."""
    engine = ShimmedEngine()
    for cell in CELLS:
        x, weights, _, outputs, _ = network(cell)
        with kbplug.engine_scope(engine):
            K.function([x], [outputs, *K.gradients(K.sum(outputs), [x, *weights])])([numbers(3, 2, FEATURES)])
    return engine.memory.generated


def both(f, values, engine):
    """Return what a function gives on NumPy, and on what stands for a device."""
    expected = f(values)
    with kbplug.engine_scope(engine):
        return expected, f(values)


def agree(found, expected):
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"go_backwards": True}, {"return_all_outputs": False}], ids=str)
@pytest.mark.parametrize("cell", CELLS)
def test_a_recurrence_and_its_gradient(cell, options, engine):
    x, weights, last, outputs, states = network(cell, **options)
    loss = K.sum(K.square(outputs) + outputs) + sum(K.sum(s) for s in states)
    f = K.function([x], [last, outputs, *states, *K.gradients(loss, [x, *weights])])
    for shape in ((3, 6), (2, 1), (1, 5)):
        expected, found = both(f, [numbers(*shape, FEATURES)], engine)
        agree(found, expected)


def test_an_lstm_is_pytorchs(engine):
    torch = pytest.importorskip("torch")
    x, weights, _, outputs, (h, c) = network("lstm")
    f = K.function([x], [outputs, h, c, *K.gradients(K.sum(K.square(outputs)) + K.sum(c), [x, *weights])])
    value = numbers(3, 6, FEATURES)
    with kbplug.engine_scope(engine):
        found = f([value])
    layer = torch.nn.LSTM(FEATURES, UNITS, batch_first=True)
    w, u, b = (torch.from_numpy(K.get_value(v)) for v in weights)
    with torch.no_grad():
        for name, kept in {"weight_ih_l0": w.T, "weight_hh_l0": u.T, "bias_ih_l0": b, "bias_hh_l0": 0 * b}.items():
            getattr(layer, name).copy_(kept)
    there = torch.from_numpy(value).requires_grad_()
    all_of, (last, cells) = layer(there)
    (all_of.square().sum() + cells.sum()).backward()
    gradients = [there.grad, layer.weight_ih_l0.grad.T, layer.weight_hh_l0.grad.T, layer.bias_ih_l0.grad]
    agree(found, [t.detach().numpy() for t in (all_of, last[0], cells[0], *gradients)])


def test_a_step_of_an_lstm_is_its_products_and_one_kernel(engine, memory):
    x, _, _, outputs, _ = network("lstm")
    with kbplug.engine_scope(engine):
        K.function([x], [outputs])([numbers(3, 6, FEATURES)])
    assert len(memory.launched) == 6
    assert len(set(memory.launched)) == 1
    assert len(memory.calls) <= 12


def test_the_gates_of_a_gru_are_one_kernel_on_each_side_of_a_product(engine, memory):
    x, _, _, outputs, _ = network("gru")
    with kbplug.engine_scope(engine):
        K.function([x], [outputs])([numbers(3, 6, FEATURES)])
    assert len(memory.launched) == 12
    assert len(set(memory.launched)) == 2


def test_what_an_adjoint_puts_side_by_side_is_written_there(engine, memory):
    x, _, _, outputs, _ = network("lstm")
    with kbplug.engine_scope(engine):
        K.function([x], K.gradients(K.sum(outputs), [x]))([numbers(3, 6, FEATURES)])
    assert len(set(memory.launched)) <= 3  # there, back, and where the step adds up gradients of weights, adding


def test_masks_repeat_outputs_and_keep_states(engine):
    mask = K.placeholder((None, None), dtype="bool")
    x, weights, last, outputs, states = network("lstm", mask=mask)
    f = K.function([x, mask], [last, outputs, *states, *K.gradients(K.sum(outputs * outputs), weights)])
    value = np.asarray([[1, 1, 0, 1, 0], [0, 1, 1, 1, 1]], dtype=bool)
    agree(*reversed(both(f, [numbers(2, 5, FEATURES), value], engine)))


def test_carries_that_change_places_and_steps_that_return_what_they_took(engine):
    def step(x, states):
        a, b = states
        return K.stack([a[:, 0], x[:, 1]], axis=-1), [b, a + x]

    x = K.placeholder((None, None, 3), dtype="float32")
    first = [K.zeros_like(x[:, 0]), K.ones_like(x[:, 0])]
    _, outputs, states = K.rnn(step, x, first)
    agree(*reversed(both(K.function([x], [outputs, *states]), [numbers(2, 5, 3)], engine)))


def test_views_that_a_step_reads_and_writes(engine, memory):
    def step(x, states):
        turned = K.reverse(x, 1) * 2.0
        joined = K.concatenate([turned[:, ::2], K.expand_dims(states[0][:, -1], 1)], axis=1)
        return joined + 1.0, [joined * states[0]]

    x = K.placeholder((None, None, 4), dtype="float32")
    last, outputs, states = K.rnn(step, x, [K.ones_like(x[:, 0, :3])])
    f = K.function([x], [last, outputs, *states, *K.gradients(K.sum(outputs) + K.sum(states[0]), [x])])
    agree(*reversed(both(f, [numbers(3, 4, 4)], engine)))
    assert not memory.calls


def test_what_no_kernel_computes_is_called_and_its_result_read(engine, memory):
    def step(x, states):
        p = K.softmax(K.batch_dot(K.expand_dims(x, 1), K.expand_dims(states[0], 2))[:, 0])
        return K.cumsum(x * p, axis=1), [K.tanh(states[0] + x)]

    x = K.placeholder((None, None, 3), dtype="float32")
    _, outputs, states = K.rnn(step, x, [K.zeros_like(x[:, 0])])
    agree(*reversed(both(K.function([x], [outputs, *states]), [numbers(2, 4, 3)], engine)))
    assert memory.launched


def test_constants_of_a_step_are_put_into_memory_once(engine):
    table = numbers(3, 3, seed=9)

    def step(x, states):
        return K.dot(states[0], K.constant(table)), [states[0] + x * K.constant(table[0])]

    x = K.placeholder((None, None, 3), dtype="float32")
    _, outputs, states = K.rnn(step, x, [K.zeros_like(x[:, 0])])
    agree(*reversed(both(K.function([x], [outputs, *states]), [numbers(2, 4, 3)], engine)))


@pytest.mark.parametrize("shape", [(0, 4), (3, 0)], ids=["no samples", "no steps"])
def test_nothing_to_do(engine, shape):
    x = K.placeholder((None, None, 3), dtype="float32")
    total, kept = scanned(x)
    agree(*reversed(both(K.function([x], [total, kept]), [np.zeros((*shape, 3), "float32")], engine)))


def scanned(x):
    def step(total, element):
        return [total + K.sum(element, axis=0)], [total * 2.0]

    ends, kept = fold_over(step, [K.zeros((3,), dtype="float32")], [K.permute_dimensions(x, (1, 0, 2))])
    return ends[0], kept[0]


def test_a_step_whose_sizes_hang_on_values_runs_as_it_was_written(engine, memory):
    x = K.placeholder((None, 3), dtype="float32")
    found = K.map_fn(lambda row: K.sum(row[row > 0]), x)
    agree(*reversed(both(K.function([x], [found]), [numbers(4, 3)], engine)))
    assert not memory.launched
