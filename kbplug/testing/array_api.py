"""The tests of data-apis/array-api-tests, run from a checkout on ``kbplug.array_api`` over one engine, as outcomes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

from kbplug.engine import STANDARD_DTYPES, Engine
from kbplug.errors import ArgumentError
from kbplug.testing.exceptions import ELSEWHERE
from kbplug.testing.suites.case import EXCEPTED, FAILED, PASSED, SKIPPED, Case, Outcome

EXAMPLES = 20
"""How many examples a test tries."""


def outcomes(engine: Engine, checkout: Path, exceptions: Mapping[str, str], examples: int = EXAMPLES) -> list[Outcome]:
    """Run the checkout's tests and return an outcome for each.

    Parameters
    ----------
    engine
        An installed engine: it runs in a process of its own.
    checkout
        Where the tests are, with their submodule.
    exceptions
        Id to reason of the tests that are known to fail.
    examples
        How many examples a test tries.

    Raises
    ------
    ArgumentError
        If the tests cannot be run from there.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider", "-W", "ignore"]
        command += ["--max-examples", str(examples), "--derandomize", "--disable-deadline"]
        command += [f"--rootdir={checkout}", f"--junitxml={report}", "array_api_tests/"]
        try:
            done = subprocess.run(command, cwd=checkout, env=_variables(engine), capture_output=True, text=True)  # noqa: PLW1510
        except OSError as cause:
            raise ArgumentError(f"{checkout} is no checkout of array-api-tests: {cause}.") from cause
        if done.returncode not in (0, 1) or not report.exists():  # 1: some tests failed
            last = (done.stdout + done.stderr).strip().splitlines()[-1:]
            raise ArgumentError(f"The tests in {checkout} do not run: {' '.join(last)}")
        return list(_read(report, exceptions))


def _variables(engine: Engine) -> dict[str, str]:
    lacking = STANDARD_DTYPES - engine.capabilities.dtypes
    own = {
        "ARRAY_API_TESTS_MODULE": "kbplug.array_api",
        "ARRAY_API_TESTS_SKIP_DTYPES": ",".join(sorted(lacking)),
        "KBPLUG_BACKEND": engine.name,
    }
    return {**os.environ, **own}


def _read(report: Path, exceptions: Mapping[str, str]) -> Iterator[Outcome]:
    for test in ElementTree.parse(report).iter("testcase"):
        fault = next((part for part in test if part.tag in ("failure", "error")), None)
        skip = test.find("skipped")
        id, seconds = f"{ELSEWHERE}/{_name(test)}", float(test.get("time", 0))
        case = Case(id, _elsewhere)
        if fault is not None:
            why = fault.get("message", "").partition("\n")[0]
            status, detail = (EXCEPTED, exceptions[id]) if id in exceptions else (FAILED, why)
        elif skip is not None:
            status, detail = SKIPPED, skip.get("message", "").partition("\n")[0]
        elif id in exceptions:
            status, detail = FAILED, f"It passes, but stands among the exceptions: {exceptions[id]}"
        else:
            status, detail = PASSED, ""
        yield Outcome(case, status, detail, seconds)


def _name(test: ElementTree.Element) -> str:
    """Return a test's id as pytest takes it, without the folder."""
    _, module, *classes = test.get("classname", "").split(".")
    return "::".join([f"{module}.py", *classes, test.get("name", "")])


def _elsewhere(target: object) -> None:
    """Stand for a test that a process of its own has run."""
