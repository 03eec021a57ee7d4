"""A whole suite run on one engine, and the report of it: counts by tier, failures, skips, as JSON and Markdown."""

from __future__ import annotations

import datetime
import platform
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kbplug import __version__, plugins
from kbplug.engine import API, Engine
from kbplug.testing import exceptions
from kbplug.testing.suites import v1
from kbplug.testing.suites.case import CLAIMABLE, EXCEPTED, FAILED, SKIPPED, STATUSES, Case, Outcome, run
from kbplug.testing.suites.packaging import GATES

Told = Callable[[Outcome], None]


@dataclass(frozen=True)
class Report:
    """What came of a suite.

    Parameters
    ----------
    engine
        The engine's name.
    outcomes
        One for each case that was run.
    waiting
        How many cases were not run, since the plugin is not complete or the engine cannot run here.
    versions, devices
        What ran.
    """

    engine: str
    outcomes: tuple[Outcome, ...]
    waiting: int
    versions: dict[str, str]
    devices: tuple[str, ...]

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The outcomes that make the suite red."""
        return tuple(found for found in self.outcomes if found.status == FAILED)

    @property
    def ok(self) -> bool:
        """Whether every case was run and none failed."""
        return not self.failures and not self.waiting

    @property
    def claims(self) -> tuple[str, ...]:
        """The capabilities that are not promised although every case that needs them passes."""
        return claims((found.detail, found.status) for found in self.outcomes)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the number of outcomes of each status by tier."""
        tiers = (*v1.TIERS, exceptions.ELSEWHERE)
        found = {tier: Counter(o.status for o in self.outcomes if o.case.tier == tier) for tier in tiers}
        return {tier: {status: counter[status] for status in STATUSES} for tier, counter in found.items() if counter}

    def data(self) -> dict[str, Any]:
        """Return the report as JSON has it."""
        return {
            "engine": self.engine,
            "suite": v1.NAME,
            "ok": self.ok,
            "versions": self.versions,
            "devices": list(self.devices),
            "counts": self.counts(),
            "waiting": self.waiting,
            "failed": {o.case.id: o.detail for o in self.failures},
            "excepted": {o.case.id: o.detail for o in self.outcomes if o.status == EXCEPTED},
            "skipped": dict(Counter(o.detail for o in self.outcomes if o.status == SKIPPED)),
            "claimable": list(self.claims),
            "seconds": round(sum(o.seconds for o in self.outcomes), 1),
        }

    def markdown(self) -> str:
        """Return the report as a page."""
        return "\n".join(_page(self.data())) + "\n"


def claims(found: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return from pairs of detail and status the needs that no failure speaks against."""
    works: set[str] = set()
    fails: set[str] = set()
    for detail, status in found:
        if " is not promised" in detail and status in (CLAIMABLE, SKIPPED):
            (works if status == CLAIMABLE else fails).add(detail.partition(" is not promised")[0])
    return tuple(sorted(works - fails))


def _page(data: dict[str, Any]) -> Iterator[str]:
    yield f"# Conformance of {data['engine']}: {'passed' if data['ok'] else 'not passed'}\n"
    yield f"Suite {data['suite']} in {data['seconds']} s on {', '.join(data['devices']) or 'no device'}:"
    yield ", ".join(f"{name} {version}" for name, version in data["versions"].items()) + ".\n"
    yield f"| tier | {' | '.join(STATUSES)} |\n| --- |{' ---: |' * len(STATUSES)}"
    for tier, counts in data["counts"].items():
        yield f"| {tier} | {' | '.join(str(counts[status]) for status in STATUSES)} |"
    if data["waiting"]:
        yield f"\n{data['waiting']} cases were not run: they wait for the tier packaging."
    for title, listed in (("Failed", data["failed"]), ("Known exceptions", data["excepted"])):
        if listed:
            yield f"\n## {title}\n"
            yield from (f"- `{id}`: {detail}" for id, detail in listed.items())
    if data["skipped"]:
        yield "\n## Skipped\n"
        yield from (f"- {count} cases: {reason}" for reason, count in sorted(data["skipped"].items()))
    if data["claimable"]:
        yield f"\nNot promised, but every case passes: {', '.join(data['claimable'])}."


def certify(target: str | Engine, told: Told = lambda outcome: None, cases: Sequence[Case] | None = None) -> Report:
    """Run the suite and return the report.

    Parameters
    ----------
    target
        The name of an installed engine; or an engine, whose packaging is then not looked at.
    told
        Called with each outcome as it comes.
    cases
        Those to run; all by default.
    """
    name = target if isinstance(target, str) else target.name
    listed = v1.cases() if cases is None else cases
    known = exceptions.of_engine(name) if isinstance(target, str) else {}
    outcomes = [_stale(id, known[id]) for id in exceptions.stale(known, (case.id for case in v1.cases()))]
    packaging = [case for case in listed if case.tier == "packaging"] if isinstance(target, str) else []
    rest = [case for case in listed if case.tier != "packaging"]
    for case in packaging:
        outcomes.append(run(case, name, known))
        told(outcomes[-1])
        if outcomes[-1].status == FAILED and case.id in GATES:
            break
    ready = not any(o.status == FAILED for o in outcomes if o.case.tier == "packaging")
    engine = plugins.engine(target) if ready else None
    for case in rest if engine else ():
        outcomes.append(run(case, engine, known))  # type: ignore[arg-type]
        told(outcomes[-1])
    probe = engine.probe() if engine else None
    versions = {"kbplug": __version__, "engine API": API, "Python": platform.python_version()}
    versions.update(probe.versions if probe else {})
    versions["on"] = datetime.datetime.now(datetime.UTC).date().isoformat()
    return Report(name, tuple(outcomes), 0 if engine else len(rest), versions, tuple(probe.devices if probe else ()))


def _stale(id: str, reason: str) -> Outcome:
    def check(target: Any) -> None:
        raise AssertionError

    case = Case(id, check)
    return Outcome(case, FAILED, f"This exception names no case; take it out of {exceptions.FILE}: {reason}")
