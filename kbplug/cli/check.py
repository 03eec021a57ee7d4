"""``kbplug check``: puts an engine through the conformance suite, and writes reports."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kbplug.cli import output

if TYPE_CHECKING:
    from kbplug.testing.certificate import Report

SHOWN = 20


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser("check", help="put an engine through the conformance suite")
    parser.add_argument("name", metavar="NAME", help="the engine")
    parser.add_argument("--tier", action="append", metavar="TIER", help="only this part of the suite; may be repeated")
    parser.add_argument(
        "--array-api", type=Path, metavar="PATH", help="run the tests of a checkout of data-apis/array-api-tests too"
    )
    parser.add_argument("--json", type=output.new_file, metavar="FILE", help="write the report as JSON")
    parser.add_argument("--markdown", type=output.new_file, metavar="FILE", help="write the report as Markdown")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the suite; the status is 1 when a case fails or could not be run."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from kbplug.errors import ArgumentError, did_you_mean
    from kbplug.testing.isolation import certify
    from kbplug.testing.suites import v1

    for tier in arguments.tier or ():
        if tier not in v1.TIERS:
            raise ArgumentError(f"{tier!r} is no tier; they are {', '.join(v1.TIERS)}.{did_you_mean(tier, v1.TIERS)}")
    chosen = {"packaging", *(arguments.tier or v1.TIERS)}
    cases = [case for case in v1.cases() if case.tier in chosen]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=output.console(), transient=True) as progress:
        bar = progress.add_task(arguments.name, total=len(cases))
        report = certify(arguments.name, lambda _: progress.advance(bar), cases)
    if arguments.array_api and not report.waiting:
        report = _with_checkout(report, arguments.array_api)
    _print(report)
    if arguments.json:
        arguments.json.write_text(json.dumps(report.data(), indent=2) + "\n", encoding="utf-8")
    if arguments.markdown:
        arguments.markdown.write_text(report.markdown(), encoding="utf-8")
    return 0 if report.ok else 1


def _with_checkout(report: Report, checkout: Path) -> Report:
    from kbplug.plugins import engine
    from kbplug.testing import array_api, exceptions

    output.line(f"Running the tests in {checkout} ...", style="dim")
    found = array_api.outcomes(engine(report.engine), checkout, exceptions.of_engine(report.engine))
    return replace(report, outcomes=(*report.outcomes, *found))


def _print(report: Report) -> None:
    rows = [(tier, *(str(n) for n in counts.values())) for tier, counts in report.counts().items()]
    output.table(("tier", "passed", "failed", "skipped", "claimable", "excepted"), rows)
    if any(found.case.tier == "packaging" for found in report.failures):
        _print_to_do(report)
        return
    for found in report.failures[:SHOWN]:
        output.line(f"{found.case.id}: {found.detail}", style="red")
    if len(report.failures) > SHOWN:
        output.line(f"... and {len(report.failures) - SHOWN} more; --json FILE lists them all.", style="red")
    for name in report.claims:
        output.line(f"{name} is not promised, but every case that needs it passes: it can be claimed.", style="yellow")
    verdict = "passed" if report.ok else "not passed"
    output.line(f"\n{report.engine}: {verdict}", style="bold green" if report.ok else "bold red")


def _print_to_do(report: Report) -> None:
    """Print what is to be done before the rest of the suite can run; one thing may be why several cases fail."""
    output.line("\nTo do:", style="bold")
    for number, text in enumerate(dict.fromkeys(found.detail for found in report.failures), start=1):
        output.line(f"{number}. {text}", style="red")
    waiting = f"; {report.waiting} cases wait until that is done." if report.waiting else ""
    output.line(f"\n{report.engine}: not passed{waiting}", style="bold red")
