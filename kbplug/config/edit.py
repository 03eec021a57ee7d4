"""Writes the settings file, only when asked to, and each time as a whole."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kbplug.config import sources
from kbplug.config.keys import KEYS
from kbplug.errors import SettingsError, did_you_mean

KERAS_KEYS = ("image_data_format", "epsilon", "floatx", "backend")
"""What Keras's own file holds, and what ``init`` writes."""


def location() -> Path:
    """Return the file that ``init`` and ``assign`` write."""
    file = sources.path(sources.variables())
    if file is None:
        raise SettingsError("This user has no home directory; say where the settings belong with KBPLUG_CONFIG.")
    return file


def init() -> Path:
    """Write Keras's four keys with their defaults to a new settings file and return its path.

    Raises
    ------
    SettingsError
        If there is a file already.
    """
    file = location()
    if file.exists():
        raise SettingsError(f"{file} exists already; change it with `kbplug config set KEY VALUE`.")
    write(file, {name: KEYS[name].default for name in KERAS_KEYS})
    return file


def assign(name: str, text: str) -> tuple[Path, Any]:
    """Set one key in the settings file; return the file and the value as it is kept.

    Parameters
    ----------
    name
        A setting, dotted where the file nests: ``plugins.block``, ``options.cupy.memory_pool``.
    text
        Its value as JSON; text that is not JSON is a string, and a list may be written ``a,b``.

    Raises
    ------
    SettingsError
        If there is no such setting, the value cannot be meant or the file is damaged.
    """
    file = location()
    data = sources.parse(sources.read(file) or "{}", file)
    key = "options" if name.startswith("options.") else name
    if key not in KEYS:
        raise SettingsError(f"There is no setting {name!r}.{did_you_mean(name, KEYS)} They are {', '.join(KEYS)}.")
    value = _value(key, text)
    *outer, last = name.split(".")
    _descend(data, outer, file)[last] = value
    kept = KEYS[key].checked(data["options"] if key == "options" else value, f"kbplug config set {name}")
    write(file, data)
    return file, kept


def _value(key: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        is_list = isinstance(KEYS[key].default, tuple) or key == "plugins.allow"
        return [part.strip() for part in text.split(",")] if is_list else text


def _descend(data: dict[str, Any], outer: list[str], file: Path) -> dict[str, Any]:
    for part in outer:
        inner = data.setdefault(part, {})
        if not isinstance(inner, dict):
            raise SettingsError(f"{file}: {part} is {inner!r}, but it must be an object.")
        data = inner
    return data


def merge_in(values: Mapping[str, Any]) -> Path:
    """Set several checked top-level keys in the settings file at once and return its path."""
    file = location()
    data = sources.parse(sources.read(file) or "{}", file)
    write(file, {**data, **values})
    return file


def keras_file() -> Path:
    """Return where Keras keeps its settings: under ``KERAS_HOME``, else ``~/.keras``."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras").expanduser() / "keras.json"


def from_keras() -> dict[str, Any]:
    """Return what Keras's settings file says of the four keys, checked.

    Raises
    ------
    SettingsError
        If Keras has no settings file, or a damaged one.
    """
    file = keras_file()
    text = sources.read(file)
    if text is None:
        raise SettingsError(f"Keras has no settings at {file}; set KERAS_HOME if they are elsewhere.")
    data = sources.parse(text, file)
    return {name: KEYS[name].checked(data[name], str(file)) for name in KERAS_KEYS if name in data}


def write(file: Path, data: Mapping[str, Any]) -> None:
    """Write ``data`` so that a reader sees the old file or the new one, never a part.

    Raises
    ------
    SettingsError
        If the directory cannot be written to.
    """
    target = file.resolve()  # a link stays a link
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
                stream.flush()
                os.fsync(handle)
            temporary.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o644)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as cause:
        raise SettingsError(f"{file} cannot be written: {cause.strerror or cause}.") from cause
