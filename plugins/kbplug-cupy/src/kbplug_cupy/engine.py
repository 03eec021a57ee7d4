"""CuPy as a kbplug engine. It knows devices, conversions and fusion; kernels are beside it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import array_api_compat.cupy as xp
import cupy

from kbplug.engine import STANDARD_DTYPES, Array, Capabilities, Engine, Kernel, Probe
from kbplug_cupy import device as cuda
from kbplug_cupy.codegen.endings import ending
from kbplug_cupy.codegen.program import UnsupportedError, read
from kbplug_cupy.fused import Fused
from kbplug_cupy.kernels import kernels
from kbplug_cupy.loops import Scan
from kbplug_cupy.memory import DeviceMemory
from kbplug_cupy.updates import Overwriting

if TYPE_CHECKING:
    import numpy as np

    from kbplug.graph.graph import Graph

Run = Callable[..., tuple[Any, ...]]

_IN_PLACE = {name: "out" for name, found in vars(xp).items() if isinstance(found, cupy.ufunc)} | {"fused": "out"}


class CupyEngine(Engine):
    """Runs graphs on one CUDA device with CuPy.

    Nothing in a compiled function waits for the device but what hangs on values: ``while_`` and ``cond`` read their
    condition, and results whose size hangs on values are counted.

    Parameters
    ----------
    device
        As ``"cuda:0"``; by default the first.
    fuse
        Whether elementwise code, row reductions and the steps of loops become generated kernels.
    donate
        Whether elementwise updates of variables are written over what the variables held.
    deterministic
        Whether sums at indices are made by sorting, and not by atomics whose order, and so rounding, varies.

    Raises
    ------
    EngineError
        If there is no CUDA device, or not that one.
    """

    name = "cupy"
    xp = xp
    capabilities = Capabilities(dtypes=STANDARD_DTYPES | {"float16"})
    in_place = MappingProxyType(_IN_PLACE)
    optimisations = MappingProxyType({"steps": "a step of a loop in few launches, planned once for its sizes"})

    def __init__(
        self, device: str | None = None, fuse: bool = True, donate: bool = True, deterministic: bool = False
    ) -> None:
        self.number = cuda.device(device)
        self._fuses, self._donates = fuse, fuse and donate
        self._processors = cuda.processors(self.number)
        loops = {"scan": Scan(DeviceMemory(self._processors))} if fuse else {}
        self.kernels = MappingProxyType({**kernels(deterministic), **loops})

    def from_numpy(self, array: np.ndarray[Any, Any], /, *, device: str | None = None) -> Array:
        """Return ``array`` on the device, with the same shape, dtype and values."""
        with cupy.cuda.Device(self.number if device is None else cuda.device(device)):
            return cupy.asarray(array)

    def to_numpy(self, array: Array, /) -> np.ndarray[Any, Any]:
        """Return a device array as NumPy's; this waits for the device."""
        host: np.ndarray[Any, Any] = cupy.asnumpy(array)
        return host

    def compile(self, run: Run, graph: Graph, /) -> Run:
        """Return ``run`` on the engine's device."""
        device = cupy.cuda.Device(self.number)

        def placed(*arrays: Any) -> tuple[Any, ...]:
            with device:
                return run(*arrays)

        return placed if self.number else run

    def compile_donating(self, run: Run, graph: Graph, donated: tuple[int, ...], /) -> Run | None:
        """Return what ``compile`` does, with updates at the end written over the arguments at ``donated``."""
        found = ending(graph, donated) if self._donates else None
        if found is None:
            return None
        regions = [Fused(read(u.region), self._processors) for u in found.updates]
        parts: Any = run  # an emitted function, which has its graph with it
        return self.compile(Overwriting(found, parts.inside.emit(found.main), regions), graph)

    def computing(self) -> AbstractContextManager[object]:
        """Compute on the engine's device."""
        device: AbstractContextManager[object] = cupy.cuda.Device(self.number)
        return device

    def leaving_out(self, names: frozenset[str], /) -> Self:
        """Return this engine without some optimisations."""
        reduced = super().leaving_out(names)
        if "steps" in names:
            reduced.kernels = MappingProxyType({n: k for n, k in self.kernels.items() if n != "scan"})
        return reduced

    def fuse(self, region: Graph, /) -> Kernel | None:
        """Return the region as generated kernels, or None if it holds an op that has no expression."""
        if not self._fuses:
            return None
        try:
            return Fused(read(region), self._processors)
        except UnsupportedError:
            return None

    def devices(self) -> tuple[str, ...]:
        """Return the CUDA devices."""
        return cuda.devices()

    def probe(self) -> Probe:
        """Return the devices, and the versions of CuPy, CUDA and the driver."""
        return cuda.probe()
