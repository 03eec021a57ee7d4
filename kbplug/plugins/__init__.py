"""The plugin host: lists engines without importing them, loads one by name, and asks hooks one plugin at a time."""

from __future__ import annotations

from kbplug import config
from kbplug.plugins import active, registry
from kbplug.plugins import host as _host
from kbplug.plugins.active import engine, engine_scope, optimisations, set_engine, without
from kbplug.plugins.hookspecs import HookSpecs, hookimpl
from kbplug.plugins.host import Host, has_run_wrappers, kernels_for, name_of, passes_for, run
from kbplug.plugins.host import host as plugin_manager
from kbplug.plugins.manifest import Manifest
from kbplug.plugins.registry import EngineInfo, engines, refresh

__all__ = [
    "EngineInfo",
    "HookSpecs",
    "Host",
    "Manifest",
    "engine",
    "engine_scope",
    "engines",
    "has_run_wrappers",
    "hookimpl",
    "kernels_for",
    "name_of",
    "optimisations",
    "passes_for",
    "plugin_manager",
    "refresh",
    "reset",
    "run",
    "set_engine",
    "without",
]


def reset() -> None:
    """Forget settings, engines and plugins, and start as a new process would; for tests."""
    config.reset()
    registry.forget()
    active.forget()
    _host.set_host(None)
