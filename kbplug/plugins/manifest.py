"""Reads ``kbplug.toml``, what a plugin says of itself as data; imports no plugin."""

from __future__ import annotations

import functools
import importlib.util
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kbplug.engine import API
from kbplug.errors import EngineError

KINDS = ("array", "graph", "distributed")
FILE = "kbplug.toml"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a plugin says of itself. Keys that this kbplug does not know are left to a later API.

    Parameters
    ----------
    path
        The file it was read from.
    name
        The engine's name, equal to the entry point's.
    api
        The versions of kbplug's engine API it works with, as ``>=1.0,<2``.
    kind
        ``array``, ``graph`` or ``distributed``.
    requires
        What it needs beside its own dependencies, as ``cupy>=13``; shown, never enforced.
    devices
        What it can run on.
    device_files
        Files of the system of which one exists wherever such a device can run, on systems that have such files.
    capabilities
        What it promises, in its own words.
    """

    path: str
    name: str = ""
    api: str = ""
    kind: str = "array"
    requires: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    device_files: tuple[str, ...] = ()
    capabilities: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


def find(module: str) -> Path | None:
    """Return the manifest beside ``module``, or None; only the finder is asked, so nothing is imported.

    A plugin that is one file at the top level shares its directory with others, so it has none.
    """
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None
    for location in (spec.submodule_search_locations if spec else None) or ():
        inner = Path(location, *rest)
        candidate = (inner if inner.is_dir() else inner.parent) / FILE
        if candidate.is_file():
            return candidate
    return None


@functools.cache
def read(path: Path) -> Manifest:
    """Return the manifest in the file at ``path``.

    Raises
    ------
    EngineError
        If it is not TOML or a key holds the wrong type.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as cause:
        raise EngineError(f"The manifest {path} cannot be read: {cause}.") from cause
    for key, wanted in (("name", str), ("api", str), ("kind", str), ("capabilities", dict)):
        if not isinstance(data.get(key, wanted()), wanted):
            raise EngineError(f"The manifest {path} gives {key} = {data[key]!r}, which is not a {wanted.__name__}.")
    kind = data.get("kind", "array")
    if kind not in KINDS:
        raise EngineError(f"The manifest {path} gives kind = {kind!r}, but the kinds are {', '.join(KINDS)}.")
    return Manifest(
        path=str(path),
        name=data.get("name", ""),
        api=data.get("api", ""),
        kind=kind,
        requires=_strings(data, "requires", path),
        devices=_strings(data, "devices", path),
        device_files=_strings(data, "device_files", path),
        capabilities=MappingProxyType(data.get("capabilities", {})),
    )


def _strings(data: Mapping[str, Any], key: str, path: Path) -> tuple[str, ...]:
    value = data.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise EngineError(f"The manifest {path} gives {key} = {value!r}, which is not a list of strings.")
    return tuple(value)


def mismatch(manifest: Manifest, dist: str, version: str) -> str:
    """Return one sentence that says why this kbplug cannot serve the plugin, or an empty string."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import Version

    from kbplug import __version__

    try:
        accepted = SpecifierSet(manifest.api)
    except InvalidSpecifier:
        return f"The manifest {manifest.path} gives api = {manifest.api!r}, which is not a range such as '>=1.0,<2'."
    if accepted.contains(API):
        return ""
    newer = any(part.operator in (">=", ">", "==", "~=") and _base(part.version) > Version(API) for part in accepted)
    return (
        f"{dist} {version} works with engine API {manifest.api}, but kbplug {__version__} has {API};"
        f" run `pip install --upgrade {'kbplug' if newer else dist}`."
    )


def _base(version: str) -> Any:
    from packaging.version import Version

    return Version(version.removesuffix(".*"))


def missing_requirements(manifest: Manifest) -> tuple[str, ...]:
    """Return those of the manifest's requirements that no installed distribution meets."""
    import importlib.metadata

    from packaging.requirements import Requirement

    missing = []
    for text in manifest.requires:
        try:
            requirement = Requirement(text)
            if requirement.marker and not requirement.marker.evaluate():
                continue
            if not requirement.specifier.contains(importlib.metadata.version(requirement.name), prereleases=True):
                missing.append(text)
        except (ValueError, TypeError, importlib.metadata.PackageNotFoundError):  # misspelt, damaged or absent
            missing.append(text)
    return tuple(missing)


def no_device(manifest: Manifest) -> str:
    """Return one sentence if none of the manifest's device files exists, else an empty string."""
    files = manifest.device_files
    if not files or os.name != "posix" or any(Path(file).exists() for file in files):
        return ""
    return f"No {' or '.join(manifest.devices).upper()} device is here: there is no {' and no '.join(files)}."
