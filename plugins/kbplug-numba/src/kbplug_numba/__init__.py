"""The hook that gives kbplug's NumPy engine compiled kernels. Importing it loads neither NumPy nor numba."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kbplug import hookimpl
from kbplug.engine import Engine, Kernel

if TYPE_CHECKING:
    from kbplug.config import Settings


class Plugin:
    """What kbplug asks. ``options`` are what the settings hold under ``options`` for the name ``numba``."""

    options: Mapping[str, Any] = MappingProxyType({})

    @hookimpl
    def kbplug_configure(self, settings: Settings) -> None:
        """Take the options."""
        self.options = settings.options.get("numba", {})

    @hookimpl
    def kbplug_kernels(self, engine: Engine) -> Mapping[str, Kernel] | None:
        """Return kernels for the NumPy engine, None for the others; numba is loaded when one of them has work to do."""
        if engine.name != "numpy":
            return None
        from kbplug_numba.kernels import beside

        return beside(engine, **self.options)


plugin = Plugin()
