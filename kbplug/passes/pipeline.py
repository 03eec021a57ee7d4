"""The passes by name, in their order: the one list by which graphs are rewritten and what may be left out is known.

A pass that needs more than a graph takes it from ``Means``, which the runtime fills in. What needs the engine itself,
or the order of the emitted lines, is no step of this list, but has its name beside it in ``AFTERWARDS``.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from kbplug.dtypes import Scalar
from kbplug.graph.graph import Graph
from kbplug.graph.node import Node
from kbplug.passes.expand import expand
from kbplug.passes.fold import Evaluate, fold
from kbplug.passes.join import join
from kbplug.passes.loops import loops
from kbplug.passes.simplify import simplify
from kbplug.passes.specialise import specialise


@dataclass(frozen=True, slots=True)
class Means:
    """What passes are given beside a graph.

    Attributes
    ----------
    evaluate
        Computes a node of constants, for ``fold``.
    kernels
        The names of ops that ``expand`` leaves to the engine.
    known
        Values of cells that ``specialise`` makes constants.
    """

    evaluate: Evaluate
    kernels: Container[str]
    known: Mapping[Node, Scalar]


@dataclass(frozen=True, slots=True)
class Pass:
    """One step: its name, what it does, and whether a graph runs without it."""

    name: str
    does: str
    apply: Callable[[Graph, Means], Graph]
    optional: bool = True


_SIMPLIFY = Pass("simplify", "identities such as x * 1 = x", lambda graph, means: simplify(graph))

PIPELINE = (
    Pass("specialise", "known learning phases are constants", lambda graph, means: specialise(graph, means.known)),
    _SIMPLIFY,
    Pass("join", "a loop and its gradient run it once", lambda graph, means: join(graph)),
    Pass("loops", "loops compute only what goes from step to step", lambda graph, means: loops(graph)),
    Pass("fold", "constants are computed ahead", lambda graph, means: fold(graph, means.evaluate)),
    Pass("expand", "composites are made of primitives", lambda graph, means: expand(graph, means.kernels), False),
    _SIMPLIFY,
)

AFTERWARDS: Mapping[str, str] = MappingProxyType(
    {
        "fuse": "elementwise regions run as one",
        "release": "values are let go or written over after their last use",
        "compile": "the engine compiles the emitted function",
        "shard": "a batch is computed in parts at the same time",
    }
)
"""What happens to a graph after these passes, and may be left out as well."""

OPTIMISATIONS: Mapping[str, str] = MappingProxyType({p.name: p.does for p in PIPELINE if p.optional} | {**AFTERWARDS})
"""The name of all that may be left out on every engine, and what it does."""


def steps(graph: Graph, means: Means, left_out: Container[str] = ()) -> Iterator[tuple[str, Graph]]:
    """Yield the graph after each pass that is not ``left_out``, by the name of the pass."""
    for step in PIPELINE:
        if step.name not in left_out or not step.optional:
            graph = step.apply(graph, means)
            yield step.name, graph


def optimised(graph: Graph, means: Means, left_out: Container[str] = ()) -> Graph:
    """Return the graph after all passes of this list that are not ``left_out``."""
    *_, (_, last) = steps(graph, means, left_out)
    return last
