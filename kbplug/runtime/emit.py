"""A graph as one straight-line Python function over ``xp``, readable, and traceable to the user's own lines."""

from __future__ import annotations

import itertools
import linecache
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kbplug.engine import Engine, Kernel
from kbplug.graph.graph import Graph, results
from kbplug.graph.node import CONSTANT, ITEM, ArrayValue, Node, scalar_of
from kbplug.graph.op import REGISTRY
from kbplug.graph.spec import Spec
from kbplug.ops.sizes import host_arithmetic
from kbplug.passes.release import last_uses, reuse
from kbplug.runtime import values
from kbplug.runtime.calls import Run, body_of, fill_shape, sized, standard
from kbplug.runtime.inside import Inside

_serial = itertools.count(1)


@dataclass(frozen=True)
class Program:
    """An emitted function.

    Attributes
    ----------
    run
        The function: engine arrays in, a tuple of engine arrays out.
    source
        Its Python source, with that of regions that the engine runs its own way.
    places
        Line number of the source to the node computed there.
    regions
        The programs of those regions, where the engine has them from here.
    twins
        What the engine emitted of the same nodes later.
    """

    run: Run
    source: str
    places: Mapping[int, Node]
    regions: tuple[Program, ...] = ()
    twins: list[Program] = field(default_factory=list, compare=False)

    def explain(self, error: BaseException) -> None:
        """Add to an error raised inside ``run`` which line of the user built the failing node, unless it says so.

        A node inside a region, a branch or a loop is the same wherever an equal one was built, so that the line is the
        one of the whole.
        """
        nodes = list(self._reached(error))
        if nodes and not any(note.startswith(_HERE) for note in getattr(error, "__notes__", ())):
            whole, failed = nodes[0], nodes[-1]
            part = "" if failed is whole else f" part of {whole.op.name} {whole.spec},"
            error.add_note(f"{_HERE} {failed.op.name} {failed.spec},{part} built at {whole.where}.")

    def _reached(self, error: BaseException) -> Iterator[Node]:
        """Yield the nodes in whose computation the error was raised, the outermost first."""
        programs = [p for region in (self, *self.regions) for p in (region, *region.twins)]
        places = {p.run.__code__.co_filename: p.places for p in programs}
        trace = error.__traceback__
        while trace is not None:
            node = places.get(trace.tb_frame.f_code.co_filename, {}).get(trace.tb_lineno)
            if node is not None:
                yield node
            trace = trace.tb_next


_HERE = "This happened in"


def emit(
    graph: Graph,
    engine: Engine,
    kernels: Mapping[str, Kernel],
    regions: Mapping[Graph, Kernel] | None = None,
    into: Mapping[Node, Node] | None = None,
) -> Program:
    """Return ``graph`` as a Python function for ``engine``.

    Parameters
    ----------
    graph
        What to compute; ``read`` nodes must be among its inputs.
    kernels
        Op name to the engine's own way.
    regions
        Region of a ``fused`` node to the engine's callable for it.
    into
        For nodes that are written into a given buffer, the input that it is; then no other buffer is written over.
        Kernels named here take it as ``out``.
    """
    writer = _Writer(engine, kernels, regions or {}, into)
    lines = list(writer.function("run", graph))
    source = "\n".join(lines) + "\n"
    filename = f"<kbplug run {next(_serial)}>"
    exec(compile(source, filename, "exec"), writer.globals)  # noqa: S102 -- the source is our own, written above
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    twins: list[Program] = []

    def emit_part(part: Graph) -> Run:
        twins.append(emit(part, engine, kernels, regions))
        return twins[-1].run

    for inner, name in ((graph, "run"), *writer.bodies.items()):
        writer.globals[name].inside = Inside(inner, emit_part)
    made = {n: getattr(v, "program", None) for n, v in writer.globals.items() if n.startswith("k_fused_")}
    within = {n: p for n, p in made.items() if isinstance(p, Program)}
    shown = [source, *(p.source.replace("def run(", f"def {n}(", 1) for n, p in within.items())]
    return Program(writer.globals["run"], "\n".join(shown), writer.places, tuple(within.values()), twins)


_INDICES_FROM = {"getitem": 1, "setitem": 2}
"""Where the operands of an index begin, which may be sizes."""


class _Writer:
    """Turns nodes into lines; what the lines name is kept in ``globals``."""

    def __init__(
        self,
        engine: Engine,
        kernels: Mapping[str, Kernel],
        regions: Mapping[Graph, Kernel],
        into: Mapping[Node, Node] | None,
    ) -> None:
        self.engine, self.kernels, self.regions, self.into = engine, kernels, regions, into
        self.globals: dict[str, Any] = {"xp": engine.xp, "inf": math.inf, "nan": math.nan, "fill_shape": fill_shape}
        self.places: dict[int, Node] = {}
        self.line = 0
        self._counters: dict[str, Iterator[int]] = {}
        self.bodies: dict[Graph, str] = {}
        self._pending: list[str] = []
        self.in_place = {name for name in engine.in_place.keys() - kernels.keys() if not _has_body(name)}

    def bind(self, stem: str, value: Any, *, numbered: bool = True) -> str:
        """Return a global name for a value."""
        name = f"{stem}{next(self._counters.setdefault(stem, itertools.count(1)))}" if numbered else stem
        self.globals[name] = value
        return name

    def function(self, name: str, graph: Graph) -> Iterator[str]:
        """Yield the lines of a function for ``graph``, nested graphs before it."""
        body = _Body(self, graph)
        statements = list(body.statements())  # nested functions are written while statements are read
        yield from self._flush()
        arguments = ", ".join(body.names[n] for n in graph.inputs)
        yield self._count(f"def {name}({arguments}):", None)
        for text, node in statements:
            yield self._count(f"    {text}", node)
        returned = "".join(f"{body.array(n)}, " for n in graph.outputs)
        for text, node in body.late:
            yield self._count(f"    {text}", node)
        yield self._count(f"    return ({returned.rstrip()})", None)
        yield self._count("", None)

    def nested(self, graph: Graph) -> str:
        """Return the name of the function of a graph that is a parameter."""
        if graph not in self.bodies:
            name = f"body{len(self.bodies) + 1}"
            self.bodies[graph] = name
            self._pending = [*self._flush(), *self.function(name, graph)]
        return self.bodies[graph]

    def _flush(self) -> list[str]:
        pending, self._pending = self._pending, []
        return pending

    def _count(self, text: str, node: Node | None) -> str:
        self.line += 1
        if node is not None:
            self.places[self.line] = node
        return text


class _Body:
    """The statements of one function."""

    def __init__(self, writer: _Writer, graph: Graph) -> None:
        self.writer, self.graph = writer, graph
        self.names: dict[Node, str] = {}
        self.sizes: dict[Node, str] = {}
        self.late: list[tuple[str, Node]] = []
        self.targets: Mapping[Node, Node] = {}
        for node in graph.inputs:
            self._name(node)

    def statements(self) -> Iterator[tuple[str, Node]]:
        """Yield a statement per node that computes, and one per last use."""
        deaths, self.targets = self._endings()
        for node in self.graph.body:
            if node.op is CONSTANT:
                self.names[node] = self._constant(node)
            elif self._is_size(node):
                self.sizes[node] = f"n{len(self.names) + len(self.sizes)}"
                yield f"{self.sizes[node]} = {self._size_expression(node)}", node
            elif node not in self.names:  # a result of a region has its name with the others
                expression = self._expression(node)
                yield from self._drain()
                yield f"{self._results(node)} = {expression}", node
            dying = [self.names[d] for d in deaths.get(node, ()) if d.op is not CONSTANT and d in self.names]
            if dying:
                yield f"del {', '.join(dying)}", node

    def _endings(self) -> tuple[Mapping[Node, tuple[Node, ...]], Mapping[Node, Node]]:
        """Return which values each node is the last to need, and which of them it may write over."""
        writer = self.writer
        if writer.into is not None or "release" in writer.engine.left_out:
            return {}, writer.into or {}
        targets = reuse(self.graph, self._in_place())
        return last_uses(self.graph), {n: t for n, t in targets.items() if n.op.name == "fused" or body_of(n) is None}

    def _in_place(self) -> set[str]:
        """Return the ops that can be computed into a buffer: regions too, if the engine made all that there are."""
        writer = self.writer
        made = all(n.params["body"] in writer.regions for n in self.graph.body if n.op.name == "fused")
        return writer.in_place | {"fused"} if made and "fused" in writer.engine.in_place else writer.in_place

    def _drain(self) -> Iterator[tuple[str, Node]]:
        late, self.late = self.late, []
        yield from late

    def _name(self, node: Node) -> str:
        name = self.names[node] = f"v{len(self.names) + len(self.sizes)}"
        return name

    def _results(self, node: Node) -> str:
        """Return the name of what a node computes; of a region with several results, a name for each."""
        if node.op.name != "fused" or isinstance(node.spec, Spec):
            return self._name(node)
        return f"({', '.join(self._name(part) for part in results(node))})"

    def array(self, node: Node) -> str:
        """Return the name of a node's array; a size becomes an array here."""
        if node in self.sizes and node not in self.names:
            self.names[node] = f"v{len(self.names) + len(self.sizes)}"
            dtype = self._dtype("int64")
            self.late.append((f"{self.names[node]} = xp.asarray({self.sizes[node]}, dtype={dtype})", node))
        return self.names[node]

    def _constant(self, node: Node) -> str:
        return self.writer.bind("c", self.writer.engine.from_numpy(values.constant_data(node)))

    def _is_size(self, node: Node) -> bool:
        if node.op.name == "dim":
            return True
        counted = host_arithmetic(node.op.name) is not None and node.spec == Spec((), "int64")
        return counted and all(i in self.sizes or isinstance(scalar_of(i), int) for i in node.inputs)

    def _size_expression(self, node: Node) -> str:
        if node.op.name == "dim":
            return f"{self.array(node.inputs[0])}.shape[{node.params['axis']}]"
        operands = [self.sizes.get(i) or repr(scalar_of(i)) for i in node.inputs]
        function = self.writer.bind(f"size_{node.op.name}", host_arithmetic(node.op.name), numbered=False)
        return f"{function}({', '.join(operands)})"

    def _expression(self, node: Node) -> str:
        op, params = node.op, dict(node.params)
        if op is ITEM:
            return f"{self.array(node.inputs[0])}[{params['index']}]"
        inputs = list(node.inputs)
        tail = sized(node)
        names = [self._operand(node, i, n, len(inputs) - tail) for i, n in enumerate(inputs)]
        if tail:
            params["shape"] = _Text(self._shape(params["shape"], names[len(names) - tail :]))
            names = names[: len(names) - tail]
        placed, keywords = op.arrange(names, params)
        return self._call(node, [p or "None" for p in placed], keywords)

    def _operand(self, node: Node, position: int, operand: Node, first_size: int) -> str:
        as_size = position >= min(first_size, _INDICES_FROM.get(node.op.name, first_size))
        return self.sizes[operand] if as_size and operand in self.sizes else self.array(operand)

    def _shape(self, shape: tuple[int | None, ...], sizes: list[str]) -> str:
        rest = iter(sizes)
        known = set(self.sizes.values())
        entries = [str(n) if n is not None else next(rest) for n in shape]
        text = ", ".join(e if e in known or e.lstrip("-").isdigit() else f"int({e})" for e in entries)
        return f"({text},)" if entries else "()"

    def _call(self, node: Node, arrays: list[str], params: dict[str, Any]) -> str:
        op, writer = node.op, self.writer
        if op.name == "fused" and params["body"] in writer.regions:
            return self._into(node, writer.bind("k_fused_", writer.regions[params["body"]]), arrays, {})
        texts = {k: self._param(k, v) for k, v in params.items()}
        own = writer.kernels.get(op.name) is writer.engine.kernels.get(op.name)
        if own and (kernel := writer.engine.kernel_at(node)) is not None:
            function = writer.bind(f"k_{_identifier(op.name)}_{kernel.__name__}", kernel, numbered=False)
        elif op.name in writer.kernels:
            function = writer.bind(f"k_{_identifier(op.name)}", writer.kernels[op.name], numbered=False)
        elif (body := body_of(node)) is not None:
            function = writer.bind(f"op_{_identifier(op.name)}", body, numbered=False)
            arrays = ["xp", *arrays]
        else:
            # Bound to a name: looking it up in a module costs as much as an argument.
            function = writer.bind(f"xp_{_identifier(op.name)}", standard(op, writer.engine), numbered=False)
            if "sequence" in op.traits:
                arrays = [f"[{', '.join(arrays)}]"]
            arrays = arrays + [texts.pop(name) for name in op.positional]
            texts = {k: t for k, t in texts.items() if params[k] != op.signature.parameters[k].default or k == "axis"}
        return self._into(node, function, arrays, texts)

    def _into(self, node: Node, function: str, arrays: list[str], texts: dict[str, str]) -> str:
        """Return a call, into the buffer that the node has."""
        if node in self.targets:
            name, writer = node.op.name, self.writer
            keyword = "out" if name in writer.kernels else writer.engine.in_place.get(name, "out")
            buffer = self.names[self.targets[node]]
            arrays, texts = (arrays, {**texts, keyword: buffer}) if keyword else ([*arrays, buffer], texts)
        return f"{function}({', '.join([*arrays, *(f'{k}={t}' for k, t in texts.items())])})"

    def _param(self, name: str, value: Any) -> str:
        if isinstance(value, _Text):
            return value.text
        if name == "dtype" and value is not None:
            return self._dtype(value)
        if isinstance(value, Graph):
            return self.writer.nested(value)
        if isinstance(value, ArrayValue):
            return self.writer.bind("p", value.data)
        if _is_plain(value):
            return repr(value)
        return self.writer.bind("p", value)

    def _dtype(self, name: str) -> str:
        if getattr(self.writer.engine.xp, name, None) is not None:
            return f"xp.{name}"
        return self.writer.bind(name, self.writer.engine.dtype(name), numbered=False)


@dataclass(frozen=True)
class _Text:
    text: str


def _is_plain(value: Any) -> bool:
    if type(value) is tuple:
        return all(map(_is_plain, value))
    return value is None or type(value) in (bool, int, float, str, complex)


def _has_body(name: str) -> bool:
    return name in REGISTRY and REGISTRY[name].lower is not None and "complex body" not in REGISTRY[name].traits


def _identifier(name: str) -> str:
    return name.replace(".", "_")
