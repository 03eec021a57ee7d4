"""One op applied to placeholders that fit one sample, and ways to run it. Knows no op by name."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from kbplug.engine import Engine
from kbplug.graph.graph import Graph
from kbplug.graph.node import placeholder
from kbplug.graph.op import Op
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor, outputs
from kbplug.plugins import engine_scope
from kbplug.runtime.function import Function
from kbplug.testing.samples import Sample

HostArray = np.ndarray[Any, Any]

GROUND = "numpy"
"""The engine on which differences are taken, and with which the others must agree."""

NARROWER = {"float64": "float32", "complex128": "complex64"}


class Application(NamedTuple):
    """An op on placeholders.

    Attributes
    ----------
    inputs
        A placeholder per operand that is present.
    outputs
        A tensor per result.
    values
        What the sample feeds to the inputs.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    values: tuple[HostArray, ...]


def apply(op: Op, sample: Sample, *, hidden: bool = False, narrow: bool = False) -> Application:
    """Return ``op`` applied to placeholders for ``sample``.

    Parameters
    ----------
    op
        The op.
    sample
        Its operands and parameters.
    hidden
        Whether every size is unknown to the graph.
    narrow
        Whether double precision becomes single.
    """
    arrays = [a if a is None or not narrow else narrowed(a) for a in sample.arrays]
    operands = [None if a is None else fitting(a, hidden=hidden) for a in arrays]
    results = outputs(op(*operands, **sample.params))
    present = [(t, a) for t, a in zip(operands, arrays, strict=True) if t is not None]
    return Application(tuple(t for t, _ in present), results, tuple(a for _, a in present))


def fitting(array: HostArray, *, hidden: bool = False) -> Tensor:
    """Return a placeholder that ``array`` can be fed to."""
    return Tensor(placeholder(Spec((None,) * array.ndim if hidden else array.shape, array.dtype.name)))


def narrowed(array: HostArray) -> HostArray:
    """Return ``array`` in single precision if it is in double, else as it is."""
    return array.astype(narrower(array.dtype.name))


def narrower(dtype: str) -> str:
    """Return the single precision of a double one, and any other dtype as it is."""
    return NARROWER.get(dtype, dtype)


def narrows(sample: Sample) -> bool:
    """Say whether ``sample`` holds double precision that may become single; a graph among its parameters fixes it."""
    free = not any(isinstance(v, Graph) for v in sample.params.values())
    return free and any(a is not None and a.dtype.name in NARROWER for a in sample.arrays)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence what libraries say of infinities, NaN and means of nothing, which samples hold on purpose."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def function(
    inputs: Sequence[Tensor], results: Sequence[Tensor], engine: str | Engine
) -> Callable[[Sequence[HostArray]], list[HostArray]]:
    """Return a compiled function that runs on ``engine``; what is not finite is no warning in it."""
    compiled = Function(inputs, results)

    def call(values: Sequence[HostArray]) -> list[HostArray]:
        with engine_scope(engine), quiet():
            return compiled(values)

    return call


def run(
    inputs: Sequence[Tensor], results: Sequence[Tensor], values: Sequence[HostArray], engine: str | Engine
) -> list[HostArray]:
    """Return the results of a compiled function for ``values``."""
    return function(inputs, results, engine)(values)
