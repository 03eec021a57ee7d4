"""Control flow as ordinary ops: ``cond``, ``scan``, ``while_`` and ``fused`` take graphs as parameters.

In a kernel or body such a parameter arrives as a callable from arrays to a tuple of arrays.
"""

from __future__ import annotations

from typing import Any

from kbplug.graph.graph import Graph
from kbplug.graph.spec import Spec
from kbplug.ops.declare import primitive


def results(body: Graph) -> Spec | tuple[Spec, ...]:
    """Return the spec of a graph's results as an op's: one alone, or a tuple."""
    specs = tuple(n.result for n in body.outputs)
    return specs[0] if len(specs) == 1 else specs


@primitive()
def fused(*arrays: Spec, body: Graph) -> Spec | tuple[Spec, ...]:
    """A region that an engine runs as one."""
    return results(body)


@fused.implement
def _(xp: Any, *arrays: Any, body: Any) -> Any:
    found = body(*arrays)
    return found[0] if len(found) == 1 else found
