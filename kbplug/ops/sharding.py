"""``sharded``: a part of a graph that may be run once for each part of a batch, the results then put together.

The passes make it, engines may run it their own way; a body that runs once on the whole batch is always right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from kbplug.graph.graph import Graph
from kbplug.graph.spec import Size, Spec
from kbplug.ops.declare import primitive


class Cut(NamedTuple):
    """Where the samples of a batch lie in an array: along ``axis``, ``each`` elements of it to a sample, in order."""

    axis: int
    each: int = 1


End = Cut | str
"""How the results of parts make a whole: laid side by side, or combined by the elementwise op of that name."""


def first_cut(arrays: Sequence[Any], axes: Sequence[Cut | None]) -> tuple[Any, Cut]:
    """Return the first operand that is cut, and how."""
    return next((array, cut) for array, cut in zip(arrays, axes, strict=True) if cut is not None)


def batch_size(specs: Sequence[Any], axes: Sequence[Cut | None]) -> Size:
    """Return how many samples specs or arrays hold: what the first that is cut says."""
    spec, cut = first_cut(specs, axes)
    size: Size = spec.shape[cut.axis]
    return None if size is None else size // cut.each


@primitive(traits=("tuple",))
def sharded(
    *arrays: Spec,
    body: Graph,
    axes: tuple[Cut | None, ...],
    ends: tuple[End, ...],
    work: float = 0.0,
    bytes: float = 0.0,
) -> tuple[Spec, ...]:
    """The results of a graph that may run part by part along a batch.

    For each element of the first operand that is cut, ``work`` is what that saves, in nanoseconds of one thread, and
    ``bytes`` what the largest value inside has, if parts that fit a cache cost nothing else.
    """
    samples = batch_size(arrays, axes)
    return tuple(_whole(n.result, end, samples) for n, end in zip(body.outputs, ends, strict=True))


def _whole(part: Spec, end: End, samples: Size) -> Spec:
    if isinstance(end, str):
        return part
    size = None if samples is None else samples * end.each
    return part.like(shape=(*part.shape[: end.axis], size, *part.shape[end.axis + 1 :]))


@sharded.implement
def _(xp: Any, *arrays: Any, body: Any, axes: Any, ends: Any, work: float, bytes: float) -> Any:
    return tuple(body(*arrays))


__all__ = ["Cut", "End", "batch_size", "first_cut", "sharded"]
