"""Examines every engine in a process of its own with a time limit; imports no plugin into this one."""

from __future__ import annotations

import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kbplug.config import environment_changes, normalise, settings
from kbplug.config.sources import path, variables
from kbplug.engine import API, Check, Probe
from kbplug.errors import EngineError, SettingsError
from kbplug.plugins import registry
from kbplug.plugins.probing import HOOK_PLUGINS
from kbplug.plugins.registry import LOADED, READY, EngineInfo, engines

TIMEOUT = 60.0
"""Seconds an engine may take to load and probe; TensorFlow on a cold disk needs twenty."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found out about one engine.

    Parameters
    ----------
    info
        What is known without importing it.
    probe
        What it says of itself, or why it says nothing.
    seconds
        How long that took.
    details
        The traceback, or the end of what the process wrote when it died.
    """

    info: EngineInfo
    probe: Probe
    seconds: float = 0.0
    details: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What ``kbplug doctor`` tells.

    Parameters
    ----------
    versions
        kbplug's, its engine API's, Python's and the platform's.
    file
        The settings file, or where it would be.
    settings
        Name, value and origin of each setting; empty when they cannot be resolved.
    engines
        One diagnosis per engine.
    checks
        What kbplug and the plugins looked at.
    header
        Lines that plugins add.
    """

    versions: Mapping[str, str]
    file: str
    settings: tuple[tuple[str, Any, str], ...]
    engines: tuple[Diagnosis, ...]
    checks: tuple[Check, ...]
    header: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether the selected engine can run and every check passed; another engine may be broken."""
        selected = {name: value for name, value, _ in self.settings}.get("backend")
        usable = [found.probe.ok for found in self.engines if selected in (found.info.name, _qualified(found.info))]
        return all(usable) and all(check.ok for check in self.checks)


def doctor(names: Iterable[str] | None = None, timeout: float = TIMEOUT) -> Report:
    """Return what works and what does not, and why.

    Parameters
    ----------
    names
        Engines to examine, as ``name`` or ``dist::name``; all of them by default.
    timeout
        Seconds for each engine, after which its process is ended.

    Raises
    ------
    EngineError
        If one of ``names`` is no engine.
    """
    versions = {
        "kbplug": _version(),
        "engine API": API,
        "Python": platform.python_version(),
        "platform": platform.platform(),
    }
    file = str(path(variables()) or "none: this user has no home directory")
    try:
        items = settings().items()
    except SettingsError as cause:
        return Report(versions, file, (), (), (Check("settings", False, str(cause)),))
    chosen = _chosen(names)
    with ThreadPoolExecutor(max_workers=4) as pool:
        hooks = pool.submit(_run, HOOK_PLUGINS, timeout) if settings().plugins.hooks else None
        results = list(pool.map(lambda info: _examine(info, timeout), chosen))
        found = [hooks.result()] if hooks else []
    answers = [answer for _, answer in results] + found
    if hooks and not found[0].get("probe", {}).get("ok", True):
        answers.append({"checks": [{"name": "hook plugins", "ok": False, "advice": found[0]["probe"]["reason"]}]})
    checks = tuple(
        Check(str(check["name"]), bool(check["ok"]), str(check["advice"]))
        for answer in answers
        for check in answer.get("checks", ())
    )
    header = tuple(str(line) for answer in answers for line in answer.get("header", ()))
    return Report(versions, file, items, tuple(diagnosis for diagnosis, _ in results), _own_checks() + checks, header)


def _version() -> str:
    from kbplug import __version__

    return __version__


def _qualified(info: EngineInfo) -> str:
    return f"{info.dist}::{info.name}"


def _chosen(names: Iterable[str] | None) -> list[EngineInfo]:
    infos = engines()
    if not names:
        return list(infos)
    chosen = []
    for name in map(normalise, names):
        matches = [info for info in infos if name in (info.name, _qualified(info))]
        if not matches:
            registry.select(name)
        chosen += matches
    return chosen


def _own_checks() -> tuple[Check, ...]:
    changed = environment_changes()
    advice = f"{', '.join(changed)} changed after the settings were resolved and goes unheard." if changed else ""
    checks = [Check("environment unchanged since the settings were resolved", not changed, advice)]
    try:
        registry.select(settings().backend, settings().origin("backend"))
        checks.append(Check("the selected engine is installed", True))
    except EngineError as cause:
        checks.append(Check("the selected engine is installed", False, str(cause)))
    return tuple(checks)


def _examine(info: EngineInfo, timeout: float) -> tuple[Diagnosis, dict[str, Any]]:
    """Return the diagnosis, and what else the plugin answered; one that may not load is not touched."""
    if info.status not in (READY, LOADED):
        return Diagnosis(info, Probe(False, info.cause)), {}
    started = time.perf_counter()
    answer = _run(_qualified(info) if info.dist != "kbplug" else info.name, timeout)
    probe = answer["probe"]
    return Diagnosis(
        info,
        Probe(probe["ok"], probe["reason"], tuple(probe.get("devices", ())), probe.get("versions", {})),
        time.perf_counter() - started,
        answer.get("details", ""),
    ), answer


def _run(target: str, timeout: float) -> dict[str, Any]:
    """Return what the probing process reports; when it cannot report, a probe that says how it ended."""
    # This process's own path, so that the other finds the same distributions wherever it starts.
    code = f"import sys; sys.path[:] = {sys.path!r}; from kbplug.plugins.probing import main; main(*sys.argv[1:])"
    with tempfile.TemporaryDirectory(prefix="kbplug-doctor-") as directory:
        report, errors = Path(directory, "report.json"), Path(directory, "stderr.txt")
        with errors.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-c", code, str(report), target, str(timeout)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stream,
                start_new_session=True,
            )
            try:
                ended = process.wait(timeout)
            except subprocess.TimeoutExpired:
                _end(process)
                ended = None
        if report.exists() and ended is not None:
            answer: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
            return answer
        said = errors.read_text(errors="replace")
        return {"probe": {"ok": False, "reason": _how_it_ended(ended, timeout, said)}, "details": said[-4000:]}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and, where that is possible, what it started."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _how_it_ended(code: int | None, timeout: float, errors: str) -> str:
    if code is None:
        return f"It did not answer within {timeout:g} seconds{_where(errors)}."
    if code < 0:
        return f"It crashed: {signal.strsignal(-code) or code}{_where(errors)}."
    return f"It ended the process with exit code {code} before it answered."


def _where(errors: str) -> str:
    """Return the innermost line of the traceback that faulthandler wrote, when it wrote one."""
    frames = re.findall(r'File "(.+?)", line (\d+) in (.+)', errors)
    return " in {2} ({0}:{1})".format(*frames[0]) if frames else ""
