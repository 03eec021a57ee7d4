"""How a compiled function is measured, node by node, and the machine beside it. Knows no library but the engine's."""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from kbplug.engine import Engine
from kbplug.graph.graph import Graph, results
from kbplug.graph.node import CONSTANT, Node, make, placeholder
from kbplug.graph.op import Specs
from kbplug.graph.spec import Spec
from kbplug.runtime import values
from kbplug.runtime.calls import Run
from kbplug.runtime.costs import operations, traffic
from kbplug.runtime.emit import Program
from kbplug.runtime.profile import Limits, Profile, Row

SECONDS = 0.3
"""How long a call is repeated, if one does not take longer."""


def measure(
    program: Program, graph: Graph, inputs: Sequence[Any], *, name: str, engine: Engine, run: Run | None
) -> Profile:
    """Return what each node of an emitted function costs on ``inputs``.

    Parameters
    ----------
    program, graph
        The emitted function, and what it was emitted from.
    inputs
        Arrays of the engine, cells included.
    name
        For humans.
    engine
        What runs it.
    run
        What a call runs, or None where it may not run twice on the same arrays.
    """
    with engine.computing():
        watch = _watched(engine, program, inputs)
        whole = None if run is None else statistics.median(_repeated(lambda: settle(engine, run(*inputs))))
        limits = limits_of(engine)
    known = dict(zip(graph.inputs, map(_spec_of, inputs), strict=True))
    rows = [_row(*found, limits) for found in _assembled(program.places, watch, known)]
    return Profile(name, engine.name, tuple(rows), whole, limits)


def _repeated(call: Callable[[], object]) -> list[float]:
    """Return the seconds of each call, the first one left out where there are others."""
    times: list[float] = []
    while sum(times) < SECONDS or len(times) < 2:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
        if times[0] > SECONDS:
            break
    return times[1:] or times


class _Watch:
    """Notes how long each line took and what it returned."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.last = engine, 0.0
        self.times: dict[int, list[float]] = {}
        self.specs: dict[int, Specs] = {}

    def __call__(self, line: int, value: Any) -> None:
        settle(self.engine, value)
        self.times.setdefault(line, []).append(time.perf_counter() - self.last)
        if line not in self.specs:
            self.specs[line] = _spec_of(value)
        self.last = time.perf_counter()


def _watched(engine: Engine, program: Program, inputs: Sequence[Any]) -> _Watch:
    watch = _Watch(engine)
    run = _instrumented(program, watch)

    def call() -> None:
        watch.last = time.perf_counter()
        run(*inputs)

    try:
        _repeated(call)
    except Exception as error:
        program.explain(error)
        raise
    return watch


def _instrumented(program: Program, watch: _Watch) -> Run:
    """Return the emitted function with a note after each line that computes; lines keep their numbers."""
    lines = program.source.splitlines()
    first = next(i for i, text in enumerate(lines) if text.startswith("def run("))
    last = next(i for i in range(first, len(lines)) if lines[i].startswith("    return "))
    for i in range(first, last):
        if i + 1 in program.places and not lines[i].startswith("    del "):
            lines[i] += f"; watch({i + 1}, {lines[i].split(' = ')[0].strip()})"
    known = {**program.run.__globals__, "watch": watch}
    code = compile("\n".join(lines[: last + 1]), program.run.__code__.co_filename, "exec")
    exec(code, known)  # noqa: S102 -- the source is what emit wrote, with notes
    made: Run = known["run"]
    return made


def settle(engine: Engine, value: Any) -> None:
    """Wait until a value is there: an engine may queue its work, or put it off until somebody looks."""
    if engine.speaks_numpy:
        return
    if isinstance(value, tuple | list):
        for part in value:
            settle(engine, part)
    elif hasattr(value, "block_until_ready"):
        value.block_until_ready()
    elif 0 not in getattr(value, "shape", (0,)):
        first = engine.xp.reshape(value, (-1,))[:1]
        bool((first == first)[0])  # noqa: PLR0124 -- whatever it is, it must be computed to be compared


def _spec_of(value: Any) -> Specs:
    if isinstance(value, tuple | list):
        return tuple(s for s in map(_spec_of, value) if isinstance(s, Spec))
    if isinstance(value, int):  # a size
        return Spec((), "int64")
    return Spec(tuple(int(n) for n in value.shape), str(value.dtype).rpartition(".")[2])


Found = tuple[Node, Node, float]
"""A node; the same over operands of the sizes it met; its seconds."""


def _assembled(places: Mapping[int, Node], watch: _Watch, known: dict[Node, Specs]) -> Iterator[Found]:
    """Yield what each line computed, in the order of the run."""
    for line, times in watch.times.items():
        node, found = places[line], watch.specs[line]
        known[node] = found
        if not isinstance(found, Spec) and node.op.name == "fused":  # its results have no lines of their own
            known |= dict(zip(results(node), found, strict=True))
        yield node, _met(node, known, found), statistics.median(times[1:] or times)


def _met(node: Node, known: Mapping[Node, Specs], found: Specs) -> Node:
    operands = [known.get(i, i.spec) for i in node.inputs]
    # The operand of an item is several arrays; nothing below looks at more than that.
    formal = [i if i.op is CONSTANT else placeholder(cast(Spec, s)) for i, s in zip(node.inputs, operands, strict=True)]
    return make(node.op, tuple(formal), node.params, found)


def _row(node: Node, met: Node, seconds: float, limits: Limits) -> Row:
    done, moved = operations(met), traffic(met)
    least = max((done or 0) / limits.operations, (moved or 0) / limits.bytes)
    share = least / seconds if done is not None and moved is not None and seconds else None
    body = node.params["body"].body if node.op.name == "fused" else ()
    inside = tuple(n.op.name for n in body if n.op is not CONSTANT)
    return Row(node.op.name, inside, node.where, met.spec, seconds, done, moved, share)


@functools.cache
def limits_of(engine: Engine) -> Limits:
    """Return what ``engine`` was measured to do, once in a process: half a second.

    Each measurement takes a millisecond or so and the best counts, so that other work on the machine hardly does.
    """
    ones = functools.partial(_ones, engine)
    n, many = 512, 1 << 22
    a, x, y = ones((n, n)), ones((many,)), ones((many,))
    product = min(_repeated(lambda: settle(engine, engine.xp.matmul(a, a))))
    keyword = engine.in_place.get("add")
    into = () if keyword is None or keyword else (y,)
    by_name = {keyword: y} if keyword else {}
    total = min(_repeated(lambda: settle(engine, engine.xp.add(x, y, *into, **by_name))))
    return Limits(2 * n**3 / product, 3 * 4 * many / total)


def _ones(engine: Engine, shape: tuple[int, ...]) -> Any:
    zeros = engine.from_numpy(values.zero_filled(Spec(shape, "float32")))
    return zeros + 1
