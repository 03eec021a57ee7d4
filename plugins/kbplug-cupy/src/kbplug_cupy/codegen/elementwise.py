"""An elementwise region as one kernel: every thread takes elements, several at once where memory allows it."""

from __future__ import annotations

from collections.abc import Iterator

from kbplug_cupy.codegen.kernel import (
    UNNAMED,
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
from kbplug_cupy.codegen.layout import Layout
from kbplug_cupy.codegen.program import INPUT, Program, below
from kbplug_cupy.codegen.types import CTYPES


def elementwise(program: Program, layout: Layout, *, aliased: bool = False) -> Kernel:
    """Return the kernel of a region without reductions.

    Its numbers are: how many elements, the merged sizes but the first, and the strides that are not 0 of each operand
    that is strided; see ``numbers``.

    Parameters
    ----------
    program
        The region.
    layout
        How operands and then results lie.
    aliased
        Whether a result is written over an operand.
    """
    kind = index_type(layout.wide)
    parameters = [*pointers(program, aliased), *((f"const {kind}", name) for name in _names(layout))]
    lines = [
        *_element(program),
        *signature(parameters),
        *indented(_body(program, layout, kind)),
        "}",
    ]
    return finish("elementwise", lines, [t for t, _ in parameters])


def numbers(layout: Layout) -> list[int]:
    """Return what the kernel takes after its arrays."""
    total = 1
    for size in layout.sizes:
        total *= size
    strides = (s for own, kind in zip(layout.strides, layout.classes, strict=True) if kind == "strided" for s in own)
    return [total, *layout.sizes[1:], *(s for s in strides if s)]


def _names(layout: Layout) -> Iterator[str]:
    yield "n"
    yield from (f"n{i}" for i in range(1, len(layout.sizes)))
    for operand, (own, kind) in enumerate(zip(layout.strides, layout.classes, strict=True)):
        if kind == "strided":
            yield from (f"s{operand}_{i}" for i, s in enumerate(own) if s)


def _element(program: Program) -> Iterator[str]:
    """Yield the function of one element."""
    taken = [f"const {CTYPES[v.dtype].computed} v{i}" for i, v in enumerate(program.values[: program.inputs])]
    given = [f"{CTYPES[program.values[p].dtype].computed}& y{i}" for i, p in enumerate(program.outputs)]
    yield f"KB_FUNCTION void {UNNAMED}_element({', '.join([*taken, *given])}) {{"
    places = [p for p in below(program, program.outputs) if program.values[p].op != INPUT]
    yield from indented(statements(program, places, {}))
    yield from indented(f"y{i} = {name_of(program, p, {})};" for i, p in enumerate(program.outputs))
    yield "}"
    yield ""


def _body(program: Program, layout: Layout, kind: str) -> Iterator[str]:
    yield f"const {kind} first = ({kind})blockIdx.x * blockDim.x + threadIdx.x, step = ({kind})gridDim.x * blockDim.x;"
    for i, own in enumerate(layout.classes[: program.inputs]):
        if own == "one":
            yield f"const auto x{i} = kb_value(a{i}[0]);"
    if layout.width > 1:
        width = layout.width
        yield f"for ({kind} p = first; p < n / {width}; p += step) {{"
        yield from indented(_packed(program, layout, kind))
        yield "}"
    start = f"n / {layout.width} * {layout.width} + first" if layout.width > 1 else "first"
    yield f"for ({kind} i = {start}; i < n; i += step) {{"
    yield from indented(_single(program, layout, kind))
    yield "}"


def _offsets(layout: Layout, kind: str) -> Iterator[str]:
    """Yield lines that find ``o0``, … of the strided operands from ``i``."""
    classes = layout.classes
    if "strided" in classes:
        count = len(layout.sizes)
        yield from coordinates("i", kind, count)
        for operand, (own, what) in enumerate(zip(layout.strides, classes, strict=True)):
            if what == "strided":
                yield f"const {kind} o{operand} = {offset(f's{operand}', own, [f'c{i}' for i in range(count)])};"


def _at(layout: Layout, operand: int) -> str:
    return {"one": "0", "flat": "i", "strided": f"o{operand}"}[layout.classes[operand]]


def _call(program: Program, taken: list[str]) -> Iterator[str]:
    """Yield lines that compute ``y0``, … of one element."""
    for i, place in enumerate(program.outputs):
        yield f"{CTYPES[program.values[place].dtype].computed} y{i};"
    given = [f"y{i}" for i in range(len(program.outputs))]
    yield f"{UNNAMED}_element({', '.join([*taken, *given])});"


def _single(program: Program, layout: Layout, kind: str) -> Iterator[str]:
    yield from _offsets(layout, kind)
    taken = [
        f"x{i}" if layout.classes[i] == "one" else f"kb_value(a{i}[{_at(layout, i)}])" for i in range(program.inputs)
    ]
    yield from _call(program, taken)
    for i, place in enumerate(program.outputs):
        yield f"b{i}[{_at(layout, program.inputs + i)}] = {stored(f'y{i}', program.values[place].dtype)};"


def _packed(program: Program, layout: Layout, kind: str) -> Iterator[str]:
    yield f"const {kind} i = p * {layout.width};"
    yield from _offsets(layout, kind)
    taken = []
    for i in range(program.inputs):
        pack = f"kb_pack<{CTYPES[program.values[i].dtype].stored}, {layout.width}>"
        if layout.classes[i] == "one":
            taken.append(f"x{i}")
        elif layout.strides[i][-1] == 0:
            yield f"const auto x{i} = kb_value(a{i}[{_at(layout, i)}]);"
            taken.append(f"x{i}")
        else:
            yield f"const {pack} p{i} = *reinterpret_cast<const {pack}*>(a{i} + {_at(layout, i)});"
            taken.append(f"kb_value(p{i}.at[k])")
    packs = [f"kb_pack<{CTYPES[program.values[p].dtype].stored}, {layout.width}>" for p in program.outputs]
    yield from (f"{pack} q{i};" for i, pack in enumerate(packs))
    yield "#pragma unroll"
    yield f"for (int k = 0; k < {layout.width}; ++k) {{"
    yield from indented(_call(program, taken))
    for i, place in enumerate(program.outputs):
        yield f"  q{i}.at[k] = {stored(f'y{i}', program.values[place].dtype)};"
    yield "}"
    for i, pack in enumerate(packs):
        yield f"*reinterpret_cast<{pack}*>(b{i} + {_at(layout, program.inputs + i)}) = q{i};"
