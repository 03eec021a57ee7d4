"""Linear algebra: products, decompositions, solving and norms. Importing this package declares them all."""

from __future__ import annotations

from kbplug.ops.linalg import decompositions, norms, products, solving

__all__ = ["decompositions", "norms", "products", "solving"]
