"""MLX as a kbplug engine. It knows conversions and when MLX computes; the namespace and an index are beside it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib.metadata import version
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import mlx.core as mx
import numpy as np

from kbplug.engine import STANDARD_DTYPES, Array, Capabilities, Engine, Probe
from kbplug_mlx import namespace
from kbplug_mlx.indexing import KERNELS

if TYPE_CHECKING:
    from kbplug.graph.graph import Graph

Run = Callable[..., tuple[Array, ...]]


class MlxEngine(Engine):
    """Runs graphs with MLX on the CPU.

    MLX has no complex128. Its float64 is one in name: ``exp``, ``sin`` and others give the digits of a float32.
    So neither is promised. Nor is ``linalg``, of which MLX has a part.
    """

    name = "mlx"
    xp = namespace
    kernels = MappingProxyType(KERNELS)
    capabilities = Capabilities(dtypes=(STANDARD_DTYPES | {"float16"}) - {"float64", "complex128"}, linalg=False)

    def from_numpy(self, array: np.ndarray[Any, Any], /, *, device: str | None = None) -> Array:
        """Return a copy of ``array`` as MLX's, with the same shape, dtype and values."""
        plain = np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
        dtype = self.dtype(plain.dtype.name)
        with mx.stream(mx.cpu):
            return mx.array(plain, dtype=dtype) if plain.size else mx.zeros(plain.shape, dtype)

    def to_numpy(self, array: Array, /) -> np.ndarray[Any, Any]:
        """Return a copy as NumPy's array; this computes what is still to be computed."""
        return np.array(array)

    def computing(self) -> AbstractContextManager[object]:
        """Compute on the CPU, where MLX has another device too."""
        return mx.stream(mx.cpu)

    def compile(self, run: Run, graph: Graph, /) -> Run:
        """Return ``run`` with its results computed: MLX computes late, and then only in the thread that asked."""

        def computed(*arrays: Array) -> tuple[Array, ...]:
            with mx.stream(mx.cpu):
                found = run(*arrays)
                mx.eval(*found)
            return found

        return computed

    def probe(self) -> Probe:
        """Return MLX's version; it can run wherever it was imported."""
        return Probe(ok=True, devices=self.devices(), versions={"mlx": version("mlx")})
