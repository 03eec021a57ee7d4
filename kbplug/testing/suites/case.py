"""One thing an engine must do, and what came of asking it. Knows capabilities and exceptions, no op and no engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kbplug.engine import Capabilities, Engine

PASSED = "passed"
FAILED = "failed"
SKIPPED = "skipped"
CLAIMABLE = "claimable"
EXCEPTED = "excepted"
STATUSES = (PASSED, FAILED, SKIPPED, CLAIMABLE, EXCEPTED)

BEHAVIOURS = ("linalg", "fft", "data_dependent_shapes", "thread_safe")
"""The capabilities that are yes or no; every other need is a dtype."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing an engine must do.

    Parameters
    ----------
    id
        ``tier/what``, the same for every engine and every release of the suite.
    check
        Called with the engine; in the tier ``packaging``, with its name. It raises, or returns nothing.
    needs
        The capabilities it takes: dtypes, and names of ``BEHAVIOURS``.
    frozen
        Whether the released suite holds it; a failure of one that it does not is only pointed out.
    """

    id: str
    check: Callable[[Any], None]
    needs: frozenset[str] = frozenset()
    frozen: bool = True

    @property
    def tier(self) -> str:
        """What stands before the first slash of the id."""
        return self.id.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one case.

    Parameters
    ----------
    case
        The case.
    status
        ``passed``; ``failed``; ``skipped``: it needs what is not promised, and fails; ``claimable``: it needs that
        and passes; ``excepted``: it fails as the plugin's list of exceptions says.
    detail
        One sentence; empty when it passed.
    seconds
        How long it took.
    error
        What was raised.
    """

    case: Case
    status: str
    detail: str = ""
    seconds: float = 0.0
    error: BaseException | None = None


def lacking(needs: frozenset[str], promised: Capabilities) -> tuple[str, ...]:
    """Return those of ``needs`` that are not promised."""
    return tuple(sorted(n for n in needs if not (getattr(promised, n) if n in BEHAVIOURS else n in promised.dtypes)))


def run(case: Case, target: Engine | str, exceptions: Mapping[str, str]) -> Outcome:
    """Ask ``target`` for one case.

    Parameters
    ----------
    case
        What to ask.
    target
        The engine; in the tier ``packaging``, its name.
    exceptions
        Id to reason of the cases that are known to fail; one that passes all the same has failed.
    """
    missing = lacking(case.needs, target.capabilities) if isinstance(target, Engine) else ()
    begin = time.perf_counter()
    error: Exception | None = None
    try:
        case.check(target)
    except Exception as caught:  # noqa: BLE001 -- whatever an array library raises is what the engine did wrong
        error = caught
    status, detail = _judged(case, error, missing, exceptions.get(case.id))
    return Outcome(case, status, detail, time.perf_counter() - begin, error)


def _judged(case: Case, error: Exception | None, missing: tuple[str, ...], excuse: str | None) -> tuple[str, str]:
    if missing:
        words = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not promised"
        return (SKIPPED, words) if error else (CLAIMABLE, f"{words}, but works")
    if excuse is not None:
        return (EXCEPTED, excuse) if error else (FAILED, f"It passes, but stands among the exceptions: {excuse}")
    if error is None:
        return PASSED, ""
    if not case.frozen:
        return SKIPPED, f"It is new and no part of this suite yet, and fails: {sentence(error)}"
    return FAILED, sentence(error)


def sentence(error: BaseException) -> str:
    """Return the first line of an error, with its kind unless it is an assertion."""
    text = next(iter(str(error).strip().splitlines()), "")
    return text if isinstance(error, AssertionError) and text else f"{type(error).__name__}: {text}"
