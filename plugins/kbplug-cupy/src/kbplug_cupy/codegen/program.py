"""A region as a flat list of values, each computed from those before it. Knows graphs; no C++ and no sizes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kbplug.dtypes import kind
from kbplug.graph.graph import Graph
from kbplug.graph.node import Node, scalar_of
from kbplug.graph.spec import Spec
from kbplug_cupy.codegen.expressions import known

REDUCTIONS = ("sum", "prod", "max", "min", "mean")
INPUT, CONSTANT, CAST = "input", "constant", "astype"


class UnsupportedError(Exception):
    """A region holds what no kernel is generated for; CuPy runs it op by op."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a program.

    Parameters
    ----------
    op
        An op's name, or ``input``, ``constant``.
    dtype
        Its own.
    operands
        Positions of earlier values.
    scalar
        The number of a constant.
    """

    op: str
    dtype: str
    operands: tuple[int, ...] = ()
    scalar: Any = None

    @property
    def reduces(self) -> bool:
        """Whether it combines the elements of a row."""
        return self.op in REDUCTIONS


@dataclass(frozen=True, slots=True)
class Program:
    """A region.

    Parameters
    ----------
    values
        Operands before what is computed from them; the inputs first, in order.
    inputs
        How many inputs there are.
    outputs
        Positions of the results.
    """

    values: tuple[Value, ...]
    inputs: int
    outputs: tuple[int, ...]

    @property
    def reduces(self) -> bool:
        """Whether any value is a reduction."""
        return any(v.reduces for v in self.values)

    def taken(self, value: Value) -> str:
        """Return the dtype of a value's last operand."""
        return self.values[value.operands[-1]].dtype


@dataclass(slots=True)
class Reader:
    """Collects the values of a program.

    Parameters
    ----------
    values
        What there is so far.
    """

    values: list[Value] = field(default_factory=list)

    def add(self, *fields: Any) -> int:
        """Return the place of a new value, or of an equal constant."""
        value = Value(*fields)
        for place, same in enumerate(self.values):
            if value.op == CONSTANT and repr(same) == repr(value):  # repr tells -0.0 and 0.0 apart, and NaN is NaN
                return place
        self.values.append(value)
        return len(self.values) - 1

    def read(self, node: Node, places: tuple[int, ...]) -> int:
        """Return the place of a node whose operands have ``places``.

        Raises
        ------
        UnsupportedError
            If its op has no expression for its dtype.
        """
        if (scalar := scalar_of(node)) is not None:
            return self.add(CONSTANT, node.result.dtype, (), scalar)
        op, dtype = node.op.name, node.result.dtype
        if op == "clip":
            return self._clip(node, places)
        if op in REDUCTIONS:
            return self._reduction(node, places[0])
        if op == CAST:
            return self._cast(places[0], dtype)
        if not known(op, self.values[places[-1]].dtype):
            raise UnsupportedError(f"{op} of {self.values[places[-1]].dtype} has no expression.")
        return self.add(op, dtype, places)

    def _cast(self, place: int, dtype: str) -> int:
        same = self.values[place].dtype == dtype
        return place if same else self.add(CAST, dtype, (place,))

    def _clip(self, node: Node, places: tuple[int, ...]) -> int:
        """Bounds become a maximum and a minimum, of which one or both may be absent."""
        placed, _ = node.op.arrange(places, node.params)
        at = placed[0]
        for bound, op in zip(placed[1:], ("maximum", "minimum"), strict=False):
            at = at if bound is None else self.add(op, node.result.dtype, (at, bound))
        return int(at)

    def _reduction(self, node: Node, place: int) -> int:
        """Place a reduction; a sum in another dtype is the sum of elements cast to it."""
        source, dtype = self.values[place].dtype, node.result.dtype
        if kind(source) == "complex" and node.op.name in ("max", "min"):
            raise UnsupportedError("Complex numbers have no order.")
        return self.add(node.op.name, dtype, (self._cast(place, dtype),))


def read(region: Graph) -> Program:
    """Return a region as a program.

    Raises
    ------
    UnsupportedError
        If an op or a dtype of it has no expression.
    """
    reader, places = Reader(), {}
    for node in region.inputs:
        places[node] = reader.add(INPUT, node.result.dtype)
    for node in region.body:
        if not isinstance(node.spec, Spec):
            raise UnsupportedError(f"{node.op.name} has several results.")
        places[node] = reader.read(node, tuple(places[i] for i in node.inputs))
    return Program(tuple(reader.values), len(region.inputs), tuple(places[n] for n in region.outputs))


def readable(node: Node) -> bool:
    """Say whether a node is elementwise and has an expression."""
    if not isinstance(node.spec, Spec) or "elementwise" not in node.op.traits:
        return False
    try:
        reader = Reader()
        reader.read(node, tuple(reader.add(INPUT, i.result.dtype) for i in node.inputs))
    except UnsupportedError:
        return False
    return True


def below(program: Program, wanted: Iterator[int] | tuple[int, ...], known: frozenset[int] = frozenset()) -> list[int]:
    """Return, in order, the places that ``wanted`` need and that are not ``known``."""
    found: set[int] = set()
    stack = [p for p in wanted if p not in known]
    while stack:
        place = stack.pop()
        if place not in found:
            found.add(place)
            stack.extend(o for o in program.values[place].operands if o not in known and o not in found)
    return sorted(found)
