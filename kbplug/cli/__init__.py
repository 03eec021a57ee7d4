"""The command ``kbplug``: one module per subcommand, each with ``add(subparsers)``; rich is imported only to print."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from kbplug.errors import KbplugError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0, 1 for what it found wrong, 2 for a call it cannot mean."""
    parser = _parser()
    parsed = parser.parse_args(arguments)
    if "run" not in parsed:
        parser.print_help(sys.stderr)
        return 2
    try:
        status: int = parsed.run(parsed)
        sys.stdout.flush()
    except KbplugError as error:
        print(f"kbplug: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read has seen enough, as `head` does; nothing more is to be written at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    from kbplug import __version__
    from kbplug.cli import check, config, demo, doctor, engines, new_engine, ops

    parser = argparse.ArgumentParser("kbplug", description="Write tensor code once; choose the engine that runs it.")
    parser.add_argument("--version", action="version", version=f"kbplug {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in (demo, engines, doctor, config, ops, check, new_engine):
        command.add(subparsers)
    return parser
