"""A graph as plain JSON data, arrays and cells, and back. Knows no op by name and no array library.

The data is ``{"format", "version", "graphs"}``. A graph stands after the graphs among its parameters, the
whole one last; each is a list of nodes, every node after its operands and the inputs first, with the positions of
its outputs. Arrays and cells are named in the data and carried beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kbplug.errors import KbplugError, OpError, StorageError
from kbplug.graph.graph import Graph
from kbplug.graph.node import CONSTANT, PLACEHOLDER, ArrayValue, Node, Slice, literal, make, placeholder
from kbplug.graph.op import Op, Specs, lookup
from kbplug.graph.spec import Spec, spec
from kbplug.graph.tensor import lift
from kbplug.graph.verify import verify

FORMAT = "kbplug graph"
VERSION = 1
"""Raised when older versions of kbplug could misread what this one writes."""

Data = dict[str, Any]


class Stored(NamedTuple):
    """A graph taken apart: plain data for JSON, arrays by name, and cells in the order the data counts them."""

    data: Data
    arrays: dict[str, Any]
    cells: list[Any]


def to_data(graph: Graph) -> Stored:
    """Return ``graph`` as plain data, arrays and cells.

    An input that is no leaf becomes a placeholder, since what stands below it is cut off.

    Raises
    ------
    StorageError
        If a parameter is nothing that can be stored.
    """
    writer = _Writer()
    graphs = [writer.graph(g) for g in _inner_first(graph)]
    return Stored({"format": FORMAT, "version": VERSION, "graphs": graphs}, writer.arrays, list(writer.cells))


def from_data(
    data: Any, arrays: Mapping[str, Any], cells: Sequence[Any] = (), *, where: str = "a stored graph"
) -> Graph:
    """Return the graph that ``to_data`` took apart, with placeholders of its own.

    Parameters
    ----------
    data, arrays, cells
        What ``to_data`` returned; cells may be others of the same specs.
    where
        What the nodes say of where they were built.

    Raises
    ------
    StorageError
        If the data is damaged or foreign, or needs an op or a version that this kbplug does not have.
    """
    try:
        _check_header(data)
        return verify(_Reader(arrays, cells, where).read(data["graphs"]))
    except StorageError:
        raise
    except (KbplugError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        raise StorageError(f"The stored graph is damaged: {type(error).__name__}: {error}") from error


def _check_header(data: Any) -> None:
    if not isinstance(data, Mapping) or data.get("format") != FORMAT:
        raise StorageError(f"The data is no stored graph, since its format is not {FORMAT!r}.")
    version = data.get("version")
    if type(version) is not int or version < 1:
        raise StorageError(f"The stored graph is damaged: its version is {version!r}.")
    if version > VERSION:
        raise StorageError(
            f"The stored graph has version {version}, but this kbplug reads versions up to {VERSION}; update kbplug."
        )


def _inner_first(graph: Graph) -> Iterator[Graph]:
    """Yield the graphs among the parameters of ``graph``, each after those among its own, and ``graph`` last."""
    done = set()
    stack = [graph]
    while stack:
        waiting = [g for g in _inner(stack[-1]) if g not in done]
        if waiting:
            stack.extend(waiting)
            continue
        found = stack.pop()
        if found not in done:
            done.add(found)
            yield found


def _inner(graph: Graph) -> Iterator[Graph]:
    for node in graph.body:
        yield from (v for p in node.params.values() for v in _flat(p) if isinstance(v, Graph))


def _flat(value: Any) -> Iterator[Any]:
    if type(value) is tuple:
        for entry in value:
            yield from _flat(entry)
    else:
        yield value


class _Writer:
    """Turns graphs into data, and numbers what the data names."""

    def __init__(self) -> None:
        self.arrays: dict[str, Any] = {}
        self.cells: dict[Any, int] = {}
        self._names: dict[ArrayValue, str] = {}
        self._uids: dict[Node, int] = {}
        self._graphs: dict[Graph, int] = {}

    def graph(self, graph: Graph) -> Data:
        """Return a graph whose inner graphs were written before."""
        places = {node: i for i, node in enumerate(graph.nodes)}
        cut = set(graph.inputs)
        nodes = [self._node(n, places, cut=n in cut) for n in graph.nodes]
        self._graphs[graph] = len(self._graphs)
        return {"inputs": len(graph.inputs), "nodes": nodes, "outputs": [places[n] for n in graph.outputs]}

    def _node(self, node: Node, places: Mapping[Node, int], *, cut: bool) -> Data:
        op, params = node.op, dict(node.params)
        if op is PLACEHOLDER or (cut and node.inputs):
            uid = self._uids.setdefault(node, len(self._uids))
            op, params = PLACEHOLDER, {"uid": uid, "name": params.get("name") if op is PLACEHOLDER else None}
        written = {k: self._value(v, f"{op.name}, parameter {k!r},") for k, v in params.items()}
        inputs = [] if cut else [places[i] for i in node.inputs]
        return {"op": op.name, "inputs": inputs, "params": written, "spec": _write_specs(node.spec)}

    def _value(self, value: Any, what: str) -> Any:
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, float | complex):
            return _write_number(value)
        if value is Ellipsis:
            return {"ellipsis": True}
        if isinstance(value, Slice):
            return {"slice": [self._value(v, what) for v in value]}
        if type(value) is tuple:
            return [self._value(v, what) for v in value]
        if isinstance(value, Graph):
            return {"graph": self._graphs[value]}
        if isinstance(value, ArrayValue):
            return {"array": self._array(value)}
        if isinstance(getattr(value, "spec", None), Spec):
            return {"cell": self.cells.setdefault(value, len(self.cells))}
        if hasattr(value, "__index__"):
            return value.__index__()
        raise StorageError(f"{what} holds {value!r}, which cannot be stored.")

    def _array(self, value: ArrayValue) -> str:
        if value not in self._names:
            name = self._names[value] = str(len(self._names))
            self.arrays[name] = value.data
        return self._names[value]


def _write_number(value: complex) -> Data:
    """Return a number by the shortest text that reads back as the same bits; ``nan`` and ``inf`` have one too."""
    if isinstance(value, float):
        return {"float": float.__repr__(value)}
    return {"complex": [repr(value.real), repr(value.imag)]}


def _write_specs(specs: Specs) -> Any:
    if isinstance(specs, Spec):
        return {"dtype": specs.dtype, "shape": list(specs.shape)}
    return [_write_specs(s) for s in specs]


class _Reader:
    """Turns data into graphs, checking what it names."""

    def __init__(self, arrays: Mapping[str, Any], cells: Sequence[Any], where: str) -> None:
        self.arrays, self.cells, self.where = arrays, cells, where
        self._placeholders: dict[int, Node] = {}
        self._graphs: list[Graph] = []

    def read(self, graphs: Any) -> Graph:
        """Return the last graph."""
        for row in graphs:
            self._graphs.append(self._graph(row))
        return self._graphs[-1]

    def _graph(self, row: Data) -> Graph:
        nodes: list[Node] = []
        for i, entry in enumerate(row["nodes"]):
            nodes.append(self._node(entry, nodes, f"Node {i} of the stored graph"))
        count = row["inputs"]
        if type(count) is not int or not 0 <= count <= len(nodes):
            raise StorageError(f"The stored graph is damaged: it counts {count!r} inputs among {len(nodes)} nodes.")
        return Graph(nodes[:count], [_at(nodes, i, "An output of the stored graph") for i in row["outputs"]])

    def _node(self, row: Data, before: Sequence[Node], what: str) -> Node:
        op = self._op(row["op"], what)
        what = f"{what}, {op.name},"
        specs = _read_specs(row["spec"])
        params = {str(k): self._value(v, what) for k, v in row["params"].items()}
        inputs = tuple(_at(before, i, what) for i in row["inputs"])
        if op is PLACEHOLDER:
            return self._placeholder(params, specs)
        if op is CONSTANT:
            return self._constant(params["value"], specs, what)
        placed, rest = op.arrange(inputs, params)
        present, full = op.bind(tuple(placed), rest)
        return make(op, present, full, specs, self.where)

    def _op(self, name: Any, what: str) -> Op:
        try:
            return lookup(name)
        except OpError as error:
            raise StorageError(
                f"{what} is {name!r}, an op that this kbplug does not have; update kbplug, or load the plugin that "
                "declares it."
            ) from error

    def _placeholder(self, params: Mapping[str, Any], specs: Specs) -> Node:
        uid = params["uid"]
        if uid not in self._placeholders:
            if not isinstance(specs, Spec):
                raise StorageError("The stored graph is damaged: a placeholder is several arrays.")
            self._placeholders[uid] = placeholder(specs, params["name"], self.where)
        return self._placeholders[uid]

    def _constant(self, value: Any, specs: Specs, what: str) -> Node:
        """Return a constant, made again so that it is the living one, if it is of the stored spec."""
        stored = value.data if isinstance(value, ArrayValue) else value
        dtype = specs.dtype if isinstance(specs, Spec) else None
        node = lift(stored) if isinstance(value, ArrayValue) else literal(stored, dtype)
        if node.spec != specs:
            raise StorageError(f"{what} should be {specs}, but its value is {node.spec}.")
        return node

    def _value(self, value: Any, what: str) -> Any:
        if isinstance(value, list):
            return tuple(self._value(v, what) for v in value)
        if not isinstance(value, dict):
            return value
        ((tag, held),) = value.items()
        match tag:
            case "float":
                return float(held)
            case "complex":
                return complex(*map(float, held))
            case "ellipsis":
                return Ellipsis
            case "slice":
                return Slice(*held)
            case "graph":
                return _at(self._graphs, held, what)
            case "array":
                return self._array(held, what)
            case "cell":
                return _at(self.cells, held, what)
        raise StorageError(f"{what} holds a value of the unknown kind {tag!r}.")

    def _array(self, name: str, what: str) -> ArrayValue:
        if name not in self.arrays:
            raise StorageError(f"{what} needs the array {name!r}, which is not there.")
        value = lift(self.arrays[name]).params["value"]
        if not isinstance(value, ArrayValue):
            raise StorageError(f"{what} needs an array, but {name!r} is a scalar.")
        return value


def _at(found: Sequence[Any], place: Any, what: str) -> Any:
    """Return what stands at a place, which must be before the one that is read."""
    if type(place) is not int or not 0 <= place < len(found):
        raise StorageError(f"{what} refers to the place {place!r}, but only {len(found)} stand before it.")
    return found[place]


def _read_specs(specs: Any) -> Specs:
    if isinstance(specs, list):
        return tuple(spec(s["shape"], s["dtype"]) for s in specs)
    return spec(specs["shape"], specs["dtype"])
