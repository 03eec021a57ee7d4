"""Loops of K against the same loops written out over PyTorch's tensors."""

import itertools

import numpy as np
import pytest
from scipy import stats

import kbplug
from kbplug import backend as K
from kbplug.config import set_rng
from kbplug.errors import ArgumentError, ShapeError

torch = pytest.importorskip("torch")

MASK = np.array([[1, 1, 0, 1], [0, 1, 1, 0], [0, 0, 0, 0]], dtype=bool)


def cell(xp, matmul):
    """A recurrent step whose output is not its state."""

    def step(x, states):
        h, w, u = states
        new = xp.tanh(matmul(x, w) + matmul(h, u))
        return new * 2, [new]

    return step


def written_out(x, h, w, u, *, backwards=False, mask=None, zeros=False):
    """Return the outputs of ``cell`` over time, first principle by first principle."""
    step, outputs = cell(torch, torch.matmul), []
    for t in reversed(range(x.shape[1])) if backwards else range(x.shape[1]):
        y, (new,) = step(x[:, t], (h, w, u))
        if mask is not None:
            keep = torch.tensor(mask)[:, t, None]
            before = torch.zeros_like(y) if zeros or not outputs else outputs[-1]
            y, new = torch.where(keep, y, before), torch.where(keep, new, h)
        outputs.append(y)
        h = new
    return torch.stack(outputs, 1), h


@pytest.mark.parametrize("unroll", [False, True])
@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_rnn(backwards, masked, zeros, unroll, agree, normal):  # noqa: PLR0917
    mask = MASK if masked else None
    arrays = normal(3, 4, 2), normal(3, 5), normal(2, 5), normal(5, 5)

    def ours(x, h, w, u):
        last, outputs, (state,) = K.rnn(
            cell(K, K.dot),
            x,
            [h],
            go_backwards=backwards,
            mask=mask,
            constants=[w, u],
            unroll=unroll,
            input_length=4,
            zero_output_for_mask=zeros,
        )
        return K.concatenate([K.flatten(outputs), K.flatten(last), K.flatten(state)])

    def theirs(x, h, w, u):
        outputs, state = written_out(x, h, w, u, backwards=backwards, mask=mask, zeros=zeros)
        return torch.cat([outputs.flatten(), outputs[:, -1].flatten(), state.flatten()])

    agree(ours, theirs, *arrays, rtol=1e-7, unknown=[False] if unroll else [False, True])


@pytest.mark.parametrize("masked", [False, True])
def test_only_the_last_output(masked, normal):
    arrays = [normal(3, 4, 2), normal(3, 5), normal(2, 5), normal(5, 5)]
    x, h, w, u = map(K.constant, arrays)
    options = {"constants": [w, u], "mask": MASK if masked else None}
    last, outputs, _ = K.rnn(cell(K, K.dot), x, [h], return_all_outputs=False, **options)
    assert outputs.shape == (3, 1, 5)
    wanted = K.eval(K.rnn(cell(K, K.dot), x, [h], **options)[0])
    np.testing.assert_array_equal(K.eval(last), wanted)
    np.testing.assert_array_equal(K.eval(outputs)[:, 0], wanted)


def test_time_may_come_first(normal):
    x, h, w, u = map(K.constant, [normal(3, 4, 2), normal(3, 5), normal(2, 5), normal(5, 5)])
    wanted = K.rnn(cell(K, K.dot), x, [h], constants=[w, u], mask=MASK)
    found = K.rnn(cell(K, K.dot), K.permute_dimensions(x, (1, 0, 2)), [h], constants=[w, u], mask=MASK, time_major=True)
    np.testing.assert_array_equal(K.eval(found[0]), K.eval(wanted[0]))
    np.testing.assert_array_equal(K.eval(found[1]), K.eval(wanted[1]).swapaxes(0, 1))


@pytest.mark.parametrize("mask", [MASK[..., None], MASK.astype("float32"), MASK.astype("int32")])
def test_masks_in_any_form(mask):
    x = K.ones((3, 4, 2))
    found, wanted = (
        K.eval(K.rnn(lambda x, s: (x + s[0], [x + s[0]]), x, [K.zeros((3, 2))], mask=m)[1]) for m in (mask, MASK)
    )
    np.testing.assert_array_equal(found, wanted)


def test_lengths_mask_what_comes_after():
    x, lengths = K.placeholder((None, None, 1)), K.placeholder((None,), dtype="int32")
    last, _, (state,) = K.rnn(lambda x, s: (x + s[0], [x + s[0]]), x, [K.zeros_like(x[:, 0])], input_length=lengths)
    f = K.function([x, lengths], [last, state])
    for result in f([np.ones((3, 5, 1)), [1, 3, 5]]):
        assert result.ravel().tolist() == [1.0, 3.0, 5.0]


def test_no_states_at_all():
    x = K.placeholder((None, None, 3))
    last, outputs, states = K.rnn(lambda x, states: (K.sum(x, axis=-1, keepdims=True), []), x, [])
    assert (states, outputs.shape) == ([], (None, None, 1))
    found = K.function([x], [last, outputs])([np.ones((2, 4, 3))])
    assert [f.tolist() for f in found] == [[[3.0]] * 2, [[[3.0]] * 4] * 2]


@pytest.mark.parametrize("unroll", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_outputs_and_states_of_other_ranks(masked, unroll):
    def step(x, states):
        matrix = states[0] + K.expand_dims(x, -1)
        return K.expand_dims(K.expand_dims(x)) * 1.0, [matrix, states[1] + 1]

    mask = MASK if masked else None
    last, outputs, states = K.rnn(
        step, K.ones((3, 4, 2)), [K.zeros((3, 2, 6)), K.zeros((3,))], mask=mask, unroll=unroll
    )
    counts = MASK.sum(1) if masked else [4, 4, 4]
    assert (last.shape, outputs.shape) == ((3, 2, 1, 1), (3, 4, 2, 1, 1))
    assert K.eval(states[1]).tolist() == list(counts)
    assert K.eval(states[0])[:, 1, 5].tolist() == list(counts)


@pytest.mark.parametrize("unroll", [False, True])
def test_a_step_may_write_over_names_that_hold_variables(unroll):
    def step(x, states):
        (h,) = states
        h *= 2
        h += x
        return h, [h]

    state = K.ones((1, 1))
    _, outputs, _ = K.rnn(step, [[[1.0], [1.0], [1.0]]], [state], unroll=unroll)
    assert K.eval(outputs).ravel().tolist() == [3.0, 7.0, 15.0]
    assert K.get_value(state).tolist() == [[1.0]]


def test_one_step():
    for unroll in (False, True):
        last, outputs, (state,) = K.rnn(
            lambda x, s: (x + s[0], [x]), K.ones((2, 1, 3)), [K.ones((2, 3))], unroll=unroll, input_length=1
        )
        assert K.eval(last).tolist() == [[2.0] * 3] * 2
        assert (outputs.shape, K.eval(state).sum()) == ((2, 1, 3), 6.0)


def test_the_phase_is_remembered_from_inside_the_loop():
    def step(x, states):
        return K.in_train_phase(lambda: 2 * x, x), []

    x = K.placeholder((None, None, 1))
    last, outputs, _ = K.rnn(step, x, [])
    assert last._uses_learning_phase
    assert outputs._uses_learning_phase
    f = K.function([x, K.learning_phase()], [last])
    assert [f([np.ones((1, 2, 1)), phase])[0].tolist() for phase in (0, 1)] == [[[1.0]], [[2.0]]]
    assert not K.rnn(lambda x, states: (x, []), x, [])[0]._uses_learning_phase


@pytest.mark.parametrize("masked", [False, True])
def test_what_a_step_keeps_serves_all_steps(masked):
    """Keras's cells draw a dropout mask in the first step that is built, and use it in all."""
    kept = []

    def step(x, states):
        if not kept:
            kept.append(K.dropout(K.ones_like(x), 0.5))
        return x * kept[0], []

    x = K.placeholder((None, None, 50))
    _, outputs, _ = K.rnn(step, x, [], mask=K.ones_like(x[..., 0]) if masked else None)
    f = K.function([x], [outputs])
    found = f([np.ones((2, 3, 50))])[0]
    assert set(found.ravel().tolist()) == {0.0, 2.0}
    assert (found == found[:, :1]).all()
    assert (f([np.ones((2, 3, 50))])[0] != found).any()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda step: K.rnn(step, K.zeros((3,)), []), ShapeError, r"inputs of shape \(samples, time"),
        (lambda step: K.rnn(step, K.placeholder((2, None, 1)), [], unroll=True), ArgumentError, "give input_length"),
        (lambda step: K.rnn(step, K.zeros((2, 3, 1)), [], mask=K.zeros((2,))), ShapeError, "mask of rnn"),
    ],
)
def test_what_cannot_be_meant(call, error, message):
    with pytest.raises(error, match=message):
        call(lambda x, states: (x, []))


def test_map_fn(agree, normal):
    agree(lambda x: K.map_fn(lambda r: K.sum(r**2), x), lambda x: (x**2).sum(-1), normal(3, 4))


def test_map_fn_over_several_tensors_and_places():
    a, b = K.constant([1.0, 2.0]), K.constant([[1.0, 2.0], [3.0, 4.0]])
    assert K.eval(K.map_fn(lambda e: e[0] * e[1], (a, b))).tolist() == [[1.0, 2.0], [6.0, 8.0]]
    total, places = K.map_fn(lambda i: [K.sum(b[i]), i], K.arange(2), dtype=["float64", "int64"])
    assert (total.dtype, K.eval(total).tolist(), K.eval(places).tolist()) == ("float64", [3.0, 7.0], [0, 1])


def test_elements_of_unknown_number():
    x = K.placeholder((None,))
    f = K.function([x], [K.map_fn(lambda e: e * 2, x), K.foldl(lambda a, e: a + e, x)])
    assert [r.tolist() for r in f([[1.0, 2.0, 3.0]])] == [[2.0, 4.0, 6.0], 6.0]


@pytest.mark.parametrize("fold", ["foldl", "foldr"])
@pytest.mark.parametrize("first", [None, 1.0, 2])
def test_folds(fold, first, normal):
    def combine(total, x):
        return total * 0.5 + x

    elements = normal(4)
    ordered = list(elements if fold == "foldl" else elements[::-1])
    wanted = list(itertools.accumulate(ordered if first is None else [first, *ordered], combine))[-1]
    assert float(getattr(K, fold)(combine, elements, first)) == pytest.approx(wanted)


def test_gradients_of_a_fold(agree, normal):
    def theirs(x):
        total = x[-1]
        for i in (1, 0):
            total = torch.sin(total) * x[i]
        return total

    agree(lambda x: K.foldr(lambda a, e: K.sin(a) * e, x), theirs, normal(3, 2))


@pytest.mark.parametrize("engine", ["numpy", "strict"])
@pytest.mark.parametrize("rng", ["native", "portable"])
def test_each_step_draws_anew_and_the_derivative_sees_the_same_draws(engine, rng):
    set_rng(rng)
    x, w = K.placeholder((2, None, 50), dtype="float64"), K.variable(np.full(50, 1.5), dtype="float64")
    _, outputs, _ = K.rnn(lambda e, states: (K.dropout(e * w, 0.5, seed=3), states), x, [])
    (slope,) = K.gradients(K.sum(outputs * outputs), [w])
    (second,) = K.gradients(K.sum(slope), [w])
    run = K.function([x], [outputs, slope, second])
    with kbplug.engine_scope(engine):
        calls = [run([np.ones((2, 6, 50))]) for _ in range(2)]
    steps = [call[0][sample, step] for call in calls for sample in range(2) for step in range(6)]
    assert len({step.tobytes() for step in steps}) == 24
    for found, first, then in calls:
        np.testing.assert_allclose(first, 2 * np.sum(found**2, axis=(0, 1)) / 1.5, rtol=1e-12)
        np.testing.assert_allclose(then, 2 * np.sum(found**2, axis=(0, 1)) / 1.5**2, rtol=1e-12)


def test_draws_of_steps_are_independent_and_a_seed_repeats_them():
    def run():
        step = K.map_fn(lambda e: e + K.random_uniform((400,), dtype="float64", seed=5), K.zeros((60, 1), "float64"))
        return K.function([], [step])([])[0]

    drawn = run()
    np.testing.assert_array_equal(drawn, run())
    assert stats.kstest(drawn.ravel(), "uniform").pvalue > 1e-3
    together = np.corrcoef(drawn)[np.triu_indices(60, 1)]
    assert np.abs(together).max() < 5 / np.sqrt(400)


def test_a_loop_in_a_loop_draws_anew_at_each_of_its_steps():
    def inner(row):
        return K.map_fn(lambda e: e + K.random_uniform((), dtype="float64"), row)

    drawn = K.eval(K.map_fn(inner, K.zeros((5, 7), "float64")))
    assert len(set(drawn.ravel().tolist())) == 35


def test_a_draw_in_a_branch_of_a_step_and_one_before_the_loop():
    before = K.random_uniform((), dtype="float64")

    def step(e):
        return K.in_train_phase(lambda: e + K.random_uniform((), dtype="float64"), lambda: e), e + before

    anew, same = K.map_fn(step, K.zeros((6,), "float64"))
    training, testing = (K.function([K.learning_phase()], [anew, same])([phase]) for phase in (1, 0))
    assert len(set(training[0].tolist())) == 6
    assert testing[0].tolist() == [0.0] * 6
    assert len(set(training[1].tolist())) == len(set(testing[1].tolist())) == 1
