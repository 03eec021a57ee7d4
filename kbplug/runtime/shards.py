"""A compiled function and its twin that runs in shards: the size of the batch says, call by call, which of them runs.

The twin is planned and emitted when the first call comes that might be worth it. Knows no engine by name: one that runs
``sharded`` nodes its own way has a kernel for them, and says from how many samples on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kbplug.engine import Engine, Kernel
from kbplug.graph.graph import Graph
from kbplug.graph.node import Node
from kbplug.passes.shard import Sharding, shard
from kbplug.runtime.calls import Run
from kbplug.runtime.lowering import compiled, emitted

SMALLEST = 512
"""Calls whose batches all have fewer elements are not looked at."""

MOST = 8
"""How many groups of inputs are tried as the batch, those of the largest first."""

USUAL = 32
"""How many samples an unknown batch is taken to have, when it is compared with others."""


@dataclass(frozen=True)
class Twin:
    """A function in shards: what runs, from how many elements of its first batch on, and the axes of the batches."""

    run: Run
    first: int
    least: float
    batch: tuple[tuple[int, int], ...]

    def takes(self, arrays: Sequence[Any]) -> bool:
        """Say whether it is worth it for these arrays, and right: their batches must have one size."""
        if arrays[self.first].size < self.least:
            return False
        sizes = {arrays[i].shape[axis] for i, axis in self.batch}
        return len(sizes) == 1 and sizes.pop() > 1


def with_shards(run: Run, graph: Graph, engine: Engine, kernels: Mapping[str, Kernel]) -> Run:
    """Return ``run``, or what chooses between it and a twin that runs in shards.

    Parameters
    ----------
    run
        What computes ``graph``, compiled.
    graph
        The graph before fusion.
    kernels
        The engine's own ways; without one for ``sharded`` there is no twin.
    """
    able = "sharded" in kernels and "shard" not in engine.left_out
    groups = _groups(graph.inputs) if able else []
    if not groups:
        return run
    decided: tuple[Twin | None, Sequence[int], float] = (None, sorted({i for g in groups for i in g}), SMALLEST)

    def chosen(*arrays: Any) -> tuple[Any, ...]:
        nonlocal decided
        twin, looked_at, least = decided
        for i in looked_at:
            if arrays[i].size >= least:
                break
        else:
            return run(*arrays)
        if twin is None:
            twin = _plan(graph, groups, engine, kernels)
            decided = (None, (), 0) if twin is None else (twin, (twin.first,), twin.least)
        return twin.run(*arrays) if twin is not None and twin.takes(arrays) else run(*arrays)

    return chosen


def _groups(inputs: Sequence[Node]) -> list[list[int]]:
    """Return the positions of inputs that may carry one batch: what is fed, and alike in its first size."""
    found: dict[int | None, list[int]] = {}
    for i, node in enumerate(inputs):
        if node.op.name != "read" and node.result.ndim and node.result.shape[0] not in (0, 1):
            found.setdefault(node.result.shape[0], []).append(i)

    def elements(group: Sequence[int]) -> float:
        sizes = [inputs[i].result.size for i in group]
        return math.inf if None in sizes else max(n for n in sizes if n is not None)

    return sorted((g for g in found.values() if elements(g) >= SMALLEST), key=elements, reverse=True)[:MOST]


def _plan(graph: Graph, groups: Sequence[Sequence[int]], engine: Engine, kernels: Mapping[str, Kernel]) -> Twin | None:
    """Return the twin for the group of inputs that saves most, if the engine wants one."""
    plans = [p for g in groups if (p := shard(graph, dict.fromkeys(g, 0))) is not None]
    best = max(plans, key=lambda p: p.work * (_samples(p) or USUAL), default=None)
    samples = None if best is None else engine.least_batch(best)
    if best is None or samples is None:
        return None
    first = next(iter(best.batch))
    each = math.prod(n for n in graph.inputs[first].result.shape[1:] if n is not None)
    return Twin(_emitted(best, engine, kernels), first, samples * each, tuple(best.batch.items()))


def _samples(plan: Sharding) -> int | None:
    i, axis = next(iter(plan.batch.items()))
    return plan.graph.inputs[i].result.shape[axis]


def _emitted(plan: Sharding, engine: Engine, kernels: Mapping[str, Kernel]) -> Run:
    graph, program = emitted(plan.graph, engine, kernels)
    whole = compiled(program, graph, engine)

    def run(*arrays: Any) -> tuple[Any, ...]:
        try:
            return whole(*arrays)
        except Exception as error:
            program.explain(error)
            raise

    return run
