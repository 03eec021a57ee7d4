"""A program cut at its reductions, for regions that no one kernel computes well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kbplug_cupy.codegen.program import INPUT, Program, Value, below


@dataclass(frozen=True, slots=True)
class Piece:
    """A step of a program: elementwise code and at most one reduction of its result.

    Parameters
    ----------
    program
        Elementwise; its inputs are places of the whole program.
    inputs
        Those places.
    reduction
        The name of the reduction over the last dimension, or empty.
    place
        Where the result stands in the whole program.
    """

    program: Program
    inputs: tuple[int, ...]
    reduction: str
    place: int


def pieces(program: Program) -> Iterator[Piece]:
    """Yield the steps in order; the last ones make the outputs."""
    known = set(range(program.inputs))
    for place, value in enumerate(program.values):
        if value.reduces:
            yield _piece(program, value.operands[0], frozenset(known), value.op, place)
            known.add(place)
    for place in dict.fromkeys(program.outputs):
        if place not in known:
            yield _piece(program, place, frozenset(known), "", place)


def _piece(program: Program, wanted: int, known: frozenset[int], reduction: str, place: int) -> Piece:
    inside = below(program, (wanted,), known)
    taken = sorted({o for p in inside for o in program.values[p].operands if o in known} | ({wanted} & known))
    new = {old: i for i, old in enumerate([*taken, *inside])}
    values = [Value(INPUT, program.values[p].dtype) for p in taken]
    for p in inside:
        value = program.values[p]
        values.append(Value(value.op, value.dtype, tuple(new[o] for o in value.operands), value.scalar))
    return Piece(Program(tuple(values), len(taken), (new[wanted],)), tuple(taken), reduction, place)
