"""kbplug: a host for array-library engines. Importing it loads nothing else; each name is loaded when it is used."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kbplug import array_api, backend, config, errors, saving
    from kbplug.engine import Engine
    from kbplug.plugins import engine, engine_scope, engines, hookimpl, optimisations, set_engine, without

__version__ = "0.1.0"
__all__ = [
    "Engine",
    "__version__",
    "array_api",
    "backend",
    "config",
    "engine",
    "engine_scope",
    "engines",
    "errors",
    "hookimpl",
    "optimisations",
    "saving",
    "set_engine",
    "without",
]

_MODULES = ("array_api", "backend", "config", "errors", "saving")

_HOMES = {
    "Engine": "kbplug.engine",
    "engine": "kbplug.plugins",
    "engine_scope": "kbplug.plugins",
    "engines": "kbplug.plugins",
    "hookimpl": "kbplug.plugins.hookspecs",
    "optimisations": "kbplug.plugins",
    "set_engine": "kbplug.plugins",
    "without": "kbplug.plugins",
}


class _Package(ModuleType):
    """The package: ``kbplug.engine`` and ``kbplug.engines`` are functions, whatever else is imported.

    Modules of the same names exist, and importing one would otherwise put it in the function's place.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in ("engine", "engines") and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"kbplug.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'kbplug' has no attribute {name!r}", name=name, obj=sys.modules[__name__])
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
