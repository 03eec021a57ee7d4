"""``kbplug new-engine``: writes the package of a new engine for its author to fill in."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser("new-engine", help="write the package of a new engine, to be filled in")
    parser.add_argument("name", metavar="NAME", help="what users will select")
    parser.add_argument("--path", type=Path, default=Path(), metavar="DIR", help="where kbplug-NAME is made (here)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the package and say what comes next."""
    from kbplug.cli import output
    from kbplug.testing import scaffold

    written = scaffold.write(arguments.name, arguments.path)
    for file in written:
        output.line(str(file))
    root = written[0].parent
    output.line(f"\nNext: cd {root} && pip install -e '.[test]' && pytest, which lists what is to do.", style="bold")
    return 0
