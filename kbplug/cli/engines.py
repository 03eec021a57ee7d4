"""``kbplug engines``: what is installed and in what state, without importing any of it."""

from __future__ import annotations

import argparse
from typing import Any

from kbplug.cli import output


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser("engines", help="list the engines, without importing them")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List the engines."""
    from kbplug.config import settings
    from kbplug.errors import EngineError
    from kbplug.plugins.registry import KNOWN, engines, select

    infos, selected = engines(), settings().backend
    missing = {name: dist for name, dist in KNOWN.items() if all(info.name != name for info in infos)}
    if arguments.json:
        output.as_json({"selected": selected, "engines": infos, "not_installed": missing})
        return 0
    output.table(
        ("", "engine", "kind", "devices", "from", "status"),
        [
            (
                "*" if selected in (info.name, f"{info.dist}::{info.name}") else "",
                info.name,
                info.manifest.kind if info.manifest else "",
                ", ".join(info.manifest.devices) if info.manifest else "",
                "built in" if info.dist == "kbplug" else f"{info.dist} {info.version}",
                info.status,
            )
            for info in infos
        ],
    )
    for info in infos:
        if info.cause:
            output.line(f"\n{info.name}: {info.cause}")
    try:
        select(selected, settings().origin("backend"))
    except EngineError as cause:
        output.line(f"\n{cause}", style="red")
    if missing:
        output.line(f"\nAlso for kbplug: {', '.join(missing)} (pip install kbplug-NAME).", style="dim")
    return 0
