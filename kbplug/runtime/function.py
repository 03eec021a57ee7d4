"""Compiled functions: a graph, its cells, and one executable per engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from kbplug import plugins
from kbplug.config import settings
from kbplug.engine import Engine
from kbplug.errors import ArgumentError, FeedError, GraphError, ShapeError
from kbplug.graph.graph import Graph, substitute, topological
from kbplug.graph.node import Node
from kbplug.graph.spec import compatible
from kbplug.graph.tensor import Tensor, kept, tensor
from kbplug.passes.nested import traits
from kbplug.passes.pipeline import Means, optimised
from kbplug.passes.sharing import shared
from kbplug.runtime import exchange, values
from kbplug.runtime.calls import Run
from kbplug.runtime.cells import Cell, Locked, Update, Variable, advances, cell_of, commit, given_away, reads, snapshot
from kbplug.runtime.cycles import search_put_off
from kbplug.runtime.emit import Program
from kbplug.runtime.entry import Entry, entry
from kbplug.runtime.interpret import evaluator, kernels_of
from kbplug.runtime.lowering import compiled, emitted, extended
from kbplug.runtime.shards import with_shards

if TYPE_CHECKING:
    from kbplug.runtime.profile import Profile

Given = Mapping[Tensor, Any] | Iterable[tuple[Tensor, Any]]
Change = Update | tuple[Variable, Any]


@dataclass(frozen=True)
class Executable:
    """A function on one engine.

    Attributes
    ----------
    run
        What runs there: ``program``, compiled from ``graph``.
    shared
        Positions of results, and of new values of cells after them, that are copied before anybody has them.
    written
        The cells that take the new values.
    donated
        Those of them whose old values ``run`` may write over.
    entry
        The short way in, if there is one.
    """

    engine: Engine
    run: Run
    program: Program
    graph: Graph
    shared: tuple[int, ...]
    written: tuple[Cell, ...]
    donated: tuple[Cell, ...]
    entry: Entry | None


class Function:
    """A compiled function of tensors.

    Parameters
    ----------
    inputs
        The tensors whose values each call gives: placeholders, or any tensors to be replaced.
    outputs
        The tensors to compute.
    updates
        ``Update`` tensors or ``(variable, value)`` pairs. Every value is computed from what the variables
        held when the call began, and all are committed together at its end; the first of two updates of
        one variable counts. A call that fails commits none.
    givens
        Tensors to compute with in place of others.
    name
        For humans.

    Examples
    --------
    >>> from kbplug import backend as K
    >>> x = K.placeholder((None, 2))
    >>> double = K.function([x], [2 * x])
    >>> double([[[1.0, 2.0]]])[0].tolist()
    [[2.0, 4.0]]
    """

    def __init__(
        self,
        inputs: Sequence[Tensor],
        outputs: Sequence[Tensor],
        updates: Iterable[Change] = (),
        givens: Given = (),
        name: str | None = None,
    ) -> None:
        self.name = name or "function"
        self.inputs = tuple(inputs)
        self._check_inputs()
        changes = _first_of_each(updates)
        wanted = [tensor(o).node for o in outputs] + [v.node for _, v in changes]
        wanted = list(substitute(wanted, self._swaps(givens))) if givens else wanted
        fed = dict.fromkeys(t.node for t in self.inputs)
        streams = advances(n for n in topological(wanted, fed) if n not in fed)
        results = wanted + [n for _, n in streams]
        read = [n for n in reads(topological(results, fed)) if n not in fed]
        self._prepare(Graph([*fed, *read], results), len(outputs), [c for c, _ in (*changes, *streams)], len(streams))

    @classmethod
    def of_graph(
        cls, graph: Graph, labels: Sequence[str | None], count: int, written: Sequence[Cell], name: str
    ) -> Function:
        """Return a function of a graph as ``Function.graph`` holds it; how a saved one comes back.

        Parameters
        ----------
        graph
            Inputs: what each call feeds, then the cells read. Outputs: results, then new values of cells.
        labels
            The names of what is fed, one each; None where there is no name.
        count
            How many outputs are results.
        written
            The cells that take the remaining outputs.
        """
        self = cls.__new__(cls)
        self.name = name
        self.inputs = tuple(Tensor(n) for n in graph.inputs[: len(labels)])
        for given, label in zip(self.inputs, labels, strict=True):
            given.name = label
        self._prepare(graph, count, written)
        return self

    @property
    def count(self) -> int:
        """How many results a call returns."""
        return self._count

    @property
    def written(self) -> Sequence[Cell]:
        """The cells that a call commits to, random streams included."""
        return tuple(self._written)

    def _prepare(self, graph: Graph, count: int, written: Sequence[Cell], streams: int = 0) -> None:
        self.graph, self._count, self._written = graph, count, list(written)
        self._locked = Locked(self._written)
        self._streams = self._written[len(self._written) - streams :]
        self._read = graph.inputs[len(self.inputs) :]
        self._check_closed()
        fed = self.graph.inputs[: len(self.inputs)]
        labels = [f"Input {i} of {self.name}{_label(t)}" for i, t in enumerate(self.inputs)]
        self._feeders = [values.feeder(n.result, label) for n, label in zip(fed, labels, strict=True)]
        self._cells = [cell_of(n) for n in self._read]
        self._static_cells = [c for c in self._cells if c.static]
        self._static_feeds = [i for i, n in enumerate(fed) if n.op.name == "read" and cell_of(n).static]
        self._random = "random" in traits(self.graph.nodes)
        self._special = bool(self._static_cells or self._static_feeds or self._random)
        self._executables: dict[Any, Executable] = {}
        self.short: Entry | None = None  # into what ran last

    def _check_inputs(self) -> None:
        for i, given in enumerate(self.inputs):
            if not isinstance(given, Tensor):
                raise ArgumentError(f"Input {i} of {self.name} must be a placeholder or another tensor, not {given!r}.")
        nodes = [t.node for t in self.inputs]
        if len(set(nodes)) != len(nodes):
            raise ArgumentError(f"{self.name} names one tensor twice among its inputs.")

    def _swaps(self, givens: Given) -> dict[Node, Node]:
        """Return what stands in for what, in the dtype of what it stands in for."""
        found = {}
        for old, new in givens.items() if isinstance(givens, Mapping) else givens:
            node = kept(new, old.dtype)
            if not compatible(old.shape, node.result.shape):
                raise ShapeError(
                    f"{self.name} is given {node.spec} in place of {old.spec} made at {old.where}; give it that shape."
                )
            found[old.node] = node
        return found

    def _check_closed(self) -> None:
        fed = set(self.graph.inputs)
        for node in self.graph.nodes:
            if not node.inputs and node.symbolic and node not in fed:
                name = node.params.get("name")
                label = f"{name} {node.spec}" if name else str(node.spec)
                raise GraphError(
                    f"{self.name} needs the value of the placeholder {label} made at {node.where}, "
                    "which is not among its inputs; add it to the inputs, or replace it through `givens`."
                )

    def executable(self, engine: Engine | None = None, feeds: Sequence[Any] = ()) -> Executable:
        """Return what runs on ``engine`` (the active one by default), compiled at the first request."""
        chosen = engine or plugins.engine()
        key = self._key(chosen, feeds)
        found = self._executables.get(key)
        if found is None:
            with search_put_off():
                found = self._executables[key] = self._compile(chosen, feeds)
        return found

    def _key(self, engine: Engine, feeds: Sequence[Any]) -> Any:
        if not self._special:
            return engine
        rng = settings().rng if self._random else ""
        return engine, rng, tuple(self._known(feeds).items())

    def _known(self, feeds: Sequence[Any]) -> dict[Node, Any]:
        known = {n: c.get().item() for n, c in zip(self._read, self._cells, strict=True) if c.static}
        fed = self.graph.inputs
        known.update({fed[i]: self._feeders[i](feeds[i]).item() for i in self._static_feeds if feeds})
        return known

    def _compile(self, engine: Engine, feeds: Sequence[Any]) -> Executable:
        kernels = kernels_of(engine, settings().rng)
        means = Means(evaluator(engine, kernels), kernels, self._known(feeds))
        whole, written = self._without_idle(optimised(self.graph, means, engine.left_out))
        whole = extended(whole, engine)
        graph, program = emitted(whole, engine, kernels)
        copied = shared(graph.outputs, self._count)
        places = self._donatable(graph, written, copied) if "compile" not in engine.left_out else ()
        donating = engine.compile_donating(program.run, graph, places) if places else None
        run = donating or with_shards(compiled(program, graph, engine), whole, engine, kernels)
        donated = tuple(cell_of(graph.inputs[i]) for i in places) if donating else ()
        short = self._entry(engine, run, program, copied)
        return Executable(engine, run, program, graph, copied, written, donated, short)

    def _donatable(self, graph: Graph, written: Sequence[Cell], copied: Sequence[int]) -> tuple[int, ...]:
        """Return the positions of arguments that this call replaces by new values of their size.

        If any new value might not fit, which is seen when all is computed, the old ones must outlive the call.
        """
        if any(None in n.result.shape for n in graph.outputs[self._count :]):
            return ()
        new = {c for i, c in enumerate(written, self._count) if i not in copied and None not in c.spec.shape}
        return tuple(i for i, c in enumerate(self._cells, len(self.inputs)) if c in new and not c.static)

    def _entry(self, engine: Engine, run: Run, program: Program, copied: Sequence[int]) -> Entry | None:
        """Return the short way in, unless a call does more than run: copies, converts, reads or writes a cell."""
        if copied or self._special or self._cells or self._written or not engine.speaks_numpy:
            return None
        return entry(engine, run, program, [n.result for n in self.graph.inputs], self._count)

    def _without_idle(self, graph: Graph) -> tuple[Graph, tuple[Cell, ...]]:
        """Return ``graph`` without the next states of streams that no draw is left to read, and the cells it writes."""
        plain = len(graph.outputs) - len(self._streams)
        uses = Graph(graph.inputs, graph.outputs[:plain]).uses
        idle = {c for n, c in zip(self._read, self._cells, strict=True) if c in self._streams and not uses.get(n)}
        ends = zip(graph.outputs[self._count :], self._written, strict=True)
        kept = [(n, c) for n, c in ends if c not in idle]
        outputs = (*graph.outputs[: self._count], *(n for n, _ in kept))
        return Graph(graph.inputs, outputs), tuple(c for _, c in kept)

    def source(self) -> str:
        """Return the Python that runs on the active engine, for reading."""
        return self.executable().program.source

    def profile(self, inputs: Sequence[Any] = ()) -> Profile:
        """Return what each node of this function costs on the active engine, beside what the machine can do.

        Nothing is committed. It takes about a second, and the first time half a second more for the machine's limits.

        Raises
        ------
        FeedError
            If the values do not fit the inputs.

        Examples
        --------
        >>> from kbplug import backend as K
        >>> x, w = K.placeholder((8, 4)), K.placeholder((4, 2))
        >>> profile = K.function([x, w], [K.dot(x, w)]).profile([[[1.0] * 4] * 8, [[1.0] * 2] * 4])
        >>> [(row.op, row.operations, row.bytes) for row in profile.rows]
        [('matmul', 128, 224)]
        """
        from kbplug.runtime.timing import measure

        self._check_count(inputs)
        engine = plugins.engine()
        found = self.executable(engine, inputs)
        arrays = self._fed(inputs, engine) + snapshot(self._cells, engine)
        run = None if found.donated else found.run
        return measure(found.program, found.graph, arrays, name=self.name, engine=engine, run=run)

    def __call__(self, inputs: Sequence[Any] = ()) -> list[Any]:
        """Run on the active engine and return one NumPy array per output.

        Raises
        ------
        FeedError
            If the values do not fit the inputs.
        """
        enter = self.short  # once: another thread may take it away
        if enter is not None:
            found = enter(inputs)
            if found is not None:
                return found
        if plugins.has_run_wrappers():
            result: list[Any] = plugins.run(self, inputs, lambda: self._call(inputs))
            return result
        return self._call(inputs)

    def _call(self, inputs: Sequence[Any]) -> list[Any]:
        self._check_count(inputs)
        engine = plugins.engine()
        fed = self._fed(inputs, engine)
        executable = self._executables.get(self._key(engine, inputs) if self._special else engine)
        if executable is None:
            executable = self.executable(engine, inputs)
        if self._written:
            with self._locked:
                results = self._step(executable, engine, fed)
        else:
            results = self._results(executable, self._run(executable, engine, fed))
        self.short = executable.entry
        return results

    def _check_count(self, inputs: Sequence[Any]) -> None:
        if len(inputs) != len(self._feeders):
            raise FeedError(f"{self.name} takes {len(self._feeders)} inputs, but was given {len(inputs)}.")

    def _fed(self, inputs: Sequence[Any], engine: Engine) -> list[Any]:
        if engine.speaks_numpy:
            return [fit(value) for fit, value in zip(self._feeders, inputs)]  # noqa: B905 -- as many, checked before
        return [exchange.fed(v, t.spec, fit, engine) for v, t, fit in zip(inputs, self.inputs, self._feeders)]  # noqa: B905

    def _step(self, executable: Executable, engine: Engine, fed: list[Any]) -> list[Any]:
        """Run and commit; what leaves is converted before another call may write over what this one committed."""
        with given_away(executable.donated, engine) if executable.donated else _NOTHING as given:
            found = list(self._run(executable, engine, fed, given))
            for i in executable.shared:
                if i >= self._count:
                    found[i] = exchange.copied(found[i], engine)
            commit(executable.written, engine, found[self._count :])
        return self._results(executable, found[: self._count])

    def _results(self, executable: Executable, found: Sequence[Any]) -> list[Any]:
        results = [executable.engine.to_numpy(v) for v in found]
        for i in executable.shared:
            if i < self._count:
                results[i] = values.owned(results[i])
        return results

    def _run(self, executable: Executable, engine: Engine, fed: list[Any], given: Sequence[Any] = ()) -> Sequence[Any]:
        if self._cells:
            fed = fed + self._states(executable.donated, given, engine)
        try:
            return executable.run(*fed)
        except Exception as error:
            executable.program.explain(error)
            raise

    def _states(self, donated: Sequence[Cell], given: Sequence[Any], engine: Engine) -> list[Any]:
        if not donated:
            return snapshot(self._cells, engine)
        rest = [c for c in self._cells if c not in donated]
        found = {**dict(zip(donated, given, strict=True)), **dict(zip(rest, snapshot(rest, engine), strict=True))}
        return [found[c] for c in self._cells]

    def __reduce__(self) -> NoReturn:
        raise ArgumentError(
            f"The function {self.name!r} is neither pickled nor copied; write it to a file with "
            "kbplug.saving.save_function, and load as many from there as you need."
        )

    def __repr__(self) -> str:
        return f"<{self.name}: {len(self.inputs)} in, {self._count} out, {len(self._written)} updates>"


_NOTHING: AbstractContextManager[Sequence[Any]] = nullcontext(())


def _label(given: Tensor) -> str:
    return f" ({given.name})" if given.name else ""


def _first_of_each(updates: Iterable[Change]) -> list[tuple[Cell, Tensor]]:
    found: dict[Cell, Tensor] = {}
    for change in updates:
        update = _as_update(change)
        found.setdefault(update.variable.cell, update)
    return list(found.items())


def _as_update(change: Any) -> Update:
    if isinstance(change, Update):
        return change
    if isinstance(change, tuple) and len(change) == 2 and isinstance(change[0], Variable):
        return Update(*change)
    raise ArgumentError(f"An update must be a (variable, value) pair or come from K.update, not {change!r}.")
