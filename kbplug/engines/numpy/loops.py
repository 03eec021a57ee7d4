"""A ``scan`` on NumPy: the step written as calls into buffers that are there, for each sizes that it meets.

``kbplug.passes.places`` says where each value goes; here it becomes lines of Python. A step whose sizes change, or that
holds a region for blocks, runs as the emitted function that it came as.
"""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, finalize

import numpy as np

from kbplug.engines.numpy import blas
from kbplug.engines.numpy.idioms import expit, where
from kbplug.graph.graph import Graph
from kbplug.graph.index import restore
from kbplug.graph.node import CONSTANT, ITEM, Node, item, parameter, remake
from kbplug.graph.spec import Spec, normalize_axes
from kbplug.ops.control import Loop, scan, split
from kbplug.passes.places import Place, Places, Row, Slot, Turn, parts, places
from kbplug.runtime import values
from kbplug.runtime.calls import body_of

if TYPE_CHECKING:
    from kbplug.runtime.inside import Inside

Array = np.ndarray[Any, Any]
Run = Callable[..., tuple[Any, ...]]

SMALL = 1 << 23
"""Products of fewer operations, one after the other, are left to one thread: where another program has a core, threads
that meet after each of them wait for it as often."""

FEWEST = 4
"""Loops of fewer steps are not worth writing."""

SIZES = 32
"""For how many sizes a step is written; after that, all over again."""

_written: WeakKeyDictionary[Run, dict[Any, Run | None]] = WeakKeyDictionary()
_serial = itertools.count(1)


def run_scan(
    *arrays: Array, body: Run, carries: int, sequences: int, length: int | None = None, reverse: bool = False
) -> tuple[Any, ...]:
    """Run a loop."""
    loop = split(arrays, carries, sequences)
    steps = loop.sequences[0].shape[0] if loop.sequences else length or 0
    inside = getattr(body, "inside", None)
    written = None
    if inside is not None and steps >= FEWEST:
        specs = tuple(
            [(a.shape, a.dtype) for a in (*loop.carries, *(s[0, ...] for s in loop.sequences), *loop.captured)]
        )
        known = _written.setdefault(body, {})
        key = (reverse, *specs)
        if key not in known:
            if len(known) >= SIZES:
                known.clear()
            known[key] = _write(inside, [Spec(s, d.name) for s, d in specs], carries, sequences, reverse)
        written = known[key]
    if written is None:
        assert scan.lower is not None
        found: tuple[Any, ...] = scan.lower(
            np, *arrays, body=body, carries=carries, sequences=sequences, length=length, reverse=reverse
        )
        return found
    return written(steps, *arrays)


def _write(inside: Inside, specs: Sequence[Spec], carries: int, sequences: int, reverse: bool) -> Run | None:
    """Return a loop over steps of known sizes, or None if it is best left to the function it came as."""
    if any(n.op.name == "fused" for n in inside.graph.nodes):
        return None
    body = inside.at(specs)
    arrays = [s for n in body.nodes for s in ((n.spec,) if isinstance(n.spec, Spec) else n.spec)]
    known = all(s.size is not None for s in arrays)
    elements = [n.result for n in (*body.inputs[carries : carries + sequences], *body.outputs)]
    stable = [n.result for n in body.outputs[:carries]] == list(specs[:carries])
    if not (stable and known) or any(not s.ndim for s in elements):
        return None
    return _Writer(inside, body, carries, sequences, reverse).loop()


def _fills(node: Node) -> bool:
    """Say whether a node is computed by a function that writes into a given buffer."""
    name = node.op.name
    if not isinstance(node.spec, Spec) or not node.result.ndim:
        return False
    if name in ("matmul", "concat"):
        return all(i.result.ndim > 1 for i in node.inputs) if name == "matmul" else node.params["axis"] is not None
    return name == "where" or _over(node)


def _over(node: Node) -> bool:
    """Say whether a function that computes a node may write over an operand."""
    name = node.op.name
    found = getattr(np, name, None)
    plain = isinstance(found, np.ufunc) and found.signature is None and name != "pow"
    return name == "special.expit" or (plain and body_of(node) is None)


class _Writer:
    """Turns a step into the lines of a loop; what they name is kept in ``names``."""

    def __init__(self, inside: Inside, body: Graph, carries: int, sequences: int, reverse: bool) -> None:
        self.inside, self.body, self.carries, self.reverse = inside, body, carries, reverse
        self.formal: Loop = split(body.inputs, carries, sequences)
        self.places: Places = places(body, carries, _fills, _over)
        self.histories = {i: n for i, n in enumerate(body.outputs[carries:]) if n in self.formal.carries}
        self.globals: dict[str, Any] = {"empty": np.empty, "copyto": np.copyto}
        self.names: dict[Node, str] = {n: f"v{i}" for i, n in enumerate(body.inputs)}
        self.before: list[str] = []
        self.step: list[str] = []
        self._targets: dict[Place, str] = {}

    def loop(self) -> Run:
        """Return the loop: steps, first values of carries, sequences, captured values in; last carries, stacks out."""
        for node in self.body.body:
            self._compute(node)
        lines = list(self._lines())
        source, filename = "\n".join(lines) + "\n", f"<kbplug loop {next(_serial)}>"
        exec(compile(source, filename, "exec"), self.globals)  # noqa: S102 -- the source is our own, written here
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        run: Run = self.globals["loop"]
        finalize(run, linecache.cache.pop, filename, None)
        work = max(map(_operations, self.body.body), default=0)
        return _serially(run) if 0 < work < SMALL else run

    def _lines(self) -> Iterator[str]:
        outputs, kept = self.body.outputs[: self.carries], self.body.outputs[self.carries :]
        self._finish(outputs, kept)
        sequences = [self.names[n] for n in self.formal.sequences]
        arguments = ["steps", *(self.names[n] for n in self.formal.carries), *(f"{s}s" for s in sequences)]
        yield f"def loop({', '.join([*arguments, *(self.names[n] for n in self.formal.captured)])}):"
        for i, spec in enumerate(self.places.slots):
            yield f"    s{i} = {self._empty(spec)}"
        for i in self._turns():
            yield f"    t{i}, u{i} = {', '.join([self._empty(outputs[i].result)] * 2)}"
        for i, n in enumerate(kept):
            yield f"    k{i} = {self._empty(n.result, 'steps + 1' if i in self.histories else 'steps')}"
            if i in self.histories:
                yield f"    k{i}[{-1 if self.reverse else 0}] = {self.names[self.histories[i]]}"
        yield from (f"    {line}" for line in self.before)
        after, before = ("[:-1]", "[1:]") if self.reverse else ("[1:]", "[:-1]")
        back = "[::-1]" if self.reverse else ""
        rows = [(f"r{i}", f"k{i}{after if i in self.histories else ''}") for i in range(len(kept))]
        over = [*((s, f"{s}s") for s in sequences), *rows]
        heads, sources = ", ".join(name for name, _ in over), ", ".join(f"{of}{back}" for _, of in over)
        yield f"    for {heads}, in zip({sources}):" if over else "    for _ in range(steps):"
        yield from (f"        {line}" for line in self.step or ["pass"])
        last = [self.names[n] for n in self.formal.carries]
        stacks = [f"k{i}{before if i in self.histories else ''}" for i in range(len(kept))]
        yield f"    return ({''.join(f'{r}, ' for r in [*last, *stacks])})"

    def _finish(self, outputs: Sequence[Node], kept: Sequence[Node]) -> None:
        """Write what ends a step: results copied that are not in place, carries handed on, buffers exchanged."""
        following = dict(zip(self.formal.carries, outputs, strict=True))
        for i, node in enumerate(kept):
            written = following.get(node, node)
            if self.places.of.get(written) != Row(i, next=node in following):
                self.step.append(f"copyto(r{i}, {self.names[written]})")
        carried = []
        for i, node in enumerate(outputs):
            lasting = node in self.formal.sequences or node in self.formal.captured or node.op is CONSTANT
            if not lasting and not isinstance(self.places.of.get(node), Row | Turn):
                self.step.append(f"copyto(t{i}, {self.names[node]})")
                carried.append(f"t{i}")
            else:
                carried.append(self.names[node])
        if carried:
            names = [self.names[n] for n in self.formal.carries]
            self.step.append(f"{', '.join(names)} = {', '.join(carried)}")
        self.step.extend(f"t{i}, u{i} = u{i}, t{i}" for i in self._turns())

    def _turns(self) -> Sequence[int]:
        """Return the carries that have two buffers."""
        taken = {p.carry for p in self.places.of.values() if isinstance(p, Turn)}
        copied = {i for i in range(self.carries) if any(line.startswith(f"copyto(t{i},") for line in self.step)}
        return sorted(taken | copied)

    def _empty(self, spec: Spec, steps: str = "") -> str:
        sizes = ", ".join([*[steps] * bool(steps), *map(str, spec.shape)])
        return f"empty(({sizes},), {spec.dtype!r})"

    def _compute(self, node: Node) -> None:
        name = self.names[node] = f"v{len(self.names)}"
        if node.op is CONSTANT:
            self.globals[name] = values.constant_data(node)
        elif node in self.places.of:
            self.names[node] = self._target(self.places.of[node])
            self._into(node, self.names[node])
        elif node.op is ITEM:
            self.step.append(f"{name} = {self.names[node.inputs[0]]}[{node.params['index']}]")
        elif (view := self._view(node)) is not None:
            fixed = self.names[node.inputs[0]][0] in "sp"  # a buffer is where it was in the step before
            (self.before if fixed else self.step).append(f"{name} = {view}")
            self.names[node] = name = f"p{name}" if fixed else name
            if fixed:
                self.before[-1] = f"{name} = {view}"
        else:
            self._call(node, name)

    def _into(self, node: Node, target: str) -> None:
        """Write a call into a buffer, or copies into the parts of one."""
        if node.op.name == "concat":
            whole = self.places.of
            for operand, part in zip(node.inputs, parts(node), strict=True):
                if whole.get(operand) != part:
                    self.step.append(f"copyto({self._target(part)}, {self.names[operand]})")
            return
        function = _OWN.get(node.op.name) or getattr(np, node.op.name)
        name = f"np_{function.__name__}"
        self.globals[name] = function
        arguments = ", ".join(self.names[i] for i in node.inputs)
        self.step.append(f"{name}({arguments}, {'out=' if node.op.name in _BY_NAME else ''}{target})")

    def _target(self, place: Place) -> str:
        """Return the name of where a value is written."""
        if isinstance(place, Row):
            return f"r{place.kept}"
        if isinstance(place, Turn):
            return f"t{place.carry}"
        if isinstance(place, Slot):
            return f"s{place.number}"
        if place not in self._targets:
            whole = self._target(self.places.of[place.whole])
            fixed = whole[0] in "sp"
            name = self._targets[place] = f"{'p' if fixed else 'q'}{len(self._targets)}_"
            index = f"{':, ' * place.axis}{place.start}:{place.stop}"
            (self.before if fixed else self.step).append(f"{name} = {whole}[{index}]")
        return self._targets[place]

    def _view(self, node: Node) -> str | None:
        """Return an expression for a view, if ``node`` is one that NumPy surely takes as one."""
        x, op, params = node.inputs[0] if node.inputs else None, node.op.name, node.params
        if x is None or len(node.inputs) > 1:
            return None
        name = self.names[x]
        if op == "getitem" and all(k is None or k is Ellipsis or not isinstance(k, str) for k in params["index"]):
            return f"{name}[{self._bound('i', restore(params['index'], ()))}]"
        if op == "matrix_transpose":
            return f"{name}.mT"
        if op == "permute_dims":
            return f"{name}.transpose({normalize_axes(params['axes'], x.result.ndim)})"
        if op == "expand_dims":
            new = normalize_axes(params["axis"], node.result.ndim)
            return f"{name}[{', '.join('None' if i in new else ':' for i in range(node.result.ndim))}]"
        return None

    def _call(self, node: Node, name: str) -> None:
        """Write a call of a function that makes its own result, or results."""
        operands = list(dict.fromkeys(node.inputs))
        formal = [parameter(i, o.result) for i, o in enumerate(operands)]
        alone = remake(node, tuple([formal[operands.index(i)] for i in node.inputs]))
        several = not isinstance(alone.spec, Spec)
        results = [item(alone, i) for i in range(len(alone.spec))] if isinstance(alone.spec, tuple) else [alone]
        function = self._bound("f", self.inside.emit(Graph(formal, results)))
        self.step.append(f"{name} = {function}({', '.join(self.names[o] for o in operands)}){'' if several else '[0]'}")

    def _bound(self, stem: str, value: Any) -> str:
        name = f"{stem}_{len(self.globals)}"
        self.globals[name] = value
        return name


def _operations(node: Node) -> int:
    """Return how many operations a product is."""
    return 2 * (node.result.size or 0) * (node.inputs[0].result.shape[-1] or 0) if node.op.name == "matmul" else 0


def _serially(run: Run) -> Run:
    def loop(*given: Any) -> tuple[Any, ...]:
        with blas.one_thread():
            return run(*given)

    return loop


_OWN: Mapping[str, Callable[..., Array]] = {"special.expit": expit, "where": where}
_BY_NAME = frozenset({"maximum", "minimum", *_OWN})
"""Functions that take a buffer by name; for NumPy's own, that is slower."""

KERNELS: dict[str, Callable[..., Any]] = {"scan": run_scan}
