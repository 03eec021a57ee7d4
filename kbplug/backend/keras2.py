"""Keras 2 as a user of K: where it keeps the settings that are K's too. Imports nothing of it."""

from __future__ import annotations

import sys
from types import ModuleType

NAME = "kbplug.backend"


def settings_of_keras() -> ModuleType | None:
    """Return the module in which Keras 2.3 keeps its settings, while it has this package loaded as its backend.

    Its ``set_floatx`` and the like do not call the backend, so whoever reads the settings asks there first.
    """
    loader = sys.modules.get("keras.backend.load_backend")
    if getattr(loader, "_BACKEND", None) != NAME:
        return None
    return sys.modules.get("keras.backend.common")
