"""Every op with every sample on every engine, as parameters."""

import pytest

from kbplug.ops import REGISTRY
from kbplug.testing.samples import samples

LEAVES = frozenset(op.name for op in REGISTRY.values() if "leaf" in op.traits)
ENGINES = ("numpy", "strict")


def cases(*conditions):
    """Return a mark over ``op, sample``: every sample that meets the conditions."""
    found = []
    for name, listed in samples().items():
        for i, s in enumerate(listed):
            op = REGISTRY[name]
            if all(c(op, s) for c in conditions):
                found.append(pytest.param(op, s, id=f"{name}-{i}{'-' + s.label if s.label else ''}"))
    return pytest.mark.parametrize(("op", "sample"), found)


on_engines = pytest.mark.parametrize("engine", ENGINES)
