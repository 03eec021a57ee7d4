"""Inputs for every op, by chapter: what the registry-driven suites feed. An op without a sample fails them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Sample:
    """One call of an op.

    Parameters
    ----------
    arrays
        Its operands as NumPy arrays (floats in float64), None for an absent optional one.
    params
        Its parameters.
    smooth
        Whether finite differences mean something here, to order two: no kink, tie or jump within 1e-3 of an element.
    label
        Tells samples of one op apart in reports.
    unknown
        Whether the suite may also infer with every size hidden (``None``).
    """

    arrays: tuple[Any, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    smooth: bool = True
    label: str = ""
    unknown: bool = True

    def __post_init__(self) -> None:
        converted = tuple(None if a is None else np.asarray(a) for a in self.arrays)
        object.__setattr__(self, "arrays", converted)


def sample(*arrays: Any, smooth: bool = True, label: str = "", unknown: bool = True, **params: Any) -> Sample:
    """Return a Sample: operands by position, parameters by name."""
    return Sample(arrays, params, smooth, label, unknown)


@cache
def samples() -> Mapping[str, list[Sample]]:
    """Return every op's samples by its name, gathered from the modules of this package."""
    from kbplug.ops import CHAPTERS

    found: dict[str, list[Sample]] = {}
    for chapter in (*CHAPTERS, "sizes"):
        found.update(importlib.import_module(f"kbplug.testing.samples.{chapter}").SAMPLES)
    return found
