"""A generated kernel, and the lines that every template shares. Knows programs and C++; no template and no launch."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from kbplug_cupy.codegen.expressions import cast, expression
from kbplug_cupy.codegen.layout import Strides
from kbplug_cupy.codegen.program import CAST, CONSTANT, Program, Value
from kbplug_cupy.codegen.types import CTYPES, constant

THREADS = 256
"""Threads of a block, where a template does not need another number."""

UNNAMED = "KERNEL"
"""Stands in a source for the name that its digest gives."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel's source, without the prelude.

    Parameters
    ----------
    name
        Unique for a source.
    source
        CUDA C++.
    parameters
        C++ types of the parameters: pointers first, then numbers.
    """

    name: str
    source: str
    parameters: tuple[str, ...]


@functools.cache
def prelude() -> str:
    """Return what stands before every kernel."""
    return resources.files(__package__).joinpath("prelude.cuh").read_text(encoding="utf-8")


def finish(stem: str, lines: Iterable[str], parameters: Sequence[str]) -> Kernel:
    """Return a kernel whose name comes from its source, so that equal sources are one kernel."""
    text = "\n".join(lines) + "\n"
    name = f"{stem}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return Kernel(name, text.replace(UNNAMED, name), tuple(parameters))


def index_type(wide: bool) -> str:
    """Return the C++ type of positions."""
    return "long long" if wide else "int"


def signature(parameters: Sequence[tuple[str, str]], threads: int = THREADS) -> Iterator[str]:
    """Yield the head of a kernel from types and names."""
    listed = ", ".join(f"{kind} {name}" for kind, name in parameters)
    yield f'extern "C" __global__ void __launch_bounds__({threads}) {UNNAMED}({listed}) {{'


def pointers(program: Program, aliased: bool) -> list[tuple[str, str]]:
    """Return types and names of the arrays: inputs ``a0``, ``a1``, …, then outputs ``b0`` and on.

    Parameters
    ----------
    aliased
        Whether a result is written over an operand, so that the compiler may assume nothing.
    """
    mark = "" if aliased else " __restrict__"
    taken = [f"const {CTYPES[v.dtype].stored}*{mark}" for v in program.values[: program.inputs]]
    given = [f"{CTYPES[program.values[p].dtype].stored}*{mark}" for p in program.outputs]
    return [*((t, f"a{i}") for i, t in enumerate(taken)), *((t, f"b{i}") for i, t in enumerate(given))]


def statements(program: Program, places: Iterable[int], known: Mapping[int, str]) -> Iterator[str]:
    """Yield a line for each place that computes; what it takes is ``known`` or was computed before."""
    for place in places:
        value = program.values[place]
        if value.op != CONSTANT and place not in known:
            yield f"const {CTYPES[value.dtype].computed} v{place} = {_computed(program, value, known)};"


def name_of(program: Program, place: int, known: Mapping[int, str]) -> str:
    """Return a value as C++: a name, or a constant."""
    value = program.values[place]
    return constant(value.scalar, value.dtype) if value.op == CONSTANT else known.get(place, f"v{place}")


def _computed(program: Program, value: Value, known: Mapping[int, str]) -> str:
    operands = [name_of(program, o, known) for o in value.operands]
    if value.op == CAST:
        return cast(operands[0], program.taken(value), value.dtype)
    return expression(value.op, operands, program.taken(value), value.dtype)


def stored(name: str, dtype: str) -> str:
    """Return a value in a register as its element in memory."""
    ctype = CTYPES[dtype]
    return f"{ctype.stored}({name})" if ctype.narrow else name


def offset(name: str, strides: Strides, coordinates: Sequence[str]) -> str:
    """Return a position from coordinates and the strides' parameters ``name_0`` and on."""
    terms = [f"{c} * {name}_{i}" for i, c in enumerate(coordinates) if strides[i]]
    return " + ".join(terms) or "0"


def coordinates(index: str, kind: str, count: int) -> Iterator[str]:
    """Yield lines that take ``index`` apart into ``c0`` … over the sizes ``n1`` …, the last dimension first."""
    if count == 1:
        yield f"const {kind} c0 = {index};"
        return
    yield f"{kind} rest = {index};"
    for i in reversed(range(1, count)):
        yield f"const {kind} c{i} = rest % n{i};"
        yield f"rest /= n{i};"
    yield f"const {kind} c0 = rest;"


def indented(lines: Iterable[str], by: int = 1) -> Iterator[str]:
    """Yield lines further to the right."""
    return ("  " * by + line if line else line for line in lines)
