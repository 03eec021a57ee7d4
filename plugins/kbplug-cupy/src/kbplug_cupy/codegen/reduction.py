"""A region with reductions over rows as one kernel: a warp or a block takes a row and passes over it level by level.

A value is *full* if it varies along the row. A reduction of full values is complete after one pass, in which all
reductions that need no unfinished one are taken together; the last pass writes the full results.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kbplug.dtypes import bits
from kbplug_cupy.codegen.kernel import (
    Kernel,
    coordinates,
    finish,
    indented,
    index_type,
    name_of,
    offset,
    pointers,
    signature,
    statements,
    stored,
)
from kbplug_cupy.codegen.layout import Layout, MisfitError, Place, Strides, is_wide, merged, spread, width_of
from kbplug_cupy.codegen.program import CONSTANT, INPUT, Program, Value, below
from kbplug_cupy.codegen.types import CTYPES, rounded

WARP = 32
ROWS = 8
"""Rows of a block whose rows take a warp each."""

COMBINE = {"sum": "kb_add", "mean": "kb_add", "prod": "kb_multiply", "max": "kb_maximum", "min": "kb_minimum"}


@dataclass(frozen=True, slots=True)
class Rows:
    """How rows and the operands' parts of them lie.

    Parameters
    ----------
    layout
        Of the rows: merged leading dimensions, and the width along a row.
    length
        Elements of a row.
    along
        For each operand, results included, the stride along the row.
    full
        For each operand, whether it has an element for each one of the row, and not one for all.
    threads
        How many share a row.
    """

    layout: Layout
    length: int
    along: tuple[int, ...]
    full: tuple[bool, ...]
    threads: int

    @property
    def count(self) -> int:
        """How many rows there are."""
        total = 1
        for size in self.layout.sizes:
            total *= size
        return total


def lay_out_rows(shape: Sequence[int], length: int, places: Sequence[Place], outputs: int) -> Rows:
    """Return how a reduction kernel finds its operands.

    Parameters
    ----------
    shape
        The leading dimensions of the results.
    length
        Elements of a row.
    places
        Operands, then results.
    outputs
        How many of the places are results.

    Raises
    ------
    MisfitError
        If an operand does not broadcast to the rows.
    """
    if any(p.shape[:-1] != tuple(shape) for p in places[len(places) - outputs :]):
        raise MisfitError(f"The results do not all have the leading dimensions {tuple(shape)}.")
    full = tuple(bool(p.shape) and p.shape[-1] != 1 for p in places)
    strides = [spread((*shape, length), p) if f else _per_row(shape, p) for f, p in zip(full, places, strict=True)]
    along = tuple(own[-1] for own in strides)
    sizes, leading = merged(shape, [own[:-1] for own in strides])
    full_strides = [(*own, step) for own, step in zip(leading, along, strict=True)]
    width = width_of((*sizes, length), full_strides, places, tail=False) if length else 1
    return Rows(
        Layout(sizes, leading, width, is_wide((*sizes, max(length, 1)), full_strides)),
        length,
        along,
        full,
        _threads(length, width),
    )


def _per_row(shape: Sequence[int], place: Place) -> Strides:
    lead = Place(place.shape[:-1], place.strides[:-1], place.alignment, place.size)
    return (*spread(shape, lead), 0)


def _threads(length: int, width: int) -> int:
    """Return a warp for short rows, eight of which share a block, and up to 512 threads for long ones."""
    for threads, most in ((WARP, 1024), (128, 4096), (256, 16384)):
        if length <= most * max(1, width // 4):
            return threads
    return 512


def reduction(program: Program, rows: Rows, *, aliased: bool = False) -> Kernel:
    """Return the kernel of a region with reductions; its numbers are those of ``numbers``."""
    kind = index_type(rows.layout.wide)
    names = list(_names(rows))
    parameters = [*pointers(program, aliased), *((f"const {kind}", n) for n in names)]
    threads = max(rows.threads, WARP * ROWS)
    writer = _Writer(program, rows, kind)
    lines = [*signature(parameters, threads), *indented(writer.body()), "}"]
    return finish("reduction", lines, [t for t, _ in parameters])


def numbers(rows: Rows) -> list[int]:
    """Return what the kernel takes after its arrays: rows, length, merged sizes but the first, strides not 0."""
    leading = [s for own in rows.layout.strides for s in own if s]
    return [rows.count, rows.length, *rows.layout.sizes[1:], *leading, *(s for s in rows.along if s not in (0, 1))]


def _names(rows: Rows) -> Iterator[str]:
    yield from ("n", "d")
    yield from (f"n{i}" for i in range(1, len(rows.layout.sizes)))
    for operand, own in enumerate(rows.layout.strides):
        yield from (f"s{operand}_{i}" for i, s in enumerate(own) if s)
    yield from (f"t{operand}" for operand, s in enumerate(rows.along) if s not in (0, 1))


class _Writer:
    """Writes the body of one kernel."""

    def __init__(self, program: Program, rows: Rows, kind: str) -> None:
        self.program, self.rows, self.kind = program, rows, kind
        self.full = self._full()
        self.levels = self._levels()

    def _full(self) -> frozenset[int]:
        found: set[int] = set()
        for place, value in enumerate(self.program.values):
            varies = self.rows.full[place] if value.op == INPUT else any(o in found for o in value.operands)
            if varies and not value.reduces:
                found.add(place)
        return frozenset(found)

    def _levels(self) -> Mapping[int, int]:
        """Return for each value how many passes must be over before it can be computed."""
        found: dict[int, int] = {}
        for place, value in enumerate(self.program.values):
            found[place] = max((found[o] for o in value.operands), default=0) + value.reduces
        return found

    def body(self) -> Iterator[str]:
        """Yield the lines of the kernel's body."""
        kind, rows = self.kind, self.rows
        in_block = "threadIdx.y" if rows.threads == WARP else "0"
        per_block = "blockDim.y" if rows.threads == WARP else "1"
        yield f"const {kind} lane = threadIdx.x;"
        yield (
            f"for ({kind} row = ({kind})blockIdx.x * {per_block} + {in_block}; row < n; "
            f"row += ({kind})gridDim.x * {per_block}) {{"
        )
        yield from indented(self._row())
        yield "}"

    def _row(self) -> Iterator[str]:
        program, count = self.program, len(self.rows.layout.sizes)
        used = set(below(program, program.outputs))
        yield from coordinates("row", self.kind, count)
        for operand, own in enumerate(self.rows.layout.strides):
            name, is_input = self._array(operand)
            at = offset(f"s{operand}", own, [f"c{i}" for i in range(count)])
            if is_input and operand in used and operand not in self.full:
                yield f"const auto v{operand} = kb_value({name}[{at}]);"
            elif not is_input or operand in used:
                yield f"auto* const r{operand} = {name} + ({at});"
        last = max((self.levels[p] for p in program.outputs), default=0)
        done: set[int] = {p for p in used if program.values[p].op == INPUT and p not in self.full}
        for level in range(last + 1):
            ready = [p for p in self._scalars(used, level) if p not in done]
            yield from statements(program, ready, self._known_inputs())
            done.update(ready)
            yield from self._pass(used, level, done)
        shared = [(i, p) for i, p in enumerate(program.outputs) if p not in self.full]
        for i, p in shared:
            value = stored(name_of(program, p, {}), program.values[p].dtype)
            yield f"if (lane == 0) r{program.inputs + i}[0] = {value};"

    def _known_inputs(self) -> Mapping[int, str]:
        return {p: f"v{p}" for p in range(self.program.inputs)}

    def _scalars(self, used: set[int], level: int) -> list[int]:
        """Return what is the same along a row and can be computed once ``level`` passes are over."""
        values = self.program.values
        return [
            p
            for p in sorted(used)
            if p not in self.full and self.levels[p] <= level and not values[p].reduces and values[p].op != CONSTANT
        ]

    def _array(self, operand: int) -> tuple[str, bool]:
        inputs = self.program.inputs
        return (f"a{operand}", True) if operand < inputs else (f"b{operand - inputs}", False)

    def _pass(self, used: set[int], level: int, done: set[int]) -> Iterator[str]:
        """Yield one pass over a row: the reductions that are complete after it, or the results."""
        values = self.program.values
        found = [p for p in sorted(used) if values[p].reduces and self.levels[p] == level + 1]
        over = [p for p in found if values[p].operands[0] in self.full]
        for p in over:
            yield f"{CTYPES[values[p].dtype].total} t_{p} = {_start(values[p])};"
        outputs = [i for i, p in enumerate(self.program.outputs) if not found and p in self.full]
        if over or outputs:
            wanted = [values[p].operands[0] for p in over] or [self.program.outputs[i] for i in outputs]
            yield from self._loop(wanted, over, outputs, done)
        for p in found:
            yield from self._complete(p, p in over)
            done.add(p)

    def _complete(self, p: int, over_row: bool) -> Iterator[str]:
        """Yield the value of a reduction: by all threads, or over a dimension of size 1, its one element."""
        value = self.program.values[p]
        ctype = CTYPES[value.dtype]
        total = name_of(self.program, value.operands[0], {})
        if over_row:
            total = f"kb_reduce<{self.rows.threads}>(t_{p}, {COMBINE[value.op]}())"
            total = f"{total} / {_length(ctype.total)}" if value.op == "mean" else total
        yield f"const {ctype.computed} v{p} = {rounded(total, value.dtype)};"

    def _loop(self, wanted: list[int], over: list[int], outputs: list[int], done: set[int]) -> Iterator[str]:
        program, width, threads = self.program, self.rows.layout.width, self.rows.threads
        needed = below(program, tuple(wanted), frozenset(done))
        taken = [p for p in needed if p < program.inputs]
        yield f"for ({self.kind} j = lane * {width}; j < d; j += {threads * width}) {{"
        lines = list(self._loads(taken))
        for i in outputs:
            dtype = CTYPES[program.values[program.outputs[i]].dtype].stored
            if width > 1:
                lines.append(f"kb_pack<{dtype}, {width}> q{i};")
        if width > 1:
            lines += ["#pragma unroll", f"for (int k = 0; k < {width}; ++k) {{"]
        inner = list(self._element(needed, over, outputs))
        lines += indented(inner) if width > 1 else inner
        if width > 1:
            lines.append("}")
            for i in outputs:
                pack = f"kb_pack<{CTYPES[program.values[program.outputs[i]].dtype].stored}, {width}>"
                lines.append(f"*reinterpret_cast<{pack}*>(r{program.inputs + i} + j) = q{i};")
        yield from indented(lines)
        yield "}"

    def _loads(self, taken: list[int]) -> Iterator[str]:
        width = self.rows.layout.width
        for p in taken:
            if width > 1 and self.rows.along[p]:
                pack = f"kb_pack<{CTYPES[self.program.values[p].dtype].stored}, {width}>"
                yield f"const {pack} p{p} = *reinterpret_cast<const {pack}*>(r{p} + j);"

    def _element(self, needed: list[int], over: list[int], outputs: list[int]) -> Iterator[str]:
        program, width = self.program, self.rows.layout.width
        for p in needed:
            if p < program.inputs:
                at = f"p{p}.at[k]" if width > 1 and self.rows.along[p] else f"r{p}[{self._along(p)}]"
                yield f"const auto v{p} = kb_value({at});"
        yield from statements(program, [p for p in needed if p >= program.inputs], {})
        for p in over:
            value = program.values[p]
            element = name_of(program, value.operands[0], {})
            yield f"t_{p} = {COMBINE[value.op]}()(t_{p}, static_cast<{CTYPES[value.dtype].total}>({element}));"
        for i in outputs:
            place = program.outputs[i]
            at = f"q{i}.at[k]" if width > 1 else f"r{program.inputs + i}[{self._along(program.inputs + i)}]"
            yield f"{at} = {stored(name_of(program, place, {}), program.values[place].dtype)};"

    def _along(self, operand: int) -> str:
        step = self.rows.along[operand]
        return {0: "0", 1: "j"}.get(step, f"j * t{operand}")


def _length(total: str) -> str:
    """Return the length of a row in the type of a total."""
    part = total.removeprefix("kb_complex<").removesuffix(">")
    return f"({part})d" if part == total else f"{total}{{({part})d, 0}}"


def _start(value: Value) -> str:
    """Return what a reduction of no elements gives."""
    ctype = CTYPES[value.dtype]
    if ctype.kind == "complex":
        return f"{ctype.total}{{{'1' if value.op == 'prod' else '0'}, 0}}"
    if value.op in ("sum", "mean", "prod"):
        return "1" if value.op == "prod" else "0"
    if ctype.kind == "float":
        return f"{'-' if value.op == 'max' else ''}kb_infinity<{ctype.total}>()"
    return _extreme(value, ctype.kind, bits(value.dtype))


def _extreme(value: Value, kind: str, width: int) -> str:
    if kind == "uint":
        return "0" if value.op == "max" else f"{2**width - 1}ull"
    low = f"(-{2 ** (width - 1) - 1}ll - 1)"
    return low if value.op == "max" else f"{2 ** (width - 1) - 1}ll"
