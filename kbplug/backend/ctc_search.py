"""Beam search over the readings of predictions; knows log probabilities and nothing of labels' meaning.

A path names a class for each step; a reading is what remains of it without repetitions and blanks. The
probability of a reading adds up all its paths, so two ways to one reading must be found out and joined: each reading
bears a code of its labels, two hashes of 31 bits.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kbplug.graph.tensor import Tensor
from kbplug.ops.control import fold_over
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import shape_of

_PRIME = 2**31 - 1
_FACTORS = (1_103_515_245, 1_812_433_253)


class _Beam(NamedTuple):
    """The readings kept of each sample: ``(samples, width, ...)``."""

    labels: Tensor  # -1 after the last one
    length: Tensor
    code: Tensor  # of the labels
    parent: Tensor  # and of all but the last one
    blank: Tensor  # log probability of the paths that end in a blank
    label: Tensor  # and of those that end in the last label


def beam_search(logs: Tensor, steps: Tensor, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return readings of shape ``(samples, width, time)``, their lengths and log probabilities, best first.

    Parameters
    ----------
    logs
        Log probabilities of shape ``(time, samples, classes)``; the last class is the blank.
    steps
        How many steps of each sample count.
    width
        How many readings are kept at each step.
    """
    time = shape_of(logs)[0]

    def step(*arguments: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        beam, (emission, now) = _Beam(*arguments[:-2]), arguments[-2:]
        return [_choose(now < steps, new, old) for new, old in zip(_advance(beam, emission), beam, strict=True)], []

    ends, _ = fold_over(step, _first(logs, width), [logs, xp.arange(time)])
    final = _Beam(*ends)
    scores = xp.logaddexp(final.blank, final.label)
    order = xp.argsort(scores, axis=1, descending=True, stable=True)
    return _picked(final.labels, order), _picked(final.length, order), _picked(scores, order)


def _first(logs: Tensor, width: int) -> _Beam:
    """Return the empty reading, and places for others."""
    time, samples, _ = shape_of(logs)
    nothing = xp.full((samples, width), -xp.inf, dtype=logs.dtype)
    none = xp.zeros((samples, width), dtype="int64")
    codes = xp.zeros((samples, width, 2), dtype="int64")
    labels = xp.full((samples, width, time), -1, dtype="int64")
    return _Beam(labels, none, codes, codes, xp.where(xp.arange(width) == 0, 0.0, nothing), nothing)


def _choose(condition: Tensor, new: Tensor, old: Tensor) -> Tensor:
    return xp.where(xp.expand_dims(condition, axis=tuple(range(1, new.ndim))), new, old)


def _picked(x: Tensor, order: Tensor) -> Tensor:
    """Return ``x[i, order[i]]`` for each sample ``i``."""
    return xp.take_along_axis(x, xp.expand_dims(order, axis=tuple(range(2, x.ndim))), axis=1)


def _advance(beam: _Beam, emission: Tensor) -> _Beam:
    """Return the most probable readings after one more step: as they are, or with one more label."""
    score = xp.logaddexp(beam.blank, beam.label)
    last = xp.squeeze(xp.take_along_axis(beam.labels, _column(xp.maximum(beam.length - 1, 0)), axis=2), axis=2)
    index = xp.maximum(last, 0)
    is_last = _column(last) == xp.arange(shape_of(emission)[1] - 1)
    # One more label like the last needs a blank between; without one it is the same reading still.
    grown = xp.where(is_last, _column(beam.blank), _column(score)) + _row(emission[:, :-1])
    blank = score + emission[:, -1:]
    label = xp.where(last < 0, -xp.inf, beam.label + xp.take_along_axis(emission, index, axis=1))
    # [sample, i, j]: reading i with the last label of reading j is reading j.
    joins = (beam.length > 0)[:, None, :] & xp.all(_column(beam.code) == _row(beam.parent), axis=-1)
    handed = xp.take_along_axis(grown, xp.broadcast_to(_row(index), shape_of(joins)), axis=2)
    label = xp.logaddexp(label, xp.logsumexp(xp.where(joins, handed, -xp.inf), axis=1))
    joined = xp.matmul(xp.astype(joins, grown.dtype), xp.astype(is_last, grown.dtype)) > 0
    return _best(beam, blank, label, xp.where(joined, -xp.inf, grown))


def _column(x: Tensor) -> Tensor:
    return xp.expand_dims(x, axis=2)


def _row(x: Tensor) -> Tensor:
    return xp.expand_dims(x, axis=1)


def _best(beam: _Beam, blank: Tensor, label: Tensor, grown: Tensor) -> _Beam:
    """Return the best of the readings as they were and of those with one more label."""
    samples, width, classes = shape_of(grown)
    flat = xp.reshape(grown, (samples, width * classes))
    candidates = xp.concat([xp.logaddexp(blank, label), flat], axis=1)
    chosen = xp.argsort(candidates, axis=1, descending=True, stable=True)[:, : beam.length.shape[1]]
    grows = chosen >= width
    added = xp.maximum(chosen - width, 0)
    source = xp.where(grows, added // classes, chosen)
    new = added % classes
    before = _Beam(*(_picked(part, source) for part in beam))
    place = xp.arange(shape_of(beam.labels)[2]) == _column(before.length)
    return _Beam(
        labels=xp.where(place & _column(grows), _column(new), before.labels),
        length=before.length + xp.astype(grows, "int64"),
        code=xp.where(_column(grows), _coded(before.code, new), before.code),
        parent=xp.where(_column(grows), before.code, before.parent),
        blank=xp.where(grows, -xp.inf, _picked(blank, source)),
        label=xp.where(grows, _picked(flat, added), _picked(label, source)),
    )


def _coded(code: Tensor, new: Tensor) -> Tensor:
    factors: Any = xp.asarray(list(_FACTORS), dtype="int64")
    return (code * factors + _column(new) + 1) % _PRIME
