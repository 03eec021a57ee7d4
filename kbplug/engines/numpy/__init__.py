"""The built-in engine as a plugin; importing this module imports no NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kbplug import hookimpl
from kbplug.engine import Engine


@hookimpl
def kbplug_engine(name: str, options: Mapping[str, Any]) -> Engine:
    """Return the NumPy engine."""
    from kbplug.engines.numpy.engine import NumpyEngine

    if options:
        raise TypeError(f"it has no options, but was given {', '.join(options)}")
    return NumpyEngine()
