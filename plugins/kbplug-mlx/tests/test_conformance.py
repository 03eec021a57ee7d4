"""kbplug's conformance suite on this engine, which the entry point in pyproject.toml names."""

from kbplug.testing.suites.v1 import *  # noqa: F403
