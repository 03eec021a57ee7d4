"""Connectionist temporal classification: its loss and its decoders. The last class is the blank.

Graves et al., "Connectionist temporal classification: labelling unsegmented sequence data with recurrent neural
networks", 2006; the equations named below are theirs.
"""

from __future__ import annotations

from kbplug.backend.arguments import TensorLike
from kbplug.backend.ctc_search import beam_search
from kbplug.backend.settings import epsilon
from kbplug.backend.sparse import SparseTensor
from kbplug.backend.tensors import floating
from kbplug.errors import ArgumentError, ShapeError
from kbplug.graph.tensor import Tensor, tensor
from kbplug.ops.control import fold_over
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import shape_of


def _lengths(given: TensorLike) -> Tensor:
    """Return lengths of shape ``(samples,)`` or ``(samples, 1)`` as int64 of shape ``(samples,)``."""
    return xp.reshape(xp.astype(tensor(given), "int64"), (-1,))


def _log_probabilities(y_pred: TensorLike) -> Tensor:
    """Return predictions of shape ``(samples, time, classes)`` as logarithms of probabilities, time first."""
    p = floating(y_pred)
    if p.ndim != 3:
        raise ShapeError(f"Predictions need the shape (samples, time, classes), not {p.shape}.")
    return xp.log_softmax(xp.log(xp.moveaxis(p, 1, 0) + epsilon()), axis=-1)


def ctc_batch_cost(
    y_true: TensorLike, y_pred: TensorLike, input_length: TensorLike, label_length: TensorLike
) -> Tensor:
    """Return minus the logarithm of the probability that predictions read as the labels.

    Parameters
    ----------
    y_true
        Labels of shape ``(samples, longest)``: classes, but not the blank.
    y_pred
        Probabilities of shape ``(samples, time, classes)``, the output of a softmax.
    input_length, label_length
        How many steps and labels of each sample count, of shape ``(samples, 1)``.

    Returns
    -------
    Tensor
        Of shape ``(samples, 1)``; infinite where the steps are too few for the labels.

    Raises
    ------
    ShapeError
        If the predictions have not three dimensions, or the labels do not fit them.

    Examples
    --------
    >>> K.eval(K.ctc_batch_cost([[0]], [[[0.5, 0.5], [0.5, 0.5]]], [[2]], [[1]]))
    array([[0.2876821]], dtype=float32)
    """
    logs = _log_probabilities(y_pred)
    path = _with_blanks(_lengths_checked(y_true), shape_of(logs)[-1] - 1)
    steps, labels = _lengths(input_length), _lengths(label_length)
    emitted = xp.take_along_axis(logs, xp.broadcast_to(path, (shape_of(logs)[0], *shape_of(path))), axis=-1)
    begin = xp.where(xp.arange(shape_of(path)[1]) < 2, emitted[0], -xp.inf)
    leaps = _may_leap(path)

    def step(alpha: Tensor, emission: Tensor, time: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Advance the forward variable, equations 6 and 7."""
        one, two = _shifted(alpha, 1), xp.where(leaps, _shifted(alpha, 2), -xp.inf)
        total = xp.logsumexp(xp.stack([alpha, one, two], axis=0), axis=0) + emission
        return [xp.where(xp.expand_dims(time < steps, axis=1), total, alpha)], []

    times = xp.arange(shape_of(logs)[0])
    (alpha,), _ = fold_over(step, [begin], [emitted[1:], times[1:]])
    last = xp.expand_dims(2 * labels, axis=1)  # the end is the last blank or, equation 8, the label before it
    ends = xp.take_along_axis(alpha, xp.concat([last, xp.maximum(last - 1, 0)], axis=1), axis=1)
    allowed = xp.concat([last >= 0, last > 0], axis=1)
    return -xp.logsumexp(xp.where(allowed, ends, -xp.inf), axis=1, keepdims=True)


def _lengths_checked(y_true: TensorLike) -> Tensor:
    labels = xp.astype(tensor(y_true), "int64")
    if labels.ndim != 2:
        raise ShapeError(f"Labels need the shape (samples, longest), not {labels.shape}.")
    return labels


def _with_blanks(labels: Tensor, blank: int | Tensor) -> Tensor:
    """Return labels with a blank before, between and after them."""
    samples, longest = shape_of(labels)
    pairs = xp.stack([xp.full_like(labels, blank), labels], axis=-1)
    inner = xp.reshape(pairs, (samples, 2 * longest))
    return xp.concat([inner, xp.full((samples, 1), blank, dtype="int64")], axis=1)


def _may_leap(path: Tensor) -> Tensor:
    """Return where a path may skip a blank: at labels that differ from the label before."""
    differs = path[:, 2:] != path[:, :-2]
    head = xp.zeros((shape_of(path)[0], 2), dtype="bool")
    is_label = xp.arange(shape_of(path)[1]) % 2 == 1
    return xp.concat([head, differs], axis=1) & is_label


def _shifted(alpha: Tensor, by: int) -> Tensor:
    head = xp.full((shape_of(alpha)[0], by), -xp.inf, dtype=alpha.dtype)
    return xp.concat([head, alpha[:, :-by]], axis=1)


def ctc_label_dense_to_sparse(labels: TensorLike, label_lengths: TensorLike) -> SparseTensor:
    """Return the labels that count as a sparse matrix.

    Parameters
    ----------
    labels
        Of shape ``(samples, longest)``.
    label_lengths
        How many of each sample count, of shape ``(samples,)`` or ``(samples, 1)``.

    Examples
    --------
    >>> K.eval(K.ctc_label_dense_to_sparse([[3, 4], [5, 6]], [2, 1])).tolist()
    [[3, 4], [5, 0]]
    """
    dense = tensor(labels)
    counts = xp.arange(shape_of(dense)[1]) < xp.expand_dims(_lengths(label_lengths), axis=1)
    rows, columns = xp.nonzero(counts)
    return SparseTensor(rows, columns, dense[rows, columns], shape_of(dense))


def ctc_decode(
    y_pred: TensorLike,
    input_length: TensorLike,
    greedy: bool = True,
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = False,
) -> tuple[list[Tensor], Tensor]:
    """Return the most probable readings of predictions.

    Parameters
    ----------
    y_pred
        Probabilities of shape ``(samples, time, classes)``, the output of a softmax.
    input_length
        How many steps of each sample count, of shape ``(samples,)``.
    greedy
        Whether to read the most probable class of each step, instead of searching with a beam.
    beam_width
        How many readings the search keeps at each step.
    top_paths
        How many readings the search returns.
    merge_repeated
        Whether equal neighbours in a reading of the search become one.

    Returns
    -------
    decoded : list of Tensor
        For each reading an int64 tensor of shape ``(samples, longest)``, with -1 after the last label.
    log_probability : Tensor
        Of shape ``(samples, top_paths)``: logarithms of the readings' probabilities. The greedy way gives minus the
        logarithm of its path's, of shape ``(samples, 1)``.

    Raises
    ------
    ArgumentError
        If more readings are asked for than are kept.

    Examples
    --------
    >>> decoded, _ = K.ctc_decode([[[0.9, 0.1], [0.2, 0.8], [0.9, 0.1]]], [3])
    >>> K.eval(decoded[0]).tolist()
    [[0, 0]]
    """
    logs = _log_probabilities(y_pred)
    steps = _lengths(input_length)
    if greedy:
        reading, score = _best_path(logs, steps)
        return [reading], score
    if not 1 <= top_paths <= beam_width:
        raise ArgumentError(f"ctc_decode cannot return {top_paths} readings of a beam of {beam_width}.")
    prefixes, lengths, scores = beam_search(logs, steps, beam_width)
    found = []
    for i in range(top_paths):
        labels, count = prefixes[:, i], lengths[:, i]
        kept = xp.arange(shape_of(labels)[1]) < xp.expand_dims(count, axis=1)
        found.append(_packed(labels, kept & _is_new(labels) if merge_repeated else kept))
    return found, scores[:, :top_paths]


def _best_path(logs: Tensor, steps: Tensor) -> tuple[Tensor, Tensor]:
    counts = xp.expand_dims(xp.arange(shape_of(logs)[0]), axis=1) < steps
    best = xp.matrix_transpose(xp.argmax(logs, axis=-1))
    kept = xp.matrix_transpose(counts) & _is_new(best) & (best != shape_of(logs)[-1] - 1)
    score = -xp.sum(xp.where(counts, xp.max(logs, axis=-1), 0.0), axis=0)
    return _packed(best, kept), xp.expand_dims(score, axis=1)


def _is_new(labels: Tensor) -> Tensor:
    """Return which labels differ from the one before."""
    first = xp.ones((shape_of(labels)[0], 1), dtype="bool")
    return xp.concat([first, labels[:, 1:] != labels[:, :-1]], axis=1)


def _packed(labels: Tensor, kept: Tensor) -> Tensor:
    """Return the kept labels moved to the front, then -1, in as many columns as the longest row has."""
    order = xp.argsort(xp.astype(~kept, "int64"), axis=1, stable=True)
    counts = xp.sum(xp.astype(kept, "int64"), axis=1, keepdims=True)
    front = xp.arange(shape_of(labels)[1]) < counts
    packed = xp.where(front, xp.take_along_axis(labels, order, axis=1), -1)
    return packed[:, : xp.max(counts)]
