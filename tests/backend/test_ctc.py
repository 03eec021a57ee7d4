"""Connectionist temporal classification against PyTorch's loss, and against every path written out."""

import itertools
from collections import defaultdict

import numpy as np
import pytest

from kbplug import backend as K
from kbplug.errors import ArgumentError, ShapeError

torch = pytest.importorskip("torch")


@pytest.fixture
def predictions(normal):
    """Probabilities over classes."""

    def make(*shape):
        x = np.exp(2 * normal(*shape))
        return x / x.sum(-1, keepdims=True)

    return make


LABELS = np.array([[0, 1, 1, 3], [2, 2, 0, 0], [3, 0, 0, 0], [0, 0, 0, 0]])
LABEL_LENGTHS = np.array([[4], [2], [1], [0]])
INPUT_LENGTHS = np.array([[7], [6], [3], [2]])


@pytest.mark.parametrize("unknown", [False, True])
def test_the_loss_is_pytorchs(unknown, agree, predictions):
    def theirs(p):
        logs = torch.log_softmax(torch.log(p + K.epsilon()), -1).movedim(1, 0)
        lengths = [torch.tensor(n.ravel()) for n in (INPUT_LENGTHS, LABEL_LENGTHS)]
        loss = torch.nn.functional.ctc_loss(logs, torch.tensor(LABELS), *lengths, blank=4, reduction="none")
        return loss[:, None]

    agree(
        lambda p: K.ctc_batch_cost(LABELS, p, INPUT_LENGTHS, LABEL_LENGTHS),
        theirs,
        predictions(4, 7, 5),
        rtol=1e-6,
        atol=1e-9,
        unknown=[unknown],
    )


def test_labels_and_lengths_may_be_fed_as_keras_feeds_them(predictions):
    labels, p = K.placeholder((None, None)), K.placeholder((None, None, 5))
    steps, count = K.placeholder((None, 1), dtype="int64"), K.placeholder((None, 1), dtype="int64")
    f = K.function([labels, p, steps, count], [K.ctc_batch_cost(labels, p, steps, count)])
    given = predictions(4, 7, 5)
    wanted = K.eval(K.ctc_batch_cost(LABELS, given.astype("float32"), INPUT_LENGTHS, LABEL_LENGTHS))
    np.testing.assert_allclose(f([LABELS, given, INPUT_LENGTHS, LABEL_LENGTHS])[0], wanted, rtol=1e-5)


def test_too_few_steps_cost_everything():
    p = K.constant(np.full((1, 2, 3), 1 / 3))
    assert K.eval(K.ctc_batch_cost([[0, 0]], p, [[2]], [[2]])).tolist() == [[np.inf]]


def test_labels_as_a_sparse_matrix():
    found = K.ctc_label_dense_to_sparse(LABELS, LABEL_LENGTHS)
    assert K.is_sparse(found)
    places = [K.eval(part).tolist() for part in (found.rows, found.columns, found.values)]
    assert places == [[0, 0, 0, 0, 1, 1, 2], [0, 1, 2, 3, 0, 1, 0], [0, 1, 1, 3, 2, 2, 3]]


def test_reading_greedily():
    best = [[0, 0, 2, 0, 1, 1, 2], [2, 2, 2, 2, 2, 2, 2], [1, 2, 1, 0, 0, 0, 0]]
    p = 0.8 * np.eye(3)[best] + 0.2 / 3
    (reading,), score = K.ctc_decode(p, [7, 7, 3])
    assert K.eval(reading).tolist() == [[0, 0, 1], [-1, -1, -1], [1, 1, -1]]
    np.testing.assert_allclose(K.eval(score), -np.log(0.8 + 0.2 / 3) * np.array([[7], [7], [3]]), rtol=1e-5)


def readings(p):
    """Return every reading of predictions with its probability, by writing out all paths; the last class is blank."""
    found = defaultdict(float)
    blank = p.shape[1] - 1
    for path in itertools.product(range(p.shape[1]), repeat=len(p)):
        reading = tuple(c for c, _ in itertools.groupby(path) if c != blank)
        found[reading] += np.prod(p[np.arange(len(p)), list(path)])
    return sorted(found.items(), key=lambda item: -item[1])


@pytest.mark.parametrize("steps", [5, 3])
def test_a_wide_beam_finds_the_most_probable_readings(steps, predictions):
    p = predictions(3, 5, 3)
    decoded, scores = K.ctc_decode(p, [steps] * 3, greedy=False, beam_width=200, top_paths=4)
    for i in range(3):
        wanted = readings(p[i, :steps])[:4]
        found = [tuple(label for label in K.eval(d)[i].tolist() if label >= 0) for d in decoded]
        assert found == [reading for reading, _ in wanted]
        np.testing.assert_allclose(K.eval(scores)[i], [np.log(q) for _, q in wanted], rtol=1e-4)


def test_a_narrow_beam_reads_what_the_likeliest_path_does_not():
    p = np.array([[[0.6, 0.4], [0.6, 0.4]]])[:, :, ::-1]  # blank 0.6 at each step, yet "0" has 1 - 0.36
    greedy, _ = K.ctc_decode(p, [2])
    search, score = K.ctc_decode(p, [2], greedy=False, beam_width=2)
    assert (K.eval(greedy[0]).shape, K.eval(search[0]).tolist()) == ((1, 0), [[0]])
    np.testing.assert_allclose(np.exp(K.eval(score)), [[0.64]], rtol=1e-5)


def test_repeated_labels_may_be_merged():
    p = 0.98 * np.eye(3)[[[0, 2, 0, 1]]] + 0.02 / 3
    for merged, wanted in [(False, [[0, 0, 1]]), (True, [[0, 1]])]:
        decoded, _ = K.ctc_decode(p, [4], greedy=False, beam_width=10, merge_repeated=merged)
        assert K.eval(decoded[0]).tolist() == wanted


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: K.ctc_decode(K.zeros((2, 3)), [3, 3]), ShapeError, "Predictions need the shape"),
        (lambda: K.ctc_batch_cost([0], K.zeros((1, 2, 3)), [[2]], [[1]]), ShapeError, "Labels need the shape"),
        (
            lambda: K.ctc_decode(K.zeros((1, 2, 3)), [2], greedy=False, beam_width=2, top_paths=3),
            ArgumentError,
            "cannot return 3 readings of a beam of 2",
        ),
    ],
)
def test_what_cannot_be_meant(call, error, message):
    with pytest.raises(error, match=message):
        call()
