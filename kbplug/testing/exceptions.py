"""Cases that a plugin is known to fail, by exact id and with a reason, in a file beside its manifest."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from kbplug.errors import EngineError
from kbplug.plugins import registry

FILE = "kbplug-exceptions.toml"

ELSEWHERE = "array-api"
"""The tier whose cases stand in a checkout."""


def of_engine(name: str) -> Mapping[str, str]:
    """Return the exceptions of an installed engine; none if it has no such file."""
    try:
        about = registry.describe(registry.select(name)).manifest
    except EngineError:
        return {}
    path = Path(about.path).with_name(FILE) if about else None
    return read(path) if path is not None and path.is_file() else {}


def read(path: Path) -> Mapping[str, str]:
    """Return the id and the reason of each exception in a TOML file of ``"id" = "reason"``.

    Raises
    ------
    EngineError
        If it is no such file.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as cause:
        raise EngineError(f"The exceptions in {path} cannot be read: {cause}.") from cause
    for id, reason in found.items():
        if not isinstance(reason, str) or not reason.strip():
            raise EngineError(f"The exception {id!r} in {path} needs a reason.")
    return found


def stale(exceptions: Mapping[str, str], ids: Iterable[str]) -> list[str]:
    """Return the exceptions that name no case; those from a checkout of other tests are not ours to know."""
    return sorted(id for id in set(exceptions) - set(ids) if not id.startswith(f"{ELSEWHERE}/"))
