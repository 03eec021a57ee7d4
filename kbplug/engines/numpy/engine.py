"""NumPy as a kbplug engine."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np

from kbplug.engine import STANDARD_DTYPES, Capabilities, Engine, Probe
from kbplug.engines.numpy.kernels import KERNELS


class NumpyEngine(Engine):
    """Runs graphs on the CPU with NumPy, which follows the standard itself."""

    name = "numpy"
    xp = np
    kernels = MappingProxyType(KERNELS)
    capabilities = Capabilities(dtypes=STANDARD_DTYPES | {"float16"})

    def from_numpy(self, array: np.ndarray[Any, Any], /, *, device: str | None = None) -> np.ndarray[Any, Any]:
        """Return the array itself."""
        return array

    def to_numpy(self, array: Any, /) -> np.ndarray[Any, Any]:
        """Return the array itself; a NumPy scalar becomes a 0-d array."""
        return np.asarray(array)

    def probe(self) -> Probe:
        """Say which NumPy runs."""
        return Probe(ok=True, devices=("cpu",), versions={"numpy": np.__version__})
