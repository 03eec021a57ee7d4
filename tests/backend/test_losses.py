"""Crossentropies of K against PyTorch, and where probabilities round to 0 and 1."""

import numpy as np
import pytest

from kbplug import backend as K
from kbplug.errors import ArgumentError

torch = pytest.importorskip("torch")
functional = torch.nn.functional


@pytest.fixture
def probabilities(normal):
    """Rows of positive numbers that add up to 1."""

    def make(*shape):
        x = np.exp(normal(*shape))
        return x / x.sum(axis=-1, keepdims=True)

    return make


def test_categorical_crossentropy_of_probabilities(agree, probabilities):
    def theirs(target, output):
        return -torch.sum(target * torch.log(output / output.sum(-1, keepdim=True)), dim=-1)

    agree(K.categorical_crossentropy, theirs, probabilities(3, 4), probabilities(3, 4))


@pytest.mark.parametrize("axis", [1, -1])
def test_categorical_crossentropy_of_logits(axis, agree, normal, probabilities):
    agree(
        lambda t, o: K.categorical_crossentropy(t, o, from_logits=True, axis=axis),
        lambda t, o: -torch.sum(t * functional.log_softmax(o, dim=axis), dim=axis),
        probabilities(2, 3, 4),
        normal(2, 3, 4),
    )


@pytest.mark.parametrize("logits", [False, True])
@pytest.mark.parametrize("axis", [1, -1])
def test_sparse_categorical_crossentropy(axis, logits, agree, normal):
    labels = np.random.default_rng(1).integers(0, 4, (2, 5))
    shape = (2, 4, 5) if axis == 1 else (2, 5, 4)

    def theirs(o):
        o = o if logits else torch.log(torch.exp(o) / torch.exp(o).sum(axis, keepdim=True))
        return functional.cross_entropy(o.movedim(axis, 1), torch.tensor(labels), reduction="none")

    def ours(o):
        given = o if logits else K.exp(o)
        return K.sparse_categorical_crossentropy(labels, given, from_logits=logits, axis=axis)

    agree(ours, theirs, normal(*shape))


@pytest.mark.parametrize("targets", [[0.0, 2.0], [[0], [2]], np.array([0, 2], dtype="uint8")])
def test_sparse_targets_in_any_form(targets):
    output = K.constant([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]])
    np.testing.assert_allclose(K.eval(K.sparse_categorical_crossentropy(targets, output)), np.log([2, 4]), rtol=1e-6)


def test_classes_that_are_ignored_or_do_not_exist():
    output = K.variable([[0.5, 0.5]] * 4)
    loss = K.sparse_categorical_crossentropy([0, -1, 2, 7], output, ignore_class=-1)
    np.testing.assert_allclose(K.eval(loss), [np.log(2), 0, np.nan, np.nan], rtol=1e-6)
    slope = K.eval(K.gradients(loss, [output])[0])
    assert slope[1].tolist() == [0.0, 0.0]


def test_binary_crossentropy(agree, normal):
    target, output = 1 / (1 + np.exp(-normal(3, 4))), 1 / (1 + np.exp(-normal(3, 4)))
    agree(
        lambda o: K.binary_crossentropy(target, o),
        lambda o: functional.binary_cross_entropy(o, torch.tensor(target, dtype=o.dtype), reduction="none"),
        output,
    )
    agree(
        lambda t, o: K.binary_crossentropy(t, o, from_logits=True),
        lambda t, o: -t * functional.logsigmoid(o) - (1 - t) * functional.logsigmoid(-o),
        target,
        3 * normal(3, 4),
    )


def test_binary_crossentropy_of_a_logit_of_0():
    x = K.variable([0.0])
    assert float(K.gradients(K.binary_crossentropy([1.0], x, from_logits=True), [x])[0][0]) == -0.5


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_sure_and_wrong_predictions_cost_a_finite_sum(dtype):
    target = K.constant([[0.0, 1.0], [1.0, 0.0]], dtype=dtype)
    output = K.constant([[1.0, 0.0], [1.0, 0.0]], dtype=dtype)
    for loss in (K.binary_crossentropy, K.categorical_crossentropy):
        found = K.eval(loss(target, output))
        assert found.dtype == dtype
        assert np.isfinite(found).all()
        np.testing.assert_allclose(found[0], -np.log(1e-7), rtol=2e-2)


def test_what_softmax_made_is_scored_by_its_logits():
    logits = K.variable([[200.0, 0.0]])
    loss = K.categorical_crossentropy([[0.0, 1.0]], K.softmax(logits))
    assert K.eval(loss).tolist() == [200.0]
    assert K.eval(K.gradients(loss, [logits])[0]).tolist() == [[1.0, -1.0]]


def test_what_softmax_made_over_another_axis_is_not():
    p = K.softmax(K.constant([[0.0, 1.0], [2.0, 5.0]]), axis=0)
    plain = K.constant(K.eval(p))
    target = K.constant([[0.0, 1.0], [1.0, 0.0]])
    found = [K.eval(K.categorical_crossentropy(target, output)) for output in (p, plain)]
    np.testing.assert_allclose(*found, rtol=1e-6)


def test_what_sigmoid_made_is_scored_by_its_logits():
    logits = K.variable([200.0])
    loss = K.binary_crossentropy([0.0], K.sigmoid(logits))
    assert K.eval(loss).tolist() == [200.0]
    assert K.eval(K.gradients(loss, [logits])[0]).tolist() == [1.0]


@pytest.mark.parametrize("logits", [False, True])
@pytest.mark.parametrize("balanced", [False, True])
def test_binary_focal_crossentropy(balanced, logits, agree, normal):
    target = (normal(3, 4) > 0).astype(float)

    def theirs(x):
        p = torch.sigmoid(x)
        right = torch.where(torch.tensor(target) == 1, p, 1 - p)
        weight = torch.where(torch.tensor(target) == 1, 0.3, 0.7) if balanced else 1.0
        return -weight * (1 - right) ** 1.5 * torch.log(right)

    def ours(x):
        output = x if logits else K.sigmoid(x) * 1.0  # a product is not scored by logits
        return K.binary_focal_crossentropy(target, output, balanced, alpha=0.3, gamma=1.5, from_logits=logits)

    agree(ours, theirs, normal(3, 4), rtol=1e-7)


@pytest.mark.parametrize("logits", [False, True])
def test_categorical_focal_crossentropy(logits, agree, normal, probabilities):
    alpha = np.array([0.1, 0.2, 0.3, 0.4])

    def theirs(t, o):
        p = torch.softmax(o, -1)
        return -torch.sum(torch.tensor(alpha) * (1 - p) ** 1.5 * t * torch.log(p), dim=-1)

    def ours(t, o):
        output = o if logits else K.softmax(o)
        return K.categorical_focal_crossentropy(t, output, alpha=alpha, gamma=1.5, from_logits=logits)

    agree(ours, theirs, probabilities(3, 4), normal(3, 4), rtol=1e-7)


@pytest.mark.parametrize("loss", [K.categorical_crossentropy, K.categorical_focal_crossentropy])
def test_an_axis_that_is_not_there(loss):
    with pytest.raises(ArgumentError, match="The class axis is 2, but the output has the 2 dimensions"):
        loss(K.zeros((2, 3)), K.zeros((2, 3)), axis=2)
    with pytest.raises(ValueError, match="class axis"):
        K.sparse_categorical_crossentropy(K.zeros((2,)), K.zeros((2, 3)), axis=4)
