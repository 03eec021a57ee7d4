"""PyTorch as a kbplug engine. It knows devices, conversions and the compiler; kernels are beside it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import array_api_compat.torch as xp
import torch

from kbplug.engine import STANDARD_DTYPES, Array, Capabilities, Engine, Probe
from kbplug_torch.kernels import KERNELS

if TYPE_CHECKING:
    import numpy as np

    from kbplug.graph.graph import Graph

Run = Callable[..., tuple[Any, ...]]


class TorchEngine(Engine):
    """Runs graphs with PyTorch.

    Parameters
    ----------
    device
        Where arrays are placed, as ``"cpu"`` or ``"cuda:0"``; by default the first CUDA device, or the CPU.
    tf32
        Whether convolutions of float32 on CUDA may round their operands to 10 bits, as PyTorch lets them; kbplug
        does not, and so turns that off for the process.
    compile
        Whether functions are handed to ``torch.compile``: slow to make, faster to call.

    Raises
    ------
    ValueError
        If there is no such device here.
    """

    name = "torch"
    xp = xp
    kernels = MappingProxyType(KERNELS)
    capabilities = Capabilities(dtypes=(STANDARD_DTYPES | {"float16"}) - {"uint16", "uint32", "uint64"})

    def __init__(self, device: str | None = None, tf32: bool = False, compile: bool = False) -> None:
        if device is not None and device not in self.devices():
            raise ValueError(f"options.torch.device is {device!r}, but here are {', '.join(self.devices())}.")
        self.device = device or self.devices()[0]
        torch.backends.cudnn.allow_tf32 = tf32
        self._compiles = compile

    def from_numpy(self, array: np.ndarray[Any, Any], /, *, device: str | None = None) -> Array:
        """Return ``array`` as a tensor on ``device``, with the same shape, dtype and values."""
        if not array.flags.writeable or any(n < 0 for n in array.strides):
            array = array.copy()  # a tensor is writable, and no stride of it is negative
        return torch.from_numpy(array).to(device or self.device)

    def from_dlpack(self, array: Any, /) -> Array:
        """Return a copy, on the engine's device, of any library's array that speaks DLPack.

        The giver copies, and so makes strides forward: from one that goes backward PyTorch aborts the process.
        """
        if any(n < 0 for n in getattr(array, "strides", None) or ()):
            raise BufferError("A tensor has no negative stride.")
        return torch.from_dlpack(array, copy=True).to(self.device)

    def to_numpy(self, array: Array, /) -> np.ndarray[Any, Any]:
        """Return a tensor as NumPy's array; this waits for the device."""
        host: np.ndarray[Any, Any] = array.detach().cpu().resolve_conj().resolve_neg().numpy()
        return host

    def computing(self) -> AbstractContextManager[object]:
        """Place new arrays on the engine's device."""
        return nullcontext() if self.device == "cpu" else torch.device(str(self.device))

    def compile(self, run: Run, graph: Graph, /) -> Run:
        """Return ``run`` on the engine's device, by way of ``torch.compile`` if the option says so."""
        faster: Run = torch.compile(run, dynamic=None) if self._compiles else run
        if self.device == "cpu":
            return faster

        def placed(*arrays: Any) -> tuple[Any, ...]:
            with self.computing():
                return faster(*arrays)

        return placed

    def devices(self) -> tuple[str, ...]:
        """Return the CUDA devices, if any, and the CPU."""
        return (*(f"cuda:{i}" for i in range(torch.cuda.device_count())), "cpu")

    def probe(self) -> Probe:
        """Return PyTorch's version and that of CUDA; PyTorch can run wherever it was imported."""
        versions = {"torch": str(torch.__version__)}
        if torch.version.cuda and torch.cuda.is_available():
            versions["CUDA"] = torch.version.cuda
        return Probe(ok=True, devices=self.devices(), versions=versions)
