"""Every op once, by chapter of the Array API standard, then ours. Importing this package declares them all."""

from __future__ import annotations

import importlib

from kbplug.graph.op import REGISTRY, Op, lookup

CHAPTERS = (
    "elementwise",
    "creation",
    "manipulation",
    "indexing",
    "segments",
    "statistical",
    "searching",
    "sorting",
    "sets",
    "linalg",
    "fft",
    "special",
    "conv",
    "pooling",
    "nn",
    "control",
    "sharding",
    "random",
    "state",
)
"""The modules of this package that declare ops, in the order a reader would want them."""

for _chapter in CHAPTERS:
    importlib.import_module(f"kbplug.ops.{_chapter}")

__all__ = ["CHAPTERS", "REGISTRY", "Op", "lookup"]
