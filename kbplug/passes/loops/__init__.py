"""Loops as programs: what they compute twice, for nobody, or step by step without need.

``keep`` leaves to a loop what its gradient would compute again, ``outside`` computes before and after a loop what need
not go from step to step, ``prune`` drops what nothing asks for.
"""

from __future__ import annotations

from kbplug.graph.graph import Graph
from kbplug.passes.loops.keep import keep
from kbplug.passes.loops.outside import outside
from kbplug.passes.loops.prune import prune
from kbplug.passes.nested import contains
from kbplug.passes.pieces import pieces


def loops(graph: Graph) -> Graph:
    """Return ``graph`` with its loops, those inside it too, left with what must go from step to step."""
    if not contains(graph, "scan"):  # as most graphs, which need not be rebuilt four times for nothing
        return pieces(graph)
    return prune(outside(keep(pieces(prune(graph)))))


__all__ = ["loops"]
