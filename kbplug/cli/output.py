"""How the commands print: a table for people, JSON for programs. And which files they may write."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

PIPE = 100_000
"""Columns where nobody looks: nothing is cut off or wrapped."""

STYLES = {
    "loaded": "green",
    "ready to load": "green",
    "ok": "green",
    "broken": "red",
    "conflict": "red",
    "incompatible": "red",
    "blocked": "yellow",
    "untrusted": "yellow",
}


def console() -> Console:
    """Return a console on standard output: as wide as a terminal, and wide enough for anything in a pipe."""
    from rich.console import Console

    return Console(highlight=False, markup=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPE)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under column titles; a cell that names a state is coloured, and none is cut off."""
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    console().print(grid, soft_wrap=False)


def line(text: str = "", style: str = "") -> None:
    """Print one line."""
    console().print(text, style=style)


def new_file(text: str) -> Path:
    """Return where a command is to write: tried before its work begins, which may take minutes."""
    file = Path(text)
    if file.is_dir() or not file.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is no place for a file; name one in a directory that exists")
    return file


def as_json(value: Any) -> None:
    """Print ``value`` as JSON."""
    print(json.dumps(value, indent=2, default=plain, ensure_ascii=False))


def plain(value: Any) -> Any:
    """Return what JSON has for a dataclass, a mapping or a set."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset):
        return sorted(value)
    return str(value)
