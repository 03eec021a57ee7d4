"""What every op should give, by libraries and formulas that share no code with ours, gathered by chapter."""

import importlib
import importlib.util

from kbplug.ops import CHAPTERS
from kbplug.testing.invariants import INVARIANTS

__all__ = ["INVARIANTS", "REFERENCES"]


def _gathered(name):
    found = {}
    for chapter in (*CHAPTERS, "sizes"):
        if importlib.util.find_spec(f"references.{chapter}"):  # TEMPORARY until all chapters exist
            found.update(getattr(importlib.import_module(f"references.{chapter}"), name, {}))
    return found


REFERENCES = _gathered("REFERENCES")
"""Op name to a function of NumPy arrays and the op's parameters that returns an array or a tuple of them."""
