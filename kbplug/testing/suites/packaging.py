"""What a plugin must be before its engine is worth running, in the order in which an author gets there.

Each check takes the engine's name. One that fails says what is to do, and the rest of the suite waits for it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kbplug import plugins
from kbplug.engine import Engine, Probe
from kbplug.errors import EngineError
from kbplug.ops import REGISTRY
from kbplug.plugins import registry
from kbplug.plugins.registry import EngineInfo
from kbplug.runtime.calls import standard
from kbplug.testing.samples import samples
from kbplug.testing.suites import operations
from kbplug.testing.suites.case import BEHAVIOURS, Case, lacking

GATES = frozenset({"packaging/is-installed", "packaging/loads"})
"""Cases without which those after them have nothing to look at."""

LOOK = """
import importlib, importlib.metadata as metadata, json, re, sys
from kbplug.plugins import engines
engines()
importlib.import_module(sys.argv[1])
owners = metadata.packages_distributions()
wanted = {re.sub("[-_.]+", "-", name).lower() for name in sys.argv[2:]}
loaded = {name.partition(".")[0] for name in sys.modules}
print(json.dumps(sorted(
    name for name in loaded if wanted & {re.sub("[-_.]+", "-", dist).lower() for dist in owners.get(name, ())}
)))
"""


def cases() -> Iterator[Case]:
    """Yield the cases in the order in which they are to be done."""
    for check in CHECKS:
        yield Case(f"packaging/{check.__name__.replace('_', '-')}", check)


def _info(name: str) -> EngineInfo:
    return registry.describe(registry.select(name))


def is_installed(name: str) -> None:
    """The entry point is found, by one distribution."""
    try:
        info = _info(name)
    except EngineError as cause:
        raise AssertionError(f"{cause} Run `pip install -e .` where its pyproject.toml is.") from cause
    assert info.status in (registry.READY, registry.LOADED), info.cause


def has_a_manifest(name: str) -> None:
    """The manifest names the engine and a range of API versions, and what it asks for is installed."""
    info = _info(name)
    if info.dist == "kbplug":
        return
    about = info.manifest
    assert about is not None, f"Put a kbplug.toml beside the module {info.value}; no engine is listed well without."
    assert about.name, f"Write name = {name!r} into {about.path}."
    assert about.api, f"Write api = '>=1.0,<2' into {about.path}: the versions of the engine API it was written for."
    assert about.devices, f"Write the devices that the engine can have into {about.path}."
    assert not info.cause, info.cause


def imports_nothing_heavy(name: str) -> None:
    """Listing engines, and importing the plugin's module, loads no array library."""
    info = _info(name)
    needed = [requirement_name(text) for text in info.manifest.requires] if info.manifest else []
    command = [sys.executable, "-c", LOOK, info.value.partition(":")[0], "numpy", *needed]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"Importing {info.value} fails: {done.stderr.strip().splitlines()[-1]}"
    heavy = json.loads(done.stdout.splitlines()[-1])
    assert not heavy, f"Importing {info.value} loads {', '.join(heavy)}; import that inside kbplug_engine."


def requirement_name(text: str) -> str:
    """Return the name in a requirement such as ``torch>=2.4``."""
    from packaging.requirements import Requirement

    return Requirement(text).name


def loads(name: str) -> None:
    """The hook makes an engine that has the entry point's name."""
    try:
        plugins.engine(name)
    except EngineError as cause:
        raise AssertionError(str(cause)) from cause


def can_run_here(name: str) -> None:
    """The probe says so, and names what runs."""
    probe = plugins.engine(name).probe()
    assert isinstance(probe, Probe), f"probe() returned {probe!r}; return a kbplug.engine.Probe."
    assert probe.ok, f"Not certified: the engine cannot run here. {probe.reason}"
    assert probe.devices, "probe() names no device; return Probe(ok=True, devices=self.devices(), versions={...})."
    assert probe.versions, "probe() names no version; reports need that of the library."


def has_a_namespace(name: str) -> None:
    """Each op has a kernel, a body, or a function of the namespace."""
    engine = plugins.engine(name)
    assert engine.xp is not None, "Set xp to a namespace of the Array API standard."
    missing = sorted(_missing(engine))
    shown = ", ".join(missing[:12]) + (f" and {len(missing) - 12} more" if len(missing) > 12 else "")
    assert not missing, f"Neither xp nor kernels have {shown}; add kernels, or promise less in capabilities."


def _missing(engine: Engine) -> Iterator[str]:
    kernels = plugins.kernels_for(engine)
    promised = engine.capabilities
    for op in REGISTRY.values():
        own = op.lower is not None or op.name in kernels or op.chapter == "state" or not op.chapter
        if own or "leaf" in op.traits or "alias" in op.traits:
            continue
        if all(lacking(operations.needs(op, sample), promised) for sample in samples()[op.name]):
            continue
        try:
            standard(op, engine)
        except EngineError:
            yield op.name


def has_its_dtypes(name: str) -> None:
    """Each dtype that is promised is known to the namespace."""
    engine = plugins.engine(name)
    if engine.xp is None:
        return  # has_a_namespace says so
    unknown = []
    for dtype in sorted(engine.capabilities.dtypes):
        try:
            engine.dtype(dtype)
        except Exception:  # noqa: BLE001 -- whatever the library raises, it has no such dtype
            unknown.append(dtype)
    assert not unknown, f"xp has no {', '.join(unknown)}; leave them out of Capabilities.dtypes."


def takes_values_in_and_out(name: str) -> None:
    """An array of each dtype goes in and comes out as it was."""
    engine = plugins.engine(name)
    for dtype in sorted(engine.capabilities.dtypes - {"bfloat16"}):
        value = np.arange(6).reshape(2, 3).astype(dtype)
        found = np.asarray(engine.to_numpy(engine.from_numpy(value)))
        same = found.dtype == value.dtype and found.shape == value.shape and np.array_equal(found, value)
        assert same, f"from_numpy and to_numpy make {found!r} of {value!r}."


def places_values_on_its_devices(name: str) -> None:
    """Each device that is listed takes an array."""
    engine = plugins.engine(name)
    value = np.asarray([1, 2], dtype=np.float32)
    for device in engine.devices():
        found = engine.to_numpy(engine.from_numpy(value, device=device))
        assert np.array_equal(found, value), f"An array placed on {device!r} came back as {found!r}."


def promises_one_thing(name: str) -> None:
    """Manifest and engine promise the same."""
    info, engine = _info(name), plugins.engine(name)
    for key, said in (info.manifest.capabilities if info.manifest else {}).items():
        known = key in BEHAVIOURS or key == "dtypes"
        assert known, f"The manifest promises {key!r}, which is no capability."
        meant: Any = getattr(engine.capabilities, key)
        assert (frozenset(said) if key == "dtypes" else said) == meant, (
            f"The manifest gives {key} = {said!r}, but the engine's capabilities {meant!r}; make them one."
        )


CHECKS: tuple[Callable[[str], None], ...] = (
    is_installed,
    has_a_manifest,
    imports_nothing_heavy,
    loads,
    has_a_namespace,
    has_its_dtypes,
    takes_values_in_and_out,
    places_values_on_its_devices,
    can_run_here,
    promises_one_thing,
)
