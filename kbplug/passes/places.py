"""Where each value of a loop's step is written, so that a step needs no memory of its own. It changes no graph.

A value that is stacked is written into its row of the stack, what is carried on into one of two buffers in turn, a part
of a ``concat`` into its part. Everything else shares a few buffers, each taken over when its value was read last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kbplug.graph.graph import Graph
from kbplug.graph.node import Node
from kbplug.graph.spec import Spec, normalize_axis


@dataclass(frozen=True)
class Row:
    """The row of this step in the stack of result ``kept``; or, ``next``, that of the following step."""

    kept: int
    next: bool = False


@dataclass(frozen=True)
class Turn:
    """That one of the two buffers of a carry which its present value is not in."""

    carry: int


@dataclass(frozen=True)
class Part:
    """From ``start`` to ``stop`` along an axis of where a ``concat`` is written."""

    whole: Node
    axis: int
    start: int
    stop: int


@dataclass(frozen=True)
class Slot:
    """A buffer of the loop."""

    number: int


Place = Row | Turn | Part | Slot
Check = Callable[[Node], bool]


@dataclass
class Places:
    """Where values are written, and what the buffers hold.

    Attributes
    ----------
    of
        The values that have a place.
    slots
        The spec of each buffer.
    """

    of: dict[Node, Place] = field(default_factory=dict)
    slots: list[Spec] = field(default_factory=list)


def places(body: Graph, carries: int, fills: Check, over: Check) -> Places:
    """Return where the values of a step are written.

    Parameters
    ----------
    body
        The step; all its sizes are known.
    carries
        How many of its first inputs and outputs are carried on.
    fills
        Whether a node is computed by a function that writes into a given buffer.
    over
        Whether that buffer may be the one of an operand of its spec.
    """
    found = Places()
    _results(body, carries, fills, found.of)
    for node in reversed(body.body):
        _handed_down(node, body, fills, over, found.of)
    _Slots(body, fills, over, found).fill()
    return found


def _results(body: Graph, carries: int, fills: Check, of: dict[Node, Place]) -> None:
    """Give places to results: rows first, which outlive the loop."""
    following = dict(zip(body.inputs[:carries], body.outputs[:carries], strict=True))
    for i, node in enumerate(body.outputs[carries:]):
        written = following.get(node, node)
        if written not in body.inputs and fills(written):
            of.setdefault(written, Row(i, next=node in following))
    for i, node in enumerate(body.outputs[:carries]):
        if node not in body.inputs and fills(node):
            of.setdefault(node, Turn(i))


def _handed_down(node: Node, body: Graph, fills: Check, over: Check, of: dict[Node, Place]) -> None:
    """Let operands that only ``node`` reads be written where it is: parts of it, or one of its own spec."""
    free = [i for i in node.inputs if body.uses.get(i) == (node,) and i not in of and i not in body.outputs]
    free = [i for i in free if i not in body.inputs and fills(i)]
    if node.op.name == "concat" and fills(node):
        of.update({o: part for o, part in zip(node.inputs, parts(node), strict=True) if o in free})
    elif over(node) and isinstance(of.get(node), Row | Turn):  # a part is no place to compute: its rows lie apart
        for operand in [i for i in free if i.spec == node.spec][:1]:
            of[operand] = of[node]


def parts(node: Node) -> Iterable[Part]:
    """Return the part of each operand of a ``concat``."""
    axis = normalize_axis(node.params["axis"], node.result.ndim)
    start = 0
    for operand in node.inputs:
        stop = start + (operand.result.shape[axis] or 0)
        yield Part(node, axis, start, stop)
        start = stop


class _Slots:
    """Gives buffers to what has no place yet, in the order in which values are computed."""

    def __init__(self, body: Graph, fills: Check, over: Check, found: Places) -> None:
        self.body, self.fills, self.over, self.found = body, fills, over, found
        self.free: dict[Spec, list[Slot]] = {}
        self.last = _last_reads(body)

    def fill(self) -> None:
        """Give every node that fills a buffer a place."""
        for node in self.body.body:
            dying = [o for o in self.last.get(node, ()) if isinstance(self.found.of.get(o), Slot)]
            over = [o for o in dying if self.over(node) and _reads_plainly(node, o)]
            self._release(over)
            if self.fills(node):
                self._place(node)
            self._release([o for o in dying if o not in over])

    def _place(self, node: Node) -> None:
        place = self.found.of.get(node)
        if place is None:
            self.found.of[node] = self._take(node.result)
        elif isinstance(place, Part):
            self._place(place.whole)

    def _take(self, spec: Spec) -> Slot:
        free = self.free.get(spec)
        if free:
            return free.pop()
        self.found.slots.append(spec)
        return Slot(len(self.found.slots) - 1)

    def _release(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            slot = self.found.of[node]
            assert isinstance(slot, Slot)
            self.free.setdefault(node.result, []).append(slot)


def _last_reads(body: Graph) -> Mapping[Node, Sequence[Node]]:
    """Return for each node the values read there for the last time, by it or through views; results never die."""
    last: dict[Node, Node] = {}
    for node in body.body:
        for operand in node.inputs:
            for owner in (operand, *_below(operand)):
                last[owner] = node
    kept = {o for n in body.outputs for o in (n, *_below(n))}
    found: dict[Node, list[Node]] = {}
    for value, node in last.items():
        if value not in kept:
            found.setdefault(node, []).append(value)
    return found


def _below(node: Node) -> Iterable[Node]:
    """Yield what a value may be a view of, or of what that is a view of."""
    while not {"elementwise", "sequence"} & node.op.traits and node.op.name != "matmul" and node.inputs:
        yield from node.inputs[1:]
        node = node.inputs[0]
        yield node


def _reads_plainly(node: Node, value: Node) -> bool:
    """Say whether ``node`` reads ``value`` itself, element by element, and no view of it."""
    views = any(value in _below(i) for i in node.inputs)
    return value in node.inputs and value.spec == node.spec and not views
