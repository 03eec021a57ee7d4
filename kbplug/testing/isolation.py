"""The suite in a process of its own: a case that ends that process, or never ends, fails by name as any other does."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

from kbplug.testing import certificate
from kbplug.testing.certificate import Report, Told
from kbplug.testing.suites import v1
from kbplug.testing.suites.case import FAILED, Case, Outcome

LIMIT = 600.0
"""Seconds that one case may take."""


def certify(name: str, told: Told = lambda outcome: None, cases: Sequence[Case] | None = None) -> Report:
    """Run the suite on the installed engine ``name`` and return the report, whatever the engine does to its process.

    Parameters
    ----------
    name
        The engine's name.
    told
        Called with each outcome as it comes.
    cases
        Those to run, in the order of the suite; all by default.
    """
    left = list(v1.cases() if cases is None else cases)
    outcomes: list[Outcome] = []

    def tell(outcome: Outcome) -> None:
        outcomes.append(outcome)
        told(outcome)

    while True:
        before = len(outcomes)
        answer = _attempt(name, left, tell)
        if isinstance(answer, Report):
            return replace(answer, outcomes=(*outcomes[:before], *answer.outcomes))
        left = left[len(outcomes) - before :]
        tell(Outcome(left[0], FAILED, answer))
        if left.pop(0).tier == "packaging":
            return Report(name, tuple(outcomes), len(left), {}, ())


def _attempt(name: str, cases: Sequence[Case], tell: Told) -> Report | str:
    """Run ``cases`` in a new process; return the report, or how the process ended before it had one."""
    context = multiprocessing.get_context("spawn")  # nothing of this process's threads and libraries is in it
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(there, name, [case.id for case in cases]), daemon=True)
    process.start()
    there.close()
    try:
        while here.poll(LIMIT):
            answer: Outcome | Report = here.recv()
            if isinstance(answer, Report):
                return answer
            tell(answer)
    except EOFError:
        process.join()
        return _end(process.exitcode or 0)
    finally:
        process.kill()
        process.join()
        here.close()
    return f"It did not end within {LIMIT:.0f} seconds."


def _end(code: int) -> str:
    if code < 0:
        return f"It crashed the process: {signal.strsignal(-code) or f'signal {-code}'}."
    return f"It ended the process with exit code {code}."


def _serve(connection: Connection[Any, Any], name: str, ids: Sequence[str]) -> None:
    """Run the cases named, and send each outcome and then the report."""
    asked = set(ids)
    cases = [case for case in v1.cases() if case.id in asked]
    report = certificate.certify(name, lambda outcome: connection.send(_bare(outcome)), cases)
    connection.send(replace(report, outcomes=tuple(map(_bare, report.outcomes))))


def _bare(outcome: Outcome) -> Outcome:
    """Return an outcome without what cannot leave the process."""
    return replace(outcome, case=replace(outcome.case, check=_ran), error=None)


def _ran(target: Any) -> None:
    raise AssertionError("It was run in another process.")
