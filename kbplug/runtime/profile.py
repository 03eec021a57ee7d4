"""What was measured of a compiled function, node by node, as rows, a table and a picture. It measures nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kbplug.errors import ArgumentError
from kbplug.graph.op import Specs
from kbplug.graph.spec import Spec

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class Limits:
    """What the machine was measured to do.

    Attributes
    ----------
    operations
        Per second, in a product of large float32 matrices.
    bytes
        Per second, in additions of arrays that fit no cache, read and written.
    """

    operations: float
    bytes: float


@dataclass(frozen=True)
class Row:
    """One node, or one fused region.

    Attributes
    ----------
    op
        The op's name.
    inside
        The ops of a fused region.
    where
        The line that built it.
    spec
        What it returned in this call: the sizes are known.
    seconds
        Its median time.
    operations, bytes
        By the formulas of ``kbplug.runtime.costs``; None where there is none.
    share
        The time that the machine's limits allow as a part of the time it took: 1 is as fast as can be. None where the
        formulas tell nothing.
    """

    op: str
    inside: tuple[str, ...]
    where: str
    spec: Specs
    seconds: float
    operations: int | None
    bytes: int | None
    share: float | None


@dataclass(frozen=True)
class Profile:
    """What a call costs; printed, it is a table of the slowest rows.

    Attributes
    ----------
    name, engine
        Of the function, and of what ran it.
    rows
        In the order in which they ran.
    seconds
        The median time of the whole as it runs when it is called, or None where it writes over the values of its
        variables. An engine that compiles functions, or runs a batch in parts, may need less than all rows together.
    limits
        What the machine can do.
    """

    name: str
    engine: str
    rows: tuple[Row, ...]
    seconds: float | None
    limits: Limits

    def slowest(self, count: int = 20) -> tuple[Row, ...]:
        """Return the rows that took longest, the longest first."""
        return tuple(sorted(self.rows, key=lambda row: -row.seconds)[:count])

    def __rich__(self) -> Table:
        from rich.table import Table

        total = sum(row.seconds for row in self.rows)
        limits = f"{self.limits.operations / 1e9:.0f} Gop/s, {self.limits.bytes / 1e9:.0f} GB/s"
        whole = "" if self.seconds is None else f", {_ms(self.seconds)} ms as it is called"
        table = Table(title=f"{self.name} on {self.engine}: {_ms(total)} ms op by op{whole}; limits {limits}")
        for column in ("op", "result", "built at"):
            table.add_column(column, overflow="fold")
        for column in ("ms", "% of time", "Mop", "MB", "% of limit"):
            table.add_column(column, justify="right", no_wrap=True)
        for row in self.slowest():
            table.add_row(*_cells(row, total))
        if len(self.rows) > 20:
            rest = sum(row.seconds for row in self.rows) - sum(row.seconds for row in self.slowest())
            table.add_row(f"{len(self.rows) - 20} others", "", "", _ms(rest), _percent(rest / total), "", "", "")
        return table

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(width=120, highlight=False)
        with console.capture() as captured:
            console.print(self.__rich__())
        return captured.get().rstrip("\n")

    def plot(self, path: str | Path) -> None:
        """Write a picture: the time of the slowest rows, and their rates under the machine's roofline.

        Parameters
        ----------
        path
            Its file; the ending says the kind, as ``.png`` or ``.svg``.

        Raises
        ------
        ArgumentError
            If matplotlib is not installed.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ArgumentError(
                "Profile.plot draws with matplotlib, which is not installed; run pip install kbplug[plot]."
            ) from error
        figure = Figure(figsize=(12, 5), layout="constrained")
        bars, roof = figure.subplots(1, 2)
        _draw_times(bars, self.slowest(10))
        _draw_roof(roof, self)
        figure.savefig(path)


def _cells(row: Row, total: float) -> Iterator[str]:
    yield f"{row.op}: {', '.join(row.inside)}" if row.inside else row.op
    yield str(row.spec) if isinstance(row.spec, Spec) else ", ".join(map(str, row.spec))
    yield Path(row.where).name
    yield _ms(row.seconds)
    yield _percent(row.seconds / total)
    yield "" if row.operations is None else f"{row.operations / 1e6:.2f}"
    yield "" if row.bytes is None else f"{row.bytes / 1e6:.2f}"
    yield "" if row.share is None else _percent(row.share)


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.3f}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"


def _draw_times(axes: Any, rows: Sequence[Row]) -> None:
    axes.barh(range(len(rows)), [row.seconds * 1e3 for row in rows])
    axes.set(xlabel="milliseconds", yticks=range(len(rows)))
    axes.set_yticklabels([f"{row.op} {Path(row.where).name}" for row in rows])
    axes.invert_yaxis()


def _draw_roof(axes: Any, profile: Profile) -> None:
    """Draw operations per second over operations per byte: Williams, Waterman and Patterson, 2009."""
    limits = profile.limits
    ridge = limits.operations / limits.bytes
    places = sorted([1e-2, ridge, 1e3])
    axes.loglog(places, [min(limits.operations, x * limits.bytes) / 1e9 for x in places], color="black")
    for row in profile.slowest(10):
        if row.operations and row.bytes:
            at = row.operations / row.bytes, row.operations / row.seconds / 1e9
            axes.loglog(*at, "o")
            axes.annotate(row.op, at, fontsize=7)
    axes.set(xlabel="operations per byte", ylabel="10⁹ operations per second", title="under the machine's limits")
