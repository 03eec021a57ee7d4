"""How one node is computed on one engine: a kernel, the op's body over ``xp``, or the standard's own function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kbplug.dtypes import COMPLEX
from kbplug.engine import Engine, Kernel
from kbplug.errors import EngineError
from kbplug.graph.graph import Graph
from kbplug.graph.node import ArrayValue, Node
from kbplug.graph.op import Op

Run = Callable[..., tuple[Any, ...]]


def sized(node: Node) -> int:
    """Return how many of the last operands are sizes that fill the Nones of the parameter ``shape``."""
    return sum(n is None for n in node.params["shape"]) if "sized" in node.op.traits else 0


def fill_shape(shape: Sequence[int | None], sizes: Sequence[Any]) -> tuple[int, ...]:
    """Return a shape with its Nones replaced, in order, by sizes read as integers."""
    rest = iter(sizes)
    return tuple(int(next(rest)) if n is None else n for n in shape)


def engine_params(params: Mapping[str, Any], engine: Engine, runner: Callable[[Graph], Run]) -> dict[str, Any]:
    """Return parameters as kernels and bodies take them: dtypes of the engine, callables in place of graphs."""
    return {k: _engine_param(k, v, engine, runner) for k, v in params.items()}


def _engine_param(name: str, value: Any, engine: Engine, runner: Callable[[Graph], Run]) -> Any:
    if name == "dtype" and value is not None:
        return engine.dtype(value)
    if isinstance(value, Graph):
        return runner(value)
    return value.data if isinstance(value, ArrayValue) else value


def standard(op: Op, engine: Engine) -> Kernel:
    """Return the function of the engine's namespace that has the op's name.

    Raises
    ------
    EngineError
        If the namespace lacks it.
    """
    found = engine.xp
    for part in op.name.split("."):
        found = getattr(found, part, None)
        if found is None:
            raise EngineError(
                f"The engine {engine.name!r} has neither a kernel for {op.name!r} nor that function in its namespace."
            )
    return found  # type: ignore[no-any-return]


def body_of(node: Node) -> Kernel | None:
    """Return the op's body over a namespace, or None where the namespace's own function computes ``node``."""
    if "complex body" in node.op.traits and node.inputs[0].result.dtype not in COMPLEX:
        return None
    return node.op.lower


def compute(node: Node, arrays: Sequence[Any], engine: Engine, kernels: Mapping[str, Kernel], runner: Any) -> Any:
    """Return the value of ``node`` for given operand values."""
    op, params = node.op, dict(node.params)
    tail = sized(node)
    if tail:
        params["shape"] = fill_shape(params["shape"], arrays[len(arrays) - tail :])
        arrays = arrays[: len(arrays) - tail]
    placed, keywords = op.arrange(arrays, params)
    keywords = engine_params(keywords, engine, runner)
    if op.name in kernels:
        return kernels[op.name](*placed, **keywords)
    body = body_of(node)
    if body is not None:
        return body(engine.xp, *placed, **keywords)
    function = standard(op, engine)
    positional = [keywords.pop(name) for name in op.positional]
    if "sequence" in op.traits:
        return function(placed, *positional, **keywords)
    return function(*placed, *positional, **keywords)
