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
from kbplug_jax import namespace
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
    donate
        Whether compiled functions compute the new values of variables into the memory of the old.

    Raises
    ------
    ValueError
        If there is no such device here.
    """

    name = "jax"
    xp = namespace
    kernels = MappingProxyType(KERNELS)
    capabilities = Capabilities(dtypes=STANDARD_DTYPES | {"float16"})

    def __init__(self, device: str | None = None, jit: bool = True, donate: bool = True) -> None:
        jax.config.update("jax_enable_x64", True)  # else float64 is float32 without a word
        self._places = {_name(place): place for place in (*jax.devices(), *jax.devices("cpu"))}
        if device is not None and device not in self._places:
            raise ValueError(f"options.jax.device is {device!r}, but here are {', '.join(self._places)}.")
        self.device = device or self.devices()[0]
        self._compiles, self._donates = jit, donate

    def _place(self, device: str | None = None) -> Any:
        return self._places[device or str(self.device)]

    def from_numpy(self, array: np.ndarray[Any, Any], /, *, device: str | None = None) -> Array:
        """Return a copy of ``array`` on ``device``; JAX might share memory that the caller goes on to write into."""
        return jax.device_put(jnp.array(array, copy=True), self._place(device))

    def from_dlpack(self, array: Any, /) -> Array:
        """Return a copy, on the engine's device, of any library's array that speaks DLPack."""
        return jax.device_put(jnp.from_dlpack(array, copy=True), self._place())

    def to_numpy(self, array: Array, /) -> np.ndarray[Any, Any]:
        """Return a writable copy as NumPy's array; this waits for the device."""
        return np.array(array)

    def computing(self) -> AbstractContextManager[object]:
        """Place new arrays on the engine's device."""
        placed: AbstractContextManager[object] = jax.default_device(self._place())
        return placed

    def compile(self, run: Run, graph: Graph, /) -> Run:
        """Return ``run`` compiled, or op by op from the first call on that needs a value while it is traced."""
        return self._placed(run, jax.jit(run) if self._compiles and not _prints(graph) else None)

    def compile_donating(self, run: Run, graph: Graph, donated: tuple[int, ...], /) -> Run | None:
        """Return what ``compile`` does, with the memory of the arguments at ``donated`` given to the results."""
        if not (self._compiles and self._donates) or _prints(graph):
            return None
        return self._placed(run, jax.jit(run, donate_argnums=donated))

    def _placed(self, run: Run, traced: Run | None) -> Run:
        place = self._place()

        def placed(*arrays: Any) -> tuple[Any, ...]:
            nonlocal traced
            with jax.default_device(place):
                if traced is not None:
                    try:
                        return traced(*arrays)
                    except VALUE_NEEDED:  # while it is traced, so nothing was donated yet
                        traced = None
                return run(*arrays)

        return placed

    def devices(self) -> tuple[str, ...]:
        """Return JAX's devices, best first."""
        return tuple(self._places)

    def probe(self) -> Probe:
        """Return JAX's version; it can run wherever it was imported."""
        return Probe(ok=True, devices=self.devices(), versions={"jax": jax.__version__})


def _prints(graph: Graph) -> bool:
    return any("effect" in node.op.traits for node in graph.nodes)


def _name(device: Any) -> str:
    """Return the name that every engine gives a device."""
    if device.platform == "cpu":
        return "cpu" if device.id == 0 else f"cpu:{device.id}"
    return f"{'cuda' if device.platform in ('gpu', 'cuda') else device.platform}:{device.id}"
