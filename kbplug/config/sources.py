"""Reads the settings file and the environment into layers that say where each value stands; changes nothing."""

from __future__ import annotations

import difflib
import json
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kbplug.config.keys import KEYS, PLACES, SAFE, VARIABLES, is_true
from kbplug.errors import KbplugWarning, SettingsError, did_you_mean


@dataclass(frozen=True, slots=True)
class Setting:
    """A checked value and the place it came from, such as ``KBPLUG_FLOATX`` or ``kbplug.json:3:14``."""

    value: Any
    origin: str


Layer = Mapping[str, Setting]
"""Settings by name, all from one kind of source."""


def variables() -> dict[str, str]:
    """Return the environment variables that kbplug reads; one that is empty counts as unset."""
    return {name: text for name in VARIABLES if (text := os.environ.get(name, "").strip())}


def path(environment: Mapping[str, str]) -> Path | None:
    """Return where the settings file is or would be; None for a user without a home."""
    file, home = (environment.get(name) for name in PLACES)
    if file:
        return Path(file).expanduser()
    if home:
        return Path(home).expanduser() / "kbplug.json"
    try:
        return Path.home() / ".kbplug" / "kbplug.json"
    except RuntimeError:
        return None


def from_environment(environment: Mapping[str, str]) -> dict[str, Setting]:
    """Return what the variables set, and warn of a variable that is one slip away from one that exists."""
    _warn_of_misspelt_variables()
    layer = {
        key.name: Setting(key.checked(key.parse(environment[variable]), variable), variable)
        for key in KEYS.values()
        if (variable := key.variable) and variable in environment
    }
    if SAFE in environment:
        try:
            layer["safe"] = Setting(is_true(environment[SAFE]), SAFE)
        except ValueError as cause:
            raise SettingsError(f"{SAFE} is {environment[SAFE]!r}, but it must be {cause}") from cause
    return layer


def _warn_of_misspelt_variables() -> None:
    for name in os.environ:
        if not name.startswith("KBPLUG_") or name in VARIABLES:
            continue
        # Nearer than elsewhere: all names share a prefix, and other programs' may too.
        for near in difflib.get_close_matches(name, VARIABLES, n=1, cutoff=0.88):
            warnings.warn(f"kbplug does not read {name}. Did you mean {near!r}?", KbplugWarning, stacklevel=2)


def from_file(environment: Mapping[str, str]) -> dict[str, Setting]:
    """Return what the settings file sets; nothing when there is none.

    Raises
    ------
    SettingsError
        If the file cannot be read, is not JSON or holds a bad value, or if ``KBPLUG_CONFIG`` names none.
    """
    file = path(environment)
    if file is None:
        return {}
    text = read(file)
    if text is None:
        if PLACES[0] in environment:
            raise SettingsError(f"{PLACES[0]} names {file}, which does not exist; create it with `kbplug config init`.")
        return {}
    return dict(_settings(text, file))


def read(file: Path) -> str | None:
    """Return the file's text, or None when it does not exist."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except IsADirectoryError as cause:
        raise SettingsError(f"{file} is a directory, but the settings are a JSON file.") from cause
    except UnicodeDecodeError as cause:
        raise SettingsError(f"{file} is not UTF-8 text: {cause}.") from cause
    except OSError as cause:
        raise SettingsError(f"{file} cannot be read: {cause.strerror or cause}.") from cause


def parse(text: str, file: Path) -> dict[str, Any]:
    """Return the object that ``text`` holds.

    Raises
    ------
    SettingsError
        With file, line and column, if ``text`` is not JSON or not an object.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as cause:
        where = f"{file}:{cause.lineno}:{cause.colno}"
        curly = re.search("[\u2018\u2019\u201c\u201d\u201e]", text)
        if curly:
            raise SettingsError(
                f"{_place(file, text, curly.start())}: the curly quote {curly[0]} is not JSON's; type a straight \"."
            ) from cause
        raise SettingsError(f"{where}: this is not JSON: {cause.msg}.") from cause
    if not isinstance(data, dict):
        raise SettingsError(f"{file}:1:1: the settings must be one JSON object {{...}}, not {data!r}.")
    return data


def _settings(text: str, file: Path) -> Iterator[tuple[str, Setting]]:
    parse(text, file)
    for name, value, at in _members(text, file, text.index("{")):
        if name != "plugins":
            yield from _setting(name, value, _place(file, text, at))
        elif isinstance(value, dict):
            for inner, listed, inner_at in _members(text, file, at):
                yield from _setting(f"plugins.{inner}", listed, _place(file, text, inner_at))
        else:
            raise SettingsError(
                f"{_place(file, text, at)}: plugins is {value!r}, but it must be an object with allow, block or hooks."
            )


def _setting(name: str, value: object, origin: str) -> Iterator[tuple[str, Setting]]:
    if name in KEYS:
        yield name, Setting(KEYS[name].checked(value, origin), origin)
    else:
        advice = did_you_mean(name, KEYS)
        warnings.warn(f"{origin}: there is no setting {name!r}, so it is ignored.{advice}", KbplugWarning, stacklevel=2)


def _members(text: str, file: Path, start: int) -> Iterator[tuple[str, Any, int]]:
    """Yield key, value and the value's position for each member of the JSON object at ``start``.

    ``text`` is known to be JSON, so what stands between keys and values is only skipped.
    """
    decoder, seen = json.JSONDecoder(), set()
    at = _skip(text, start + 1, ",")
    while text[at] != "}":
        key, end = decoder.raw_decode(text, at)
        if key in seen:
            raise SettingsError(f"{_place(file, text, at)}: {key!r} is set twice; keep one of them.")
        seen.add(key)
        at = _skip(text, end, ":")
        value, end = decoder.raw_decode(text, at)
        yield key, value, at
        at = _skip(text, end, ",")


def _skip(text: str, at: int, mark: str) -> int:
    while text[at] in " \t\r\n" or text[at] == mark:
        at += 1
    return at


def _place(file: Path, text: str, at: int) -> str:
    line = text.count("\n", 0, at) + 1
    return f"{file}:{line}:{at - text.rfind(chr(10), 0, at)}"
