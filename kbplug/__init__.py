"""kbplug: a host for array-library engines."""

__version__ = "0.1.0"
