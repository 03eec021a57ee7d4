"""What to launch for given operands: shapes of results, the kernel that fits, its grid and numbers. Knows no device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kbplug.graph.spec import broadcast
from kbplug_cupy.codegen import elementwise as elements
from kbplug_cupy.codegen import reduction as rows_of
from kbplug_cupy.codegen.kernel import THREADS, Kernel
from kbplug_cupy.codegen.layout import MisfitError, Place, lay_out
from kbplug_cupy.codegen.program import CONSTANT, Program, Value

Shape = tuple[int, ...]

BLOCKS = 8
"""Blocks of a grid for each multiprocessor, beyond which threads take several elements."""

FEW_ROWS, LONG_ROW = 32, 1 << 15
"""Fewer rows that are longer leave most of a device idle: one block takes a row."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A kernel with its grid.

    Parameters
    ----------
    kernel
        What to run.
    numbers
        What it takes after its arrays, of type ``int`` or ``long long`` as the kernel says.
    grid, block
        How many blocks, and threads of each, in x and y.
    """

    kernel: Kernel
    numbers: tuple[int, ...]
    grid: tuple[int, int]
    block: tuple[int, int]


def result_shapes(program: Program, shapes: Sequence[Shape]) -> list[Shape]:
    """Return the shapes of a program's results.

    Raises
    ------
    MisfitError
        If operands do not broadcast together, or a maximum is taken over nothing.
    """
    found: list[Shape] = list(shapes)
    for value in program.values[len(shapes) :]:
        found.append(_shape(value, [found[o] for o in value.operands]))
    return [found[p] for p in program.outputs]


def _shape(value: Value, operands: Sequence[Shape]) -> Shape:
    if value.op == CONSTANT:
        return ()
    if not value.reduces:
        sizes: Shape = broadcast(*operands)  # type: ignore[assignment]  # no size is unknown here
        return sizes
    shape = operands[0]
    if value.op in ("max", "min") and shape[-1] == 0:
        raise MisfitError(f"{value.op} over no elements has no value; the shape is {shape}.")
    return (*shape[:-1], 1)


def row_length(shapes: Sequence[Shape]) -> int:
    """Return the size of the dimension that is reduced; 1 if every operand has one element per row.

    Raises
    ------
    MisfitError
        If there are two.
    """
    lengths = {s[-1] for s in shapes if s and s[-1] != 1}
    if len(lengths) > 1:
        raise MisfitError(f"Rows of {' and '.join(map(str, sorted(lengths)))} elements stand in one region.")
    return lengths.pop() if lengths else 1


def launch(program: Program, places: Sequence[Place], *, aliased: bool = False, processors: int = 64) -> Launch | None:
    """Return what computes a program, or None if there is nothing to compute.

    Parameters
    ----------
    program
        The region.
    places
        Where its operands and then its results lie.
    aliased
        Whether a result is written over an operand.
    processors
        How many multiprocessors the device has.

    Raises
    ------
    MisfitError
        If no one kernel computes it well.
    """
    results = [p.shape for p in places[program.inputs :]]
    if program.reduces or len(set(results)) > 1:  # a result may have one element for each row
        return _by_rows(program, places, aliased, processors)
    if 0 in results[0]:
        return None
    layout = lay_out(results[0], places)
    numbers = elements.numbers(layout)
    work = -(-numbers[0] // layout.width)
    blocks = min(-(-work // THREADS), processors * BLOCKS)
    kernel = elements.elementwise(program, layout, aliased=aliased)
    return Launch(kernel, tuple(numbers), (blocks, 1), (THREADS, 1))


def _by_rows(program: Program, places: Sequence[Place], aliased: bool, processors: int) -> Launch | None:
    leading = places[program.inputs].shape[:-1]
    length = row_length([p.shape for p in places])
    rows = rows_of.lay_out_rows(leading, length, places, len(program.outputs))
    if rows.count == 0 or all(0 in p.shape for p in places[program.inputs :]):
        return None
    if rows.count < FEW_ROWS and length > LONG_ROW:
        raise MisfitError(f"{rows.count} rows of {length} elements would leave most of a device idle.")
    per_block = rows_of.ROWS if rows.threads == rows_of.WARP else 1
    blocks = min(-(-rows.count // per_block), processors * BLOCKS * 2)
    kernel = rows_of.reduction(program, rows, aliased=aliased)
    return Launch(kernel, tuple(rows_of.numbers(rows)), (blocks, 1), (rows.threads, per_block))


__all__ = ["Launch", "launch", "result_shapes", "row_length"]
