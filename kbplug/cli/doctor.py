"""``kbplug doctor``: tries every engine in a process of its own and says what is wrong."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from kbplug.cli import output

if TYPE_CHECKING:
    from kbplug.plugins.doctor import Diagnosis, Report


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser("doctor", help="try the engines, each in its own process, and say what is wrong")
    parser.add_argument("names", nargs="*", metavar="NAME", help="engines to try; all by default")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="how long one engine may take")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Report; the status is 1 when the selected engine, a named one or a check fails."""
    from kbplug.plugins.doctor import TIMEOUT, doctor

    report = doctor(arguments.names, arguments.timeout or TIMEOUT)
    if arguments.json:
        output.as_json({"ok": report.ok, **output.plain(report)})
    else:
        _print(report, with_details=bool(arguments.names))
    named_ok = all(found.probe.ok for found in report.engines) if arguments.names else True
    return 0 if report.ok and named_ok else 1


def _print(report: Report, with_details: bool) -> None:
    output.line(", ".join(f"{name} {version}" for name, version in report.versions.items()), style="bold")
    output.line(f"settings file {report.file}")
    for text in report.header:
        output.line(text)
    for name, value, origin in report.settings:
        if origin != "default":
            output.line(f"{name} = {value!r} from {origin}")
    output.line()
    if report.engines:
        output.table(("engine", "status", "devices", "versions", "seconds"), map(_row, report.engines))
    for found in report.engines:
        reason = found.probe.reason or found.info.cause
        if reason:
            output.line(f"\n{found.info.name} ({found.info.dist} {found.info.version}): {reason}")
        if with_details and found.details:
            output.line(found.details, style="dim")
    failed = [check for check in report.checks if not check.ok]
    output.line()
    for check in failed:
        output.line(f"failed: {check.name}. {check.advice}", style="red")
    output.line(f"checks: {len(report.checks) - len(failed)} passed, {len(failed)} failed")


def _row(found: Diagnosis) -> tuple[str, ...]:
    ready = found.info.status in ("ready to load", "loaded")
    return (
        found.info.name,
        "ok" if found.probe.ok else "broken" if ready else found.info.status,
        ", ".join(found.probe.devices),
        ", ".join(f"{name} {version}" for name, version in found.probe.versions.items()),
        f"{found.seconds:.1f}" if ready else "",
    )
