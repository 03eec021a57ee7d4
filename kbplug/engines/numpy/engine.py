"""NumPy as a kbplug engine."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import Context
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from kbplug.engine import STANDARD_DTYPES, Capabilities, Engine, Kernel, Probe
from kbplug.engines.numpy import blocks, conv, heap, idioms, linalg, pool, shards
from kbplug.engines.numpy.kernels import KERNELS
from kbplug.plugins import kernels_for

if TYPE_CHECKING:
    from kbplug.graph.graph import Graph
    from kbplug.graph.node import Node
    from kbplug.passes.shard import Sharding

Run = Callable[..., tuple[Any, ...]]


def _silent_context(*, alone: bool) -> Context:
    context = Context()
    context.run(np.seterr, all="ignore")
    context.run(pool.alone.set, alone)
    return context


@contextmanager
def _computing(*, alone: bool) -> Iterator[None]:
    token = pool.alone.set(alone)
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        pool.alone.reset(token)


_QUIET = """
def wrapped(run, idle, new):
    def quiet({arrays}):
        try:
            context = idle.pop()
        except IndexError:
            context = new()
        try:
            return context.run(run, {arrays})
        finally:
            idle.append(context)
    return quiet
"""
"""Arguments are named, since packing and unpacking them would take longer than entering the context."""


@functools.cache
def _wrapper(count: int) -> Callable[..., Run]:
    """Return what wraps functions of ``count`` arrays."""
    known: dict[str, Any] = {}
    exec(_QUIET.format(arrays="".join(f"a{i}, " for i in range(count))), known)  # noqa: S102 -- the source is our own
    wrapped: Callable[..., Run] = known["wrapped"]
    return wrapped


# By position is faster; for these two NumPy deprecates it.
_IN_PLACE = {
    name: "out" if name in ("maximum", "minimum") else ""
    for name, f in vars(np).items()
    if isinstance(f, np.ufunc) and f.signature is None
}


class NumpyEngine(Engine):
    """Runs graphs on the CPU with NumPy, which follows the standard itself."""

    name = "numpy"
    xp = np
    device = "cpu"
    kernels = MappingProxyType(KERNELS)
    capabilities = Capabilities(dtypes=STANDARD_DTYPES | {"float16"})
    speaks_numpy = True
    in_place = MappingProxyType(_IN_PLACE)
    row_ops = frozenset({"take_along_axis", "one_in_row", "sum"})
    optimisations = MappingProxyType(
        {
            "idioms": "some functions by several calls that are faster than one",
            "heap": "memory that arrays let go stays with the process, from the first function compiled with this on",
            "threads": "threads beside BLAS's own",
            "transforms": "convolutions by products of transforms, Winograd's and Fourier's",
        }
    )

    def __init__(self) -> None:
        self._idle: list[Context] = []

    def from_numpy(self, array: np.ndarray[Any, Any], /, *, device: str | None = None) -> np.ndarray[Any, Any]:
        """Return the array itself."""
        return array

    to_numpy = staticmethod(np.asarray)
    """Return the array itself; a NumPy scalar becomes a 0-d array."""

    def computing(self) -> AbstractContextManager[object]:
        """Silence floating-point warnings: a graph computes both sides of a ``where`` and means it."""
        return _computing(alone="threads" in self.left_out)

    def leaving_out(self, names: frozenset[str], /) -> Self:
        """Return this engine without some optimisations."""
        reduced = super().leaving_out(names)
        reduced._idle = []  # its contexts are told how many threads there are
        left = {n: k for n, k in KERNELS.items() if "idioms" not in names or n not in idioms.KERNELS}
        reduced.kernels = MappingProxyType({**left, **(conv.SLIDING if "transforms" in names else {})})
        return reduced

    def kernel_at(self, node: Node, /) -> Kernel | None:
        """Return what computes products of matrices and vectors at half the cost of a call."""
        return linalg.product_at(node) if "idioms" not in self.left_out else None

    def fuse(self, region: Graph, /) -> Kernel | None:
        """Return what runs a region block by block, if it may be large enough for that."""
        return blocks.Blocks(region, self, kernels_for(self)) if blocks.worth(region) else None

    def least_batch(self, sharding: Sharding, /) -> float | None:
        """Return from how many samples on threads save more than they cost."""
        return None if "threads" in self.left_out else shards.least_batch(sharding)

    def compile(self, run: Run, graph: Graph, /) -> Run:
        """Return ``run`` without floating-point warnings, at a fifth of the cost of entering ``errstate``.

        NumPy keeps its error state in a context variable, so ``run`` is called in a context where warnings
        are off. A context serves one call at a time; idle ones wait in a pool.
        """
        if "heap" not in self.left_out:
            heap.keep()
        new = functools.partial(_silent_context, alone="threads" in self.left_out)
        return _wrapper(len(graph.inputs))(run, self._idle, new)

    def probe(self) -> Probe:
        """Say which NumPy runs."""
        return Probe(ok=True, devices=("cpu",), versions={"numpy": np.__version__})
