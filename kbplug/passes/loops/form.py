"""A scan taken apart and put together again, and how a pass replaces the scans of a graph. Knows no other op."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from kbplug.graph.graph import Graph, substitute
from kbplug.graph.node import ITEM, Node, infer, make, parameter, remake
from kbplug.graph.op import lookup
from kbplug.graph.spec import Size, Spec
from kbplug.ops.control import split
from kbplug.passes.nested import traits, within

USUAL = 32
"""What an unknown size counts as where sizes are compared."""


class Carry(NamedTuple):
    """What goes from step to step: its name inside the body, its first value outside, its next value inside."""

    formal: Node
    first: Node
    next: Node


@dataclass(frozen=True)
class Loop:
    """A scan taken apart.

    Attributes
    ----------
    carries
        What goes from step to step.
    sequences, captured
        A name inside the body to the value outside that it is an element of, or that it is in every step.
    kept
        Values inside the body that are stacked.
    steps, length, reverse, where
        The number of steps as far as it is known, and what is known of the scan beside.
    """

    carries: tuple[Carry, ...]
    sequences: Mapping[Node, Node]
    captured: Mapping[Node, Node]
    kept: tuple[Node, ...]
    steps: Size
    length: int | None
    reverse: bool
    where: str

    @classmethod
    def of(cls, scan: Node) -> Loop:
        """Return the parts of a scan."""
        params, body = scan.params, scan.params["body"]
        counts = params["carries"], params["sequences"]
        formal, outer = split(body.inputs, *counts), split(scan.inputs, *counts)
        carried = zip(formal.carries, outer.carries, body.outputs, strict=False)
        sizes = [params["length"], *(s.result.shape[0] for s in outer.sequences)]
        return cls(
            tuple(Carry(*each) for each in carried),
            dict(zip(formal.sequences, outer.sequences, strict=True)),
            dict(zip(formal.captured, outer.captured, strict=True)),
            body.outputs[counts[0] :],
            next((n for n in sizes if n is not None), None),
            params["length"],
            params["reverse"],
            scan.where,
        )

    @property
    def ends(self) -> tuple[Node, ...]:
        """What a step comes to: the next values of the carries, then what is stacked."""
        return (*(c.next for c in self.carries), *self.kept)

    @property
    def formals(self) -> tuple[Node, ...]:
        """The names of everything that a step is given."""
        return (*(c.formal for c in self.carries), *self.sequences, *self.captured)

    @property
    def body(self) -> tuple[Node, ...]:
        """The nodes that a step computes, each after its operands."""
        return Graph(self.formals, self.ends).body

    def node(self) -> Node:
        """Return the scan."""
        formals = self.formals
        new = [parameter(i, f.result) for i, f in enumerate(formals)]
        body = Graph(new, substitute(self.ends, dict(zip(formals, new, strict=True))))
        inputs = (*(c.first for c in self.carries), *self.sequences.values(), *self.captured.values())
        length = self.length if self.sequences or self.length is not None else self.steps
        params = {
            "body": body,
            "carries": len(self.carries),
            "sequences": len(self.sequences),
            "length": length,
            "reverse": self.reverse,
        }
        op = lookup("scan")
        return make(op, inputs, params, infer(op, inputs, params), self.where)


Replace = Callable[[Node, Node], Mapping[int, Node] | None]
"""Takes a scan as it stands in the graph, and rebuilt; returns the results that are needed, or None to leave it."""


def each_scan(graph: Graph, replace: Replace) -> Graph:
    """Return ``graph`` with the results of its scans replaced; those of graphs inside it are not."""
    several: dict[Node, Mapping[int, Node]] = {}

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node:
        new = remake(node, inputs)
        if node.op is ITEM and inputs[0] in several:
            return several[inputs[0]].get(node.params["index"], new)
        if node.op.name == "scan":
            found = replace(node, new)
            if found is not None:
                several[new] = found
        return new

    return graph.rebuild(rule)


def inside_first(rewrite: Callable[[Graph], Graph]) -> Callable[[Graph], Graph]:
    """Return a pass that applies ``rewrite`` to the graphs inside a graph, the innermost first, then to itself."""

    def apply(graph: Graph) -> Graph:
        return rewrite(graph.rebuild(lambda node, inputs: within(remake(node, inputs), apply)))

    return apply


def pure(node: Node) -> bool:
    """Say whether it is all the same when and how often ``node`` is computed."""
    return not {"effect", "random"} & traits([node])


def elements(nodes: Iterable[Node]) -> int:
    """Return how many elements the results of nodes have together, unknown sizes counted as usual ones."""
    specs = [s for n in nodes for s in ((n.spec,) if isinstance(n.spec, Spec) else n.spec)]
    return sum(prod(USUAL if n is None else n for n in s.shape) for s in specs)
