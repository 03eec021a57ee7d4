"""The hook that kbplug asks for this engine. Importing it loads no array library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kbplug import hookimpl

if TYPE_CHECKING:
    from kbplug_mlx.engine import MlxEngine


@hookimpl
def kbplug_engine(name: str, options: Mapping[str, Any]) -> MlxEngine | None:
    """Return the engine, if it is the one asked for."""
    if name != "mlx":
        return None
    from kbplug_mlx.engine import MlxEngine

    return MlxEngine(**options)
