"""One-shot demands: a graph computed node by node, with nothing compiled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from kbplug import plugins
from kbplug.config import settings
from kbplug.engine import Engine, Kernel
from kbplug.graph import tensor as tensors
from kbplug.graph.graph import Graph, topological
from kbplug.graph.node import CONSTANT, ITEM, Node
from kbplug.graph.spec import Spec
from kbplug.ops.declare import decomposition
from kbplug.passes.fold import Evaluate
from kbplug.passes.sharing import shared
from kbplug.runtime import exchange, values
from kbplug.runtime.calls import compute
from kbplug.runtime.cells import Cell, Locked, advances, cell_of, commit, reads


def kernels_of(engine: Engine, rng: str) -> Mapping[str, Kernel]:
    """Return the kernels in force: without the engine's own generator where ``rng`` is ``"portable"``.

    What is printed looks alike on every engine.
    """
    kernels: dict[str, Kernel] = {"print": partial(_print, engine), **plugins.kernels_for(engine)}
    if rng == "native":
        return kernels
    return {name: k for name, k in kernels.items() if "random" not in _traits(name)}


def _print(engine: Engine, x: Any, *, message: str) -> Any:
    print(message, engine.to_numpy(x))
    return x


def _traits(name: str) -> frozenset[str]:
    from kbplug.ops import REGISTRY

    return REGISTRY[name].traits if name in REGISTRY else frozenset()


def run_graph(graph: Graph, arguments: Sequence[Any], engine: Engine, kernels: Mapping[str, Kernel]) -> list[Any]:
    """Return the values of a graph's outputs for engine arrays as inputs."""
    found: dict[Node, Any] = dict(zip(graph.inputs, arguments, strict=True))
    for node in graph.nodes:
        if node not in found:
            found[node] = _value(node, found, engine, kernels)
    return [found[n] for n in graph.outputs]


def _value(node: Node, found: Mapping[Node, Any], engine: Engine, kernels: Mapping[str, Kernel]) -> Any:
    if node.op is CONSTANT:
        return engine.from_numpy(values.constant_data(node))
    if node.op is ITEM:
        return found[node.inputs[0]][node.params["index"]]
    if node.op.name == "read":
        return cell_of(node).on(engine)
    arrays = [found[i] for i in node.inputs]
    if "composite" in node.op.traits and node.op.name not in kernels:  # its graph has the casts, its body has not
        results = run_graph(decomposition(node), arrays, engine, kernels)
        return results[0] if isinstance(node.spec, Spec) else results

    def runner(nested: Graph) -> Any:
        return lambda *arguments: tuple(run_graph(nested, arguments, engine, kernels))

    result = compute(node, arrays, engine, kernels, runner)
    if node.op.name == "dim":  # a Python integer here; an array wherever it is not a size
        return engine.from_numpy(values.host_array(result, "int64"))
    return result


def evaluator(engine: Engine, kernels: Mapping[str, Kernel]) -> Evaluate:
    """Return what computes nodes of constants alone, for ``fold``."""

    def constants(nodes: Sequence[Node]) -> Sequence[Node]:
        with engine.computing():
            found = run_graph(Graph((), nodes), (), engine, kernels)
        return [values.constant(engine.to_numpy(v)) for v in found]

    return constants


def evaluate(outputs: Sequence[Node], updates: Sequence[tuple[Cell, Node]] = ()) -> list[values.HostArray]:
    """Return the values of concrete nodes as NumPy arrays; commit ``updates`` and the random streams read."""
    engine = plugins.engine()
    kernels = kernels_of(engine, settings().rng)
    ends = [*outputs, *(n for _, n in updates)]
    known = [n for n in topological(ends) if n in _demanded]
    nodes = list(topological(ends, known))
    commits = [*updates, *advances(nodes)]
    cells = [c for c, _ in commits]
    with Locked(cells):
        wanted = [*outputs, *(n for _, n in commits)]
        with engine.computing():
            begin = [engine.from_numpy(_demanded[n]) for n in known]
            found = run_graph(Graph(known, wanted), begin, engine, kernels)
        for i in shared(wanted, len(outputs)):
            if i >= len(outputs):
                found[i] = exchange.copied(found[i], engine)
        commit(cells, engine, found[len(outputs) :])
    return [values.owned(engine.to_numpy(v)) for v in found[: len(outputs)]]


_demanded: WeakKeyDictionary[Node, values.HostArray] = WeakKeyDictionary()
"""What tensors were asked for and came to, as long as their nodes live; nothing that reads a cell is among it."""


class Demands:
    """What the runtime does for tensors; see ``kbplug.graph.tensor.Host``."""

    def lift(self, value: Any) -> Node:
        """Return anything array-like as a constant."""
        return values.lift(value)

    def evaluate(self, node: Node) -> values.HostArray:
        """Return the value of a concrete node, and keep it unless it may change."""
        known = _demanded.get(node)
        if known is not None:
            return known
        (value,) = evaluate([node])
        if not node.stateful:
            value.setflags(write=False)
            _demanded[node] = value
        return value


tensors.host = Demands()

__all__ = ["evaluate", "evaluator", "kernels_of", "reads", "run_graph"]
