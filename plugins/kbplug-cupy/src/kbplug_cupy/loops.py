"""Scans on the device: a step is planned once for its sizes, then launched turn after turn at addresses that advance.

Nothing waits for the device, and kernels allocate nothing there: what a step needs for itself is allocated before the
first turn, and carries and what is kept are rows of arrays that each turn writes into. A step that cannot be planned
runs as the function that kbplug wrote for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from kbplug.graph.op import lookup
from kbplug.graph.spec import Spec
from kbplug_cupy.codegen.launch import Launch
from kbplug_cupy.codegen.layout import MisfitError, Place
from kbplug_cupy.codegen.program import UnsupportedError
from kbplug_cupy.codegen.steps import Buffer, Called, Kernelled, Spot, Step, fresh, plan

REMEMBERED = 64
"""Sizes of operands that a loop keeps plans for."""

UNPLANNED = (UnsupportedError, MisfitError, RecursionError)


class Memory(Protocol):
    """A device as a loop needs it: CuPy's, or what stands for it in tests."""

    @property
    def xp(self) -> Any:
        """The namespace of its arrays."""

    @property
    def processors(self) -> int:
        """How many multiprocessors the device has."""

    def place(self, array: Any) -> Place:
        """Return where an array lies."""

    def address(self, array: Any) -> int:
        """Return where its first element is."""

    def view(self, array: Any, offset: int, spot: Spot) -> Any:
        """Return elements of an array, from ``offset`` bytes after its first on, laid out as a spot says."""

    def prepare(self, launch: Launch) -> Callable[[Sequence[int]], None]:
        """Return what runs a kernel on addresses."""

    def writing(self, name: str) -> Callable[..., Any] | None:
        """Return what computes the op ``name`` into an array, ``f(*arrays, out=array, **params)``, if there is one."""


@dataclass(frozen=True, slots=True)
class Track:
    """Where a buffer is in each turn.

    Parameters
    ----------
    array
        What it is part of.
    first
        Bytes from the array's first element, in the first turn.
    step
        Bytes from one turn to the next; if it ``swings``, there and back.
    """

    array: Any
    first: int = 0
    step: int = 0
    swings: bool = False

    def offsets(self, more: int) -> Iterator[int]:
        """Return the bytes for each turn, ``more`` added."""
        start = self.first + more
        if self.swings:
            return itertools.cycle((start, start + self.step))
        return itertools.count(start, self.step) if self.step else itertools.repeat(start)


class Scan:
    """The kernel for scans.

    Parameters
    ----------
    memory
        Where arrays are.
    """

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self._plans: WeakKeyDictionary[Any, dict[Any, Planned | None]] = WeakKeyDictionary()

    def __call__(self, *arrays: Any, body: Any, carries: int, sequences: int, **rest: Any) -> tuple[Any, ...]:
        """Return the last carries, and what each step returned, stacked."""
        planned = self._planned(arrays, body, carries, sequences)
        length = arrays[carries].shape[0] if sequences else rest["length"]
        if planned is None or not length:
            lower = lookup("scan").lower
            assert lower is not None  # the op has a body
            found: tuple[Any, ...] = lower(
                self.memory.xp, *arrays, body=body, carries=carries, sequences=sequences, **rest
            )
            return found
        return planned.run(arrays, length, reverse=rest["reverse"])

    def _planned(self, arrays: Sequence[Any], body: Any, carries: int, sequences: int) -> Planned | None:
        inside = getattr(body, "inside", None)
        if inside is None or any(0 in a.shape for a in arrays):
            return None
        known = self._plans.setdefault(body, {})
        places = [self.memory.place(a) for a in arrays]
        key = tuple((p.shape, p.strides, p.alignment) for p in places)
        if key not in known:
            if len(known) >= REMEMBERED:
                known.clear()
            try:
                known[key] = Planned(self.memory, inside, places, carries, sequences)
            except UNPLANNED:
                known[key] = None
        return known[key]


class Planned:
    """A loop for operands of known sizes.

    Parameters
    ----------
    memory
        Where arrays are.
    inside
        What the step computes.
    places
        Where the loop's operands lie.
    carries, sequences
        How many of them there are, first and then.

    Raises
    ------
    UnsupportedError, MisfitError
        If the step cannot be planned.
    """

    def __init__(self, memory: Memory, inside: Any, places: Sequence[Place], carries: int, sequences: int) -> None:
        self.memory, self.carries, self.sequences = memory, carries, sequences
        dtypes = [n.result.dtype for n in inside.graph.inputs]
        taken = [
            fresh(p.shape, d) if i < carries else _element(p) if i < carries + sequences else p
            for i, (p, d) in enumerate(zip(places, dtypes, strict=True))
        ]
        graph = inside.at([Spec(p.shape, d) for p, d in zip(taken, dtypes, strict=True)])
        self.specs = [n.result for n in graph.outputs]
        self.step: Step = plan(graph, carries, taken, memory.processors)
        self.trails = {b.index for b in self.step.sources if b.role != "kept"}
        self._calls = [self._prepared(a, inside) for a in self.step.actions]
        self._once = [self._prepared(a, inside) for a in self.step.constant]

    def _prepared(self, action: Kernelled | Called, inside: Any) -> Callable[[Sequence[Any]], None]:
        if isinstance(action, Kernelled):
            return self.memory.prepare(action.launch)
        node = action.node
        writing = self.memory.writing(node.op.name) if not any(i.op.name == "constant" for i in node.inputs) else None
        if writing is not None:
            params = dict(node.params)
            return lambda arrays: writing(*arrays[:-1], out=arrays[-1], **params)
        function = inside.emit(action.graph)

        def call(arrays: Sequence[Any]) -> None:
            arrays[-1][...] = function(*arrays[:-1])[0]

        return call

    def run(self, arrays: Sequence[Any], length: int, *, reverse: bool) -> tuple[Any, ...]:
        """Return what the loop gives for ``length`` turns."""
        tracks = self._tracks(arrays, length, reverse)
        for call, action in zip(self._once, self.step.constant, strict=True):
            call(next(self._arguments(action, tracks)))
        turn = [(c, self._arguments(a, tracks)) for c, a in zip(self._calls, self.step.actions, strict=True)]
        for _ in range(length):
            for call, arguments in turn:
                call(next(arguments))
        return tuple(self._results(tracks, length, reverse))

    def _tracks(self, arrays: Sequence[Any], length: int, reverse: bool) -> dict[Buffer, Track]:
        """Return where each buffer is in each turn; what is not given is allocated here."""
        found: dict[Buffer, Track] = {}
        for k, spec in enumerate(self.specs[: self.carries]):
            count = length + 1 if k in self.trails else 2
            rows = self._empty(count, spec)
            first = length if reverse and k in self.trails else 0
            rows[first, ...] = arrays[k]
            at, by = first * _row(rows), -_row(rows) if first else _row(rows)
            found[Buffer("taken", k)] = Track(rows, at, by, count == 2)
            found[Buffer("next", k)] = Track(rows, at + by, -by if count == 2 else by, count == 2)
        for i, array in enumerate(arrays[self.carries :], self.carries):
            moving = i < self.carries + self.sequences
            found[Buffer("taken", i)] = _along(array, length, reverse) if moving else Track(array)
        for j, (source, spec) in enumerate(zip(self.step.sources, self.specs[self.carries :], strict=True)):
            if source.role == "kept":
                found[Buffer("kept", j)] = _along(self._empty(length, spec), length, reverse)
        for i, spec in enumerate(self.step.slots):
            found[Buffer("slot", i)] = Track(self._empty(1, spec))
        return found

    def _empty(self, rows: int, spec: Spec) -> Any:
        return self.memory.xp.empty((rows, *spec.shape), dtype=getattr(self.memory.xp, spec.dtype))

    def _arguments(self, action: Kernelled | Called, tracks: dict[Buffer, Track]) -> Iterator[tuple[Any, ...]]:
        """Return what an action takes in each turn: a kernel addresses, CuPy arrays."""
        if isinstance(action, Kernelled):
            return zip(*(self._addresses(s, tracks[s.buffer]) for s in action.spots), strict=True)
        return zip(*(self._views(s, tracks[s.buffer]) for s in (*action.operands, action.result)), strict=True)

    def _addresses(self, spot: Spot, track: Track) -> Iterator[int]:
        return track.offsets(self.memory.address(track.array) + spot.offset * spot.place.size)

    def _views(self, spot: Spot, track: Track) -> Iterator[Any]:
        offsets = track.offsets(spot.offset * spot.place.size)
        if not track.step:
            return itertools.repeat(self.memory.view(track.array, next(offsets), spot))
        if track.swings:
            return itertools.cycle([self.memory.view(track.array, next(offsets), spot) for _ in range(2)])
        return (self.memory.view(track.array, offset, spot) for offset in offsets)

    def _results(self, tracks: dict[Buffer, Track], length: int, reverse: bool) -> Iterator[Any]:
        for k in range(self.carries):
            rows = tracks[Buffer("next", k)].array
            yield rows[(0 if reverse else length) if k in self.trails else length % 2]
        for source in self.step.sources:
            track = tracks[source if source.role == "kept" else Buffer("taken", source.index)]
            late = source.role != "kept" and (source.role == "next") != reverse
            yield track.array[late : length + late]


def _element(place: Place) -> Place:
    """Return where any element along an array's first dimension lies."""
    step = place.strides[0] * place.size
    alignment = min(place.alignment, step & -step) if step else place.alignment
    return Place(place.shape[1:], place.strides[1:], alignment, place.size)


def _row(array: Any) -> int:
    """Return the bytes from one element along the first dimension to the next."""
    return int(array.strides[0])


def _along(array: Any, length: int, reverse: bool) -> Track:
    """Return the elements along an array's first dimension, turn by turn."""
    return Track(array, (length - 1) * _row(array), -_row(array)) if reverse else Track(array, 0, _row(array))
