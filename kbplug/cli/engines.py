"""``kbplug engines``: what is installed and in what state, without importing any of it into this process."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from kbplug.cli import output

if TYPE_CHECKING:
    from kbplug.plugins import EngineInfo


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser("engines", help="list the engines, without importing them")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--devices",
        action="store_true",
        help="load each engine in a process of its own and list the devices here",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List the engines."""
    from kbplug.config import settings
    from kbplug.errors import EngineError
    from kbplug.plugins.registry import KNOWN, engines, select

    infos, selected = engines(), settings().backend
    devices = _here() if arguments.devices else {info.value: _possible(info) for info in infos}
    missing = {name: dist for name, dist in KNOWN.items() if all(info.name != name for info in infos)}
    if arguments.json:
        listed = [{**output.plain(info), "devices": devices[info.value]} for info in infos]
        output.as_json({"selected": selected, "engines": listed, "not_installed": missing})
        return 0
    output.table(
        ("", "engine", "kind", "devices", "from", "status"),
        [
            (
                "*" if selected in (info.name, f"{info.dist}::{info.name}") else "",
                info.name,
                info.manifest.kind if info.manifest else "",
                ", ".join(devices[info.value]),
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


def _possible(info: EngineInfo) -> tuple[str, ...]:
    """Return the kinds of devices that an engine can have anywhere."""
    if info.manifest:
        return info.manifest.devices
    return ("cpu",) if info.dist == "kbplug" else ()


def _here() -> dict[str, tuple[str, ...]]:
    """Return the devices that each engine has on this machine; none where it cannot run."""
    from kbplug.plugins.doctor import doctor

    return {found.info.value: found.probe.devices for found in doctor().engines}
