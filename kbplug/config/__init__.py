"""Settings: defaults < file < environment < ``set_*`` < scope, each value with its origin; knows no engine.

Importing it reads nothing, and nothing is ever written except by ``kbplug config``.
"""

from __future__ import annotations

from kbplug.config.keys import normalise
from kbplug.config.settings import (
    Plugins,
    Settings,
    environment_changes,
    reset,
    set_epsilon,
    set_floatx,
    set_image_data_format,
    set_rng,
    settings,
)

__all__ = [
    "Plugins",
    "Settings",
    "environment_changes",
    "normalise",
    "reset",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_rng",
    "settings",
]
