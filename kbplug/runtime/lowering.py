"""From a graph to what an engine runs: plugins' passes, regions, the emitted function; minds what is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kbplug import plugins
from kbplug.engine import Engine, Kernel
from kbplug.graph.graph import Graph
from kbplug.passes.fuse import fuse
from kbplug.runtime.calls import Run
from kbplug.runtime.emit import Program, emit


def extended(graph: Graph, engine: Engine) -> Graph:
    """Return ``graph`` after the passes that plugins add for ``engine``."""
    for added in plugins.passes_for(engine):
        if plugins.name_of(added) not in engine.left_out:
            graph = added(graph)
    return graph


def emitted(graph: Graph, engine: Engine, kernels: Mapping[str, Kernel]) -> tuple[Graph, Program]:
    """Return ``graph`` with the regions fused that ``engine`` runs its own way, and its program."""
    regions: Mapping[Graph, Kernel] = {}
    if "fuse" not in engine.left_out:
        graph, regions = fuse(graph, engine.fuse, engine.row_ops)
    return graph, emit(graph, engine, kernels, regions)


def compiled(program: Program, graph: Graph, engine: Engine) -> Run:
    """Return what runs a program: what the engine makes of it, or, if that is left out, its lines one by one."""
    if "compile" not in engine.left_out:
        return engine.compile(program.run, graph)

    def line_by_line(*arrays: Any) -> tuple[Any, ...]:
        with engine.computing():
            return program.run(*arrays)

    return line_by_line
