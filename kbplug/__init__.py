"""kbplug: a host for array-library engines. Importing it loads nothing else; each name is loaded when it is used."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kbplug import backend
    from kbplug.engine import Engine
    from kbplug.plugins import engine, engine_scope, engines, hookimpl, optimisations, set_engine, without

__version__ = "0.1.0"
__all__ = [
    "Engine",
    "__version__",
    "backend",
    "engine",
    "engine_scope",
    "engines",
    "hookimpl",
    "optimisations",
    "set_engine",
    "without",
]

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
    if name == "backend":
        return importlib.import_module("kbplug.backend")
    if name not in _HOMES:
        raise AttributeError(f"module 'kbplug' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
