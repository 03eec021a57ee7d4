"""Looks at one plugin from inside a process of its own, which may hang, exit or crash; run by ``doctor``.

``python -c "..." REPORT ENGINE SECONDS`` writes what it found to the file ``REPORT`` as JSON.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kbplug.engine import Check, Probe
from kbplug.errors import KbplugError
from kbplug.plugins.host import FAULTS

HOOK_PLUGINS = ""
"""Stands in an engine's place for the hook plugins that the settings name."""


def main(report: str, target: str, seconds: str) -> None:
    """Probe ``target`` and write what was found; say on standard error where it hangs, just before time is up."""
    faulthandler.enable()
    faulthandler.dump_traceback_later(float(seconds) * 0.9)
    try:
        found = _hook_plugins() if target == HOOK_PLUGINS else _engine(target)
    except FAULTS as cause:
        details = "".join(traceback.format_exception(cause))
        found = {"probe": {"ok": False, "reason": _words(cause)}, "details": details}
    Path(report).write_text(json.dumps(found), encoding="utf-8")
    os._exit(0)  # an engine whose threads or exit handlers hang has answered all the same


def _engine(name: str) -> dict[str, Any]:
    from kbplug.plugins import host, loading, registry

    manager = host.Host()
    host.set_host(manager)  # without the hook plugins: they have a process of their own
    offer = registry.select(name)
    probe = None
    if registry.examine(offer).status == registry.READY:
        probe = manager.ask_one(loading.plugin_of(offer, manager), "kbplug_probe", name=offer.name)
    if probe is None or probe.ok:
        probe = loading.load(name).probe()
    if not isinstance(probe, Probe):
        raise TypeError(f"The probe of {name!r} returned {probe!r}, not a Probe")
    return {"probe": _plain(probe), **_answers(manager)}


def _hook_plugins() -> dict[str, Any]:
    from kbplug.plugins import host

    return _answers(host.host())


def _answers(manager: Any) -> dict[str, Any]:
    checks = [
        {"name": check.name, "ok": check.ok, "advice": check.advice, "plugin": plugin}
        for plugin, answer in manager.ask("kbplug_checks")
        for check in answer
        if isinstance(check, Check)
    ]
    header = [line for _, answer in manager.ask("kbplug_report_header") for line in _lines(answer)]
    quarantined = [
        {"name": f"hooks of {name}", "ok": False, "advice": _words(cause), "plugin": name}
        for name, cause in manager.quarantined.items()
    ]
    return {"checks": checks + quarantined, "header": header}


def _lines(answer: str | Iterable[str]) -> list[str]:
    return [answer] if isinstance(answer, str) else [str(line) for line in answer]


def _plain(probe: Probe) -> dict[str, Any]:
    return {
        "ok": bool(probe.ok),
        "reason": str(probe.reason),
        "devices": [str(device) for device in probe.devices],
        "versions": {str(name): str(version) for name, version in probe.versions.items()},
    }


def _words(cause: BaseException) -> str:
    from kbplug.plugins.loading import words

    if isinstance(cause, KbplugError):
        if cause.__cause__ is None:
            return str(cause)
        cause = cause.__cause__
    said = words(cause)
    return f"{said[0].upper()}{said[1:]}."


if __name__ == "__main__":
    main(*sys.argv[1:])
