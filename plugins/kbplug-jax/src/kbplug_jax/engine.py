"""JAX as a kbplug engine. It knows devices, conversions and ``jax.jit``; kernels are beside it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from kbplug.engine import STANDARD_DTYPES, Array, Capabilities, Engine, Probe
from kbplug_jax.kernels import KERNELS, VALUE_NEEDED

if TYPE_CHECKING:
    from kbplug.graph.graph import Graph

Run = Callable[..., tuple[Any, ...]]


class JaxEngine(Engine):
    """Runs graphs with JAX; each function is compiled as a whole.

    A function whose sizes depend on values, or that prints, cannot be compiled and runs op by op.

    Parameters
    ----------
    device
        Where arrays are placed, as ``"cpu"`` or ``"cuda:0"``; by default JAX's first device.
    jit
        Whether functions are compiled.

    Raises
    ------
    ValueError
        If there is no such device here.
    """

    name = "jax"
    xp = jnp
    kernels = MappingProxyType(KERNELS)
    capabilities = Capabilities(dtypes=STANDARD_DTYPES | {"float16"})

    def __init__(self, device: str | None = None, jit: bool = True) -> None:
        jax.config.update("jax_enable_x64", True)  # else float64 is float32 without a word
        self._places = {_name(place): place for place in (*jax.devices(), *jax.devices("cpu"))}
        if device is not None and device not in self._places:
            raise ValueError(f"options.jax.device is {device!r}, but here are {', '.join(self._places)}.")
        self.device = self._places[device or self.devices()[0]]
        self._compiles = jit

    def from_numpy(self, array: np.ndarray[Any, Any], /, *, device: str | None = None) -> Array:
        """Return a copy of ``array`` on ``device``; JAX might share memory that the caller goes on to write into."""
        return jax.device_put(jnp.array(array, copy=True), self.device if device is None else self._places[device])

    def to_numpy(self, array: Array, /) -> np.ndarray[Any, Any]:
        """Return a writable copy as NumPy's array; this waits for the device."""
        return np.array(array)

    def computing(self) -> AbstractContextManager[object]:
        """Place new arrays on the engine's device."""
        placed: AbstractContextManager[object] = jax.default_device(self.device)
        return placed

    def compile(self, run: Run, graph: Graph, /) -> Run:
        """Return ``run`` compiled, or op by op from the first call on that needs a value while it is traced."""
        prints = any("effect" in node.op.traits for node in graph.nodes)
        traced: Run | None = jax.jit(run) if self._compiles and not prints else None

        def placed(*arrays: Any) -> tuple[Any, ...]:
            nonlocal traced
            with jax.default_device(self.device):
                if traced is not None:
                    try:
                        return traced(*arrays)
                    except VALUE_NEEDED:
                        traced = None
                return run(*arrays)

        return placed

    def devices(self) -> tuple[str, ...]:
        """Return JAX's devices, best first."""
        return tuple(self._places)

    def probe(self) -> Probe:
        """Return JAX's version; it can run wherever it was imported."""
        return Probe(ok=True, devices=self.devices(), versions={"jax": jax.__version__})


def _name(device: Any) -> str:
    """Return the name that every engine gives a device."""
    if device.platform == "cpu":
        return "cpu"
    return f"{'cuda' if device.platform in ('gpu', 'cuda') else device.platform}:{device.id}"
