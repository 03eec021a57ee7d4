"""array-api-strict as a kbplug engine. It knows that library and nothing about graphs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from importlib.metadata import version
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import array_api_strict as xp
import numpy as np

from kbplug.engine import Array, Engine, Probe

if TYPE_CHECKING:
    from kbplug.graph.graph import Graph

Run = Callable[..., tuple[Array, ...]]

DEVICES = {"cpu": "CPU_DEVICE", "device1": "device1", "device2": "device2"}

CREATION = ("arange", "asarray", "empty", "eye", "full", "linspace", "ones", "zeros")
"""The functions that place what they make on the CPU unless told otherwise."""


class StrictEngine(Engine):
    """Runs on NumPy's numbers and refuses whatever the Array API standard does not promise.

    It has no kernels: each op runs by its lowering, so what runs here runs on every library that
    keeps to the standard. ``device1`` and ``device2`` are main memory too, but their arrays refuse to
    meet arrays of another device, as a GPU's would.
    """

    name = "strict"
    xp: Any = xp
    device = "cpu"

    def from_numpy(self, array: np.ndarray[Any, Any], /, *, device: str | None = None) -> Array:
        """Return ``array`` as a strict array on ``device``, with the same shape, dtype and values."""
        return xp.asarray(array, device=_place(device or self.device))

    def from_dlpack(self, array: Array, /) -> Array:
        """Return a copy, on the engine's device, of any library's array that speaks DLPack."""
        return xp.from_dlpack(array, copy=True).to_device(_place(self.device))

    def to_numpy(self, array: Array, /) -> np.ndarray[Any, Any]:
        """Return a strict array as NumPy's, without a copy where it is on the CPU already."""
        return np.from_dlpack(array.to_device(xp.Device("CPU_DEVICE")))

    def computing(self) -> AbstractContextManager[object]:
        """Silence floating-point warnings, as on every engine: a graph computes both sides of a ``where``."""
        return np.errstate(all="ignore")

    def compile(self, run: Run, graph: Graph, /) -> Run:
        """Return ``run`` without floating-point warnings."""
        return np.errstate(all="ignore")(run)

    def on(self, device: str, /) -> Self:
        """Return this engine as it places arrays on ``device``, those that functions make from nothing too."""
        placed = super().on(device)
        there = {name: partial(getattr(xp, name), device=_place(str(placed.device))) for name in CREATION}
        placed.xp = SimpleNamespace(**{**vars(xp), **there})
        return placed

    def devices(self) -> tuple[str, ...]:
        """Return the CPU and the two devices that array-api-strict makes believe."""
        return tuple(DEVICES)

    def probe(self) -> Probe:
        """Return the version found; this engine can run wherever it was imported."""
        return Probe(ok=True, devices=self.devices(), versions={"array-api-strict": version("array-api-strict")})


def _place(device: str) -> xp.Device:
    return xp.Device(DEVICES[device])
