"""What a plugin fills in: an engine, what it can do, and whether it can run here.

This module imports no array library; ``numpy`` appears in annotations only.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from kbplug.errors import EngineError, did_you_mean

if TYPE_CHECKING:
    import numpy as np

    from kbplug.graph.graph import Graph
    from kbplug.graph.node import Node
    from kbplug.passes.shard import Sharding

API = "1.0"
"""Version of what this module and the hooks promise to plugins: minor adds, major breaks."""

Array = Any
"""An array of whatever library the engine speaks."""

Kernel = Callable[..., Any]
"""``kernel(*arrays, **params)``: an engine's own way to compute one op."""

STANDARD_DTYPES = frozenset(
    {
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float32",
        "float64",
        "complex64",
        "complex128",
    }
)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine promises. The conformance suite skips by these promises and by nothing else.

    Parameters
    ----------
    dtypes
        Names of the dtypes the engine can compute with.
    linalg, fft
        Whether the engine's namespace carries these extensions of the standard.
    data_dependent_shapes
        Whether results may have sizes known only when run (``nonzero``, ``unique_values``, ``x[mask]``).
    thread_safe
        Whether two threads may run compiled functions at the same time.
    """

    dtypes: frozenset[str] = STANDARD_DTYPES
    linalg: bool = True
    fft: bool = True
    data_dependent_shapes: bool = True
    thread_safe: bool = True


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether an engine can run on this machine, and if not, why.

    Parameters
    ----------
    ok
        True when at least one device can run.
    reason
        One sentence; empty when ``ok``.
    devices
        Names such as ``"cpu"`` or ``"cuda:0"``.
    versions
        Distribution name to version, for reports.
    """

    ok: bool
    reason: str = ""
    devices: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that ``kbplug doctor`` looked at, reported by a plugin's ``kbplug_checks`` hook.

    Parameters
    ----------
    name
        What was looked at.
    ok
        Whether it is as it should be.
    advice
        One sentence for the user: what is wrong and what to do.
    """

    name: str
    ok: bool
    advice: str = ""


class Engine:
    """The object that runs graphs with one array library.

    A plugin subclasses it, names its array namespace and overrides what its library does
    differently. An engine holds no state about graphs, so one instance serves every thread.

    Attributes
    ----------
    name
        The name users select, equal to the entry point's.
    xp
        A namespace that follows the Python Array API standard.
    device
        Where arrays are placed, one of ``devices()``; None leaves it to the library.
    kernels
        Op name to callable ``kernel(*arrays, **params)``. Each kernel computes exactly what the
        op's generic lowering computes; ops without one run by their lowering over ``xp``.
    capabilities
        What the engine promises to the conformance suite.
    speaks_numpy
        True when the engine's arrays are NumPy's own, so that values enter and leave unconverted.
    in_place
        Names of elementwise functions of ``xp`` that can write into a given array, so that a value no longer
        needed is written over, to the keyword that takes the array; an empty one if it follows the operands. The name
        ``"fused"`` says so of what ``fuse`` returns.
    row_ops
        Ops that ``fuse`` takes in a region beside elementwise ones and reductions over rows, where they work row by
        row: ``"take_along_axis"``, ``"one_in_row"``, and ``"sum"`` for sums of all rows, which parts have parts of.
    optimisations
        What the engine does by itself to be fast, and can do without: a name, and what it does.
    left_out
        The optimisations that functions do without here; see ``kbplug.without``.
    """

    name: str = ""
    xp: Any = None
    device: str | None = None
    kernels: Mapping[str, Kernel] = MappingProxyType({})
    capabilities: Capabilities = Capabilities()
    speaks_numpy: bool = False
    in_place: Mapping[str, str] = MappingProxyType({})
    row_ops: frozenset[str] = frozenset()
    optimisations: Mapping[str, str] = MappingProxyType({})
    left_out: frozenset[str] = frozenset()

    def from_numpy(self, array: np.ndarray[Any, Any], /, *, device: str | None = None) -> Array:
        """Return ``array`` as the engine's own, with the same shape, dtype and values.

        It may share memory with ``array``. ``device`` goes before the engine's own.
        """
        place = device or self.device
        return self.xp.asarray(array) if place is None else self.xp.asarray(array, device=place)

    def from_dlpack(self, array: Any, /) -> Array:
        """Return a copy, on the engine's device, of any library's array that speaks DLPack.

        It may raise whatever it likes for an array that it cannot take; that one goes by NumPy then.
        """
        if self.device is None:
            return self.xp.from_dlpack(array, copy=True)
        return self.xp.from_dlpack(array, device=self.device, copy=True)

    def to_numpy(self, array: Array, /) -> np.ndarray[Any, Any]:
        """Return an engine's array as NumPy's; on an accelerator this waits for the device."""
        raise NotImplementedError(f"The engine {self.name!r} does not say how its arrays become NumPy's.")

    def dtype(self, name: str, /) -> Any:
        """Return the namespace's own object for the dtype called ``name``."""
        return getattr(self.xp, name)

    def compile(self, run: Callable[..., tuple[Array, ...]], graph: Graph, /) -> Callable[..., tuple[Array, ...]]:
        """Return a faster callable with the behaviour of ``run``, the graph's emitted Python function."""
        return run

    def compile_donating(
        self, run: Callable[..., tuple[Array, ...]], graph: Graph, donated: tuple[int, ...], /
    ) -> Callable[..., tuple[Array, ...]] | None:
        """Return what ``compile`` does, but free to compute into the arguments at the positions ``donated``.

        Nobody else holds these arrays, and nobody reads them afterwards. None, as here, if the library has no use
        for that.
        """
        return None

    def computing(self) -> AbstractContextManager[object]:
        """Return what must hold while this engine computes outside a compiled function, such as silenced warnings."""
        return nullcontext()

    def kernel_at(self, node: Node, /) -> Kernel | None:
        """Return a function for one node, where its ranks, dtypes or sizes allow a better one than ``kernels`` has.

        It takes what a kernel of the op takes. Kernels that plugins contribute for the op go before it.
        """
        return None

    def fuse(self, region: Graph, /) -> Kernel | None:
        """Return one callable for an elementwise or row-reduction region, or None to leave it unfused.

        It takes the region's operands and returns its result, or a tuple where there are several, none of which may
        share memory with an operand or with another.
        """
        return None

    def least_batch(self, sharding: Sharding, /) -> float | None:
        """Return from how many samples on this engine's kernel for ``sharded`` nodes saves time; None for never."""
        return None

    def devices(self) -> tuple[str, ...]:
        """Return the devices this engine can run on here, best first, named as ``"cpu"`` and ``"cuda:0"``."""
        return ("cpu",)

    def on(self, device: str, /) -> Self:
        """Return this engine as it places arrays on ``device``: one of ``devices()``, or a kind of them for the first.

        Raises
        ------
        EngineError
            If there is none.
        """
        here = self.devices()
        name = next((d for d in here if device in (d, d.partition(":")[0])), None)
        if name is None:
            raise EngineError(
                f"The engine {self.name!r} has no device {device!r} here; it has {', '.join(here)}."
                f"{did_you_mean(device, here)}"
            )
        placed = copy.copy(self)
        placed.device = name
        return placed

    def leaving_out(self, names: frozenset[str], /) -> Self:
        """Return this engine as it computes without some optimisations, whose names are known to be right."""
        reduced = copy.copy(self)
        reduced.left_out = names
        return reduced

    def probe(self) -> Probe:
        """Say whether this engine can run here. It reports; it never raises."""
        return Probe(ok=True, devices=self.devices())

    def __repr__(self) -> str:
        return f"<engine {self.name}>"
