"""A page of tables for the documents, with the machine and the day on which they were made."""

from __future__ import annotations

import datetime
import os
import platform
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).parents[2] / "docs" / "results"


def markdown(columns, lines):
    """Yield a table's lines."""
    yield f"| {' | '.join(columns)} |"
    yield f"|{' --- |' * len(columns)}"
    for cells in lines:
        yield f"| {' | '.join(cells)} |"


def show(tables):
    """Print tables: columns to rows of cells."""
    for columns, lines in tables.items():
        table = Table(*columns)
        for cells in lines:
            table.add_row(*cells)
        Console().print(table)


def write(name, title, command, about, tables):
    """Write a page of the results; ``about`` says what was measured."""
    lines = [f"# {title}\n", *about.strip().splitlines(), "", f"`{command}` made this page on {machine()}."]
    for columns, cells in tables.items():
        lines += ["", *markdown(columns, cells)]
    FOLDER.joinpath(f"{name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def machine():
    """Return the day, the processors and the versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}"
    return f"{datetime.date.today()}: {platform.machine()}, {cores} cores, {versions}"
