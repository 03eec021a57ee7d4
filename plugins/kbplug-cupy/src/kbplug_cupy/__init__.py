"""The hooks that kbplug asks for this engine. Importing it loads no array library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kbplug import hookimpl

if TYPE_CHECKING:
    from kbplug.engine import Probe
    from kbplug_cupy.engine import CupyEngine


@hookimpl
def kbplug_engine(name: str, options: Mapping[str, Any]) -> CupyEngine | None:
    """Return the engine, if it is the one asked for; without a CUDA device that is an error."""
    if name != "cupy":
        return None
    from kbplug_cupy.engine import CupyEngine

    return CupyEngine(**options)


@hookimpl
def kbplug_probe(name: str) -> Probe | None:
    """Say whether there is a CUDA device, before an engine is asked for."""
    if name != "cupy":
        return None
    from kbplug_cupy.device import probe

    return probe()
