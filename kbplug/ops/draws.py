"""Random draws inside loops: a stream opened in a step becomes one stream per step. Knows streams, and no loop.

A step is traced once, so the stream that it opens would be read before the loop and every step would draw the same.
Here the state that was read is split instead, and each step is handed a state of its own as an argument. The loop's
derivative runs steps on the same arguments, so it sees the same draws.
"""

from __future__ import annotations

from collections.abc import Iterable

from kbplug.graph.graph import built_since
from kbplug.graph.node import Node, remake
from kbplug.graph.tensor import Tensor
from kbplug.graph.trace import Traced, trace
from kbplug.ops.namespace import size_operands
from kbplug.ops.random import STATE, split
from kbplug.ops.state import moves


def streams_opened(captured: Iterable[Node], begin: int) -> list[Node]:
    """Return the reads of random streams below ``captured`` that were built since ``begin``."""
    return [n for n in built_since(captured, begin) if moves(n)]


def drawing_from(traced: Traced, streams: list[Node], begin: int) -> Traced:
    """Return a traced graph with one more argument per stream, the state that takes its place; arguments go first."""
    count = len(traced.graph.inputs) - len(traced.captured)
    young = built_since(traced.captured, begin)

    def again(*given: Tensor) -> list[Tensor]:
        new = dict(zip(streams, (t.node for t in given[count:]), strict=True))
        for node in young:
            if node not in new:
                new[node] = remake(node, tuple(new.get(i, i) for i in node.inputs))
        arguments = [*(t.node for t in given[:count]), *(new.get(n, n) for n in traced.captured)]
        return [Tensor(n) for n in traced.graph(*arguments)]

    return trace(again, [*(n.result for n in traced.graph.inputs[:count]), *[STATE] * len(streams)])


def split_streams(streams: Iterable[Node], steps: int | Tensor) -> list[Tensor]:
    """Return for each stream the states of as many streams as there are steps, stacked."""
    sizes, static = size_operands(steps)
    return [split(Tensor(s), *sizes, shape=static) for s in streams]
