"""kbplug with the compiled loops of kbplug-numba: the same programs, another setting."""

from __future__ import annotations

import os

os.environ["KBPLUG_HOOKS"] = "numba"  # before the settings are read

from peers.of_kbplug import candidate

__all__ = ["candidate"]
