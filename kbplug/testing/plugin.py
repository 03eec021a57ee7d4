"""The suite as pytest items: ``-p kbplug.testing.plugin``, and a test module that imports a suite.

The engine is that of ``--kbplug-engine``, else of the ini line ``kbplug_engine``, else the one that the nearest
pyproject.toml above the test module publishes.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from kbplug.testing.suites.case import Case

KEY = "kbplug"
FIXTURE = "kbplug_case"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option and the ini line."""
    text = "the engine that kbplug's conformance suite asks; by default the one that pyproject.toml publishes"
    parser.getgroup("kbplug").addoption("--kbplug-engine", metavar="NAME", help=text)
    parser.addini("kbplug_engine", text)


def engine_name(config: pytest.Config, module: Path) -> str:
    """Return the name of the engine that a test module is about."""
    named = config.getoption("--kbplug-engine") or config.getini("kbplug_engine")
    if named:
        return str(named)
    for directory in module.parents:
        project = directory / "pyproject.toml"
        if project.is_file():
            published = _published(project)
            if len(published) == 1:
                return published[0]
            raise pytest.UsageError(f"{project} publishes {len(published)} engines; say which by --kbplug-engine NAME.")
    raise pytest.UsageError("kbplug's conformance suite does not know which engine it is about: --kbplug-engine NAME.")


def _published(project: Path) -> list[str]:
    data = tomllib.loads(project.read_text(encoding="utf-8")).get("project", {})
    return sorted(data.get("entry-points", {}).get("kbplug.engines", {}))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make an item of each case of the tier that a test function is named after."""
    if FIXTURE not in metafunc.fixturenames:
        return
    from kbplug.testing.suites import v1

    tier = metafunc.function.__name__.removeprefix("test_")
    name = engine_name(metafunc.config, metafunc.definition.path)
    found = [case for case in v1.cases() if case.tier == tier]
    ids = [case.id.partition("/")[2] for case in found]
    metafunc.parametrize(FIXTURE, [(name, case) for case in found], ids=ids, indirect=True, scope="function")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what waits for the packaging to be in order, and refuse exceptions that name no case."""
    asked = {name for item in items if (name := _engine_of(item))}
    for name in asked:
        _refuse_stale(name)
    waiting = [item for item in items if _waits(item)]
    if waiting:
        config.stash[_waiting] = len(waiting)
        config.hook.pytest_deselected(items=waiting)
        items[:] = [item for item in items if item not in set(waiting)]


_waiting = pytest.StashKey[int]()


def _refuse_stale(name: str) -> None:
    from kbplug.testing import exceptions
    from kbplug.testing.suites import v1

    stale = exceptions.stale(_exceptions(name), (case.id for case in v1.cases()))
    if stale:
        raise pytest.UsageError(f"{exceptions.FILE} of {name!r} names what is no case: {', '.join(stale)}.")


@functools.cache
def _exceptions(name: str) -> Any:
    from kbplug.testing import exceptions

    return exceptions.of_engine(name)


def _parameter(item: pytest.Item) -> tuple[str, Case] | None:
    callspec = getattr(item, "callspec", None)
    return callspec.params.get(FIXTURE) if callspec is not None else None


def _engine_of(item: pytest.Item) -> str:
    found = _parameter(item)
    return found[0] if found else ""


def _waits(item: pytest.Item) -> bool:
    """Say whether a case waits for others: every tier for the packaging, and that for its gates."""
    found = _parameter(item)
    if not found:
        return False
    failed, after = _open(found[0])
    return found[1].id in after if found[1].tier == "packaging" else bool(failed)


@functools.cache
def _open(name: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the cases of the packaging that fail, and those behind a gate that does."""
    from kbplug.testing.suites.case import FAILED, run
    from kbplug.testing.suites.packaging import GATES, cases

    failed: set[str] = set()
    after: set[str] = set()
    for case in cases():
        if failed & GATES:
            after.add(case.id)
        elif run(case, name, _exceptions(name)).status == FAILED:
            failed.add(case.id)
    return frozenset(failed), frozenset(after)


@pytest.fixture
def kbplug_case(request: pytest.FixtureRequest, record_property: Any) -> Any:
    """Return what asks the engine for one case."""
    from kbplug import plugins
    from kbplug.testing.suites.case import CLAIMABLE, EXCEPTED, FAILED, SKIPPED, run

    name, case = request.param

    def ask() -> None:
        target = name if case.tier == "packaging" else plugins.engine(name)
        found = run(case, target, _exceptions(name))
        if found.status == FAILED and found.error is not None and case.tier != "packaging":
            raise found.error
        if found.status == FAILED:
            pytest.fail(found.detail, pytrace=False)
        if found.status in (SKIPPED, CLAIMABLE):
            record_property(KEY, (found.detail, found.status))
        if found.status == SKIPPED:
            pytest.skip(found.detail)
        if found.status == EXCEPTED:
            pytest.xfail(found.detail)

    return ask


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the to-do list, and what could be promised but is not."""
    reports = [report for status in ("passed", "failed", "skipped") for report in terminalreporter.getreports(status)]
    to_do = [r for r in reports if r.failed and r.when == "call" and "::test_packaging[" in r.nodeid]
    if to_do:
        terminalreporter.section("to do")
        for number, text in enumerate(dict.fromkeys(r.longreprtext.strip() for r in to_do), start=1):
            terminalreporter.line(f"{number}. {text}")
    if waiting := config.stash.get(_waiting, 0):
        terminalreporter.line(f"{waiting} cases wait until that is done.")
    for name in _claims(reports):
        terminalreporter.line(f"{name} is not promised, but every case that needs it passes: you can claim it.")


def _claims(reports: list[Any]) -> Iterator[str]:
    ran = (r for r in reports if isinstance(r, pytest.TestReport))  # a file left out whole reports no test
    found: list[Any] = [value for report in ran for key, value in report.user_properties if key == KEY]
    if found:
        from kbplug.testing.certificate import claims

        yield from claims(found)
