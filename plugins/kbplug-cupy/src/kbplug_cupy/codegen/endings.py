"""The updates at the end of a function that may be written over what they update. Knows graphs; no device, no C++.

An update goes there if nothing else needs its result and every size is known, so that once all else is computed nothing
can fail any more but the device itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from kbplug.graph.graph import Graph, results
from kbplug.graph.node import Node, parameter, remake, scalar_of
from kbplug.graph.spec import Spec
from kbplug_cupy.codegen.program import readable


@dataclass(frozen=True, slots=True)
class Update:
    """A region whose results are written over operands.

    Parameters
    ----------
    region
        Elementwise.
    operands
        Where they stand among the outputs of ``Ending.main``.
    over
        For each result the operand that it is written over, or None for an array of its own.
    given
        Where the results stand among the outputs of the whole function, once for each place.
    """

    region: Graph
    operands: tuple[int, ...]
    over: tuple[int | None, ...]
    given: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Ending:
    """A function in two parts.

    Parameters
    ----------
    main
        From its arguments to what the updates take and to its other outputs.
    updates
        To be run after it, in order.
    places
        For each other output, where it stands among the outputs of the whole and of ``main``.
    """

    main: Graph
    updates: tuple[Update, ...]
    places: tuple[tuple[int, int], ...]


def ending(graph: Graph, given: Sequence[int]) -> Ending | None:
    """Return a function in two parts, or None if nothing can be written over.

    Parameters
    ----------
    graph
        The function.
    given
        The positions of inputs that nobody holds.
    """
    last = [n for n in graph.body if _is_last(n, graph)]
    free = {graph.inputs[i] for i in given if _is_free(graph.inputs[i], graph, set(last))}
    taken: list[tuple[Node, tuple[int | None, ...]]] = []
    for i, node in enumerate(last):
        later = {o for n in last[i + 1 :] for o in n.inputs}
        over = tuple(_matched(node, free - later))
        if any(o is not None for o in over):
            taken.append((node, over))
    return _split(graph, taken) if taken else None


def _is_last(node: Node, graph: Graph) -> bool:
    """Say whether a node is an elementwise region, or one op, all of whose results only leave, in known sizes."""
    body = node.params["body"].body if node.op.name == "fused" else (node,)
    if not all(readable(n) or scalar_of(n) is not None for n in body):
        return False
    parts = _results(node, graph)
    known = all(None not in n.result.shape for n in (*node.inputs, *parts))
    outputs = set(graph.outputs)
    return bool(parts) and known and all(p in outputs and not graph.uses[p] for p in parts)


def _results(node: Node, graph: Graph) -> tuple[Node, ...]:
    """Return the results of a node, or nothing if one of several is not in the graph."""
    found = results(node)
    return found if all(p in graph.uses for p in found) else ()


def _is_free(value: Node, graph: Graph, last: Collection[Node]) -> bool:
    """Say whether no output and no operand of an update but the value itself can share its memory."""
    seen, views = {value}, [value]
    while views:
        view = views.pop()
        if view in graph.outputs:
            return False
        for user in graph.uses.get(view, ()):
            if user in last:
                if view is not value:
                    return False
            elif "alias" in user.op.traits:
                views += {user} - seen
                seen.add(user)
            elif not _copies(view, user):
                return False
    return True


def _copies(value: Node, user: Node) -> bool:
    """Say whether what a node makes of a value has memory of its own."""
    if user.op.name == "scan":
        first = user.params["carries"] + user.params["sequences"]
        places = [i for i, o in enumerate(user.inputs) if o is value]
        body = user.params["body"]
        return all(p >= first and _is_free(body.inputs[p], body, ()) for p in places)
    return user.op.name == "fused" or isinstance(user.spec, Spec)


def _matched(node: Node, free: Collection[Node]) -> Iterator[int | None]:
    """Yield for each result an operand of its own that is free and has its shape and dtype."""
    left = [i for i, o in enumerate(node.inputs) if o in free and node.inputs.index(o) == i]
    for part in results(node):
        found = next((i for i in left if node.inputs[i].spec == part.spec and part.result.ndim), None)
        if found is not None:
            left.remove(found)
        yield found


def _split(graph: Graph, taken: Sequence[tuple[Node, tuple[int | None, ...]]]) -> Ending:
    ours = {p for node, _ in taken for p in results(node)}
    others = [(i, n) for i, n in enumerate(graph.outputs) if n not in ours]
    needed = list(dict.fromkeys([*(n for _, n in others), *(o for node, _ in taken for o in _operands(node))]))
    main = Graph(graph.inputs, needed)
    updates = []
    for node, over in taken:
        given = tuple(tuple(i for i, n in enumerate(graph.outputs) if n is p) for p in results(node))
        operands = _operands(node)
        moved = tuple(None if o is None else operands.index(node.inputs[o]) for o in over)
        updates.append(Update(_region(node), tuple(needed.index(o) for o in operands), moved, given))
    return Ending(main, tuple(updates), tuple((i, needed.index(n)) for i, n in others))


def _operands(node: Node) -> list[Node]:
    """Return what a node takes, each once, without scalars that its region can hold."""
    return list(dict.fromkeys(o for o in node.inputs if node.op.name == "fused" or scalar_of(o) is None))


def _region(node: Node) -> Graph:
    """Return the region of a node, or one that holds an op alone."""
    if node.op.name == "fused":
        body: Graph = node.params["body"]
        return body
    new = {o: parameter(i, o.result) for i, o in enumerate(_operands(node))}
    return Graph(new.values(), [remake(node, tuple(new.get(o, o) for o in node.inputs))])
