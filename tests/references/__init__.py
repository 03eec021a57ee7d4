"""What every op should give, by libraries and formulas that share no code with ours, gathered by chapter."""

import importlib

from kbplug.ops import CHAPTERS
from kbplug.testing.invariants import INVARIANTS

__all__ = ["INVARIANTS", "REFERENCES"]


def _gathered():
    found = {}
    for chapter in (*CHAPTERS, "sizes"):
        found.update(importlib.import_module(f"references.{chapter}").REFERENCES)
    return found


REFERENCES = _gathered()
"""Op name to a function of NumPy arrays and the op's parameters that returns an array or a tuple of them."""
