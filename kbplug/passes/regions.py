"""Which nodes run as one: elementwise code and row reductions, parted into regions. Knows no engine.

Regions never wait for each other in a circle. Every node has a level, and each edge either has both ends in one region
or leads to a higher level; so what leaves a region never comes back to it. Three steps keep that:

* Going down, a node takes the level of operands that fit it, and one more than that of all others.
* What an edge within a level joins is one region; so is what reads the same rows on one level.
* Going up, a node whose users are all in one region may move there: edges to it only lead further up.
* Going up again, what stands alone rises as far as its users let it; a region rises to one that it leads to and that
  fits it, where all else that it leads to stands higher.

Each step looks a few times at every edge, so the work grows as the graph does.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from kbplug.graph.graph import Graph
from kbplug.graph.node import Node
from kbplug.graph.spec import Spec, normalize_axes
from kbplug.ops.extents import Extent, extents

REDUCTIONS = frozenset({"sum", "max", "min", "mean", "prod"})
SPREADS = frozenset({"var", "std"})
"""Row reductions that are made of others inside a region."""

Form = tuple[Extent, ...]
"""The rank, and the sizes of all axes but the last; of one axis or none, all sizes."""


def is_row_reduction(node: Node) -> bool:
    """Say whether a node takes the elements of each row together, and a region can hold it."""
    name = node.op.name
    if name not in REDUCTIONS | SPREADS:
        return False
    source, params = node.inputs[0].result, node.params
    last = source.ndim - 1
    over = last >= 0 and params["axis"] in (-1, last, (-1,), (last,)) and (params["keepdims"] or last > 0)
    if not over or name in REDUCTIONS:
        return bool(over)
    count = source.shape[-1]
    return source.dtype != "float16" and (params["correction"] == 0 or (count or 0) > params["correction"])


def is_row_op(node: Node, names: Container[str]) -> bool:
    """Say whether a node is one of the ops called ``names`` and takes one element, or gives a row, for each row."""
    if node.op.name not in names or any(i.result.ndim != node.result.ndim for i in node.inputs):
        return False
    axis = node.params.get("axis", -1)
    return axis in (-1, node.result.ndim - 1) and node.result.ndim > 1 and node.inputs[1].result.shape[-1] == 1


def is_sum_of_rows(node: Node) -> bool:
    """Say whether a node adds up all rows, so that parts of the rows give parts of the sum."""
    if node.op.name != "sum" or node.params["keepdims"]:
        return False
    source, axis = node.inputs[0].result, node.params["axis"]
    over = source.ndim > 1 and axis is not None and normalize_axes(axis, source.ndim) == tuple(range(source.ndim - 1))
    return over and source.dtype == node.result.dtype and source.dtype in ("float32", "float64")


def squeezes(node: Node) -> bool:
    """Say whether a reduction drops axes, so that nothing in its region can compute with it."""
    return not node.params.get("keepdims", True)


def regions(graph: Graph, row_ops: Container[str] = ()) -> tuple[Mapping[Node, int], Mapping[Node, Sequence[Node]]]:
    """Return the level of every node, and for each node in a region all members of that, in the graph's order.

    Parameters
    ----------
    row_ops
        Names of other ops that work row by row and may stand in a region.
    """
    found = _Regions(graph, row_ops)
    return found.level, found.members()


class _Regions:
    """The regions of one graph as they grow."""

    def __init__(self, graph: Graph, row_ops: Container[str]) -> None:
        self.graph, self._row_ops = graph, row_ops
        self.level: dict[Node, int] = {}
        self._inside: dict[Node, Form] = {}  # what a node must fit to be computed with others
        self._length: dict[Node, Extent | None] = {}  # of the rows that it takes or gives; None if they have one each
        self._joined: dict[Node, Node] = {}
        for node in graph.nodes:
            self._descend(node)
        for node in graph.nodes:
            self._join_readers(node)
        self.home = {n: self._root(n) for n in self._joined}
        self._ends = set(graph.outputs)
        self._seen = {n for n in self.home if self._leaves(n)}
        for node in reversed(graph.body):
            self._ascend(node)
        rising = _Rising(self)
        self.home = {n: rising.home(n) for n in self.home}
        self.level = {n: rising.level.get(rising.home(n), -1) for n in graph.nodes}

    def members(self) -> Mapping[Node, Sequence[Node]]:
        """Return all members of the region of each node that is in one."""
        found: dict[Node, list[Node]] = {}
        for node in self.graph.body:
            if node in self.home:
                found.setdefault(self.home[node], []).append(node)
        return {n: found[home] for n, home in self.home.items()}

    def _descend(self, node: Node) -> None:
        """Give a node its level, and join it with the operands on it."""
        if not node.inputs or node in self.graph.fed:
            self.level[node] = -1
            return
        fitting: Sequence[Node] = ()
        if isinstance(node.spec, Spec) and self._may_join(node):
            self._joined[node] = node
            self._measure(node)
            fitting = [o for o in node.inputs if self.fits(o, node)]
        level = self.level[node] = max(self.level[o] + (o not in fitting) for o in node.inputs)
        for o in fitting:
            if self.level[o] == level:
                self._joined[self._root(o)] = self._root(node)

    def _may_join(self, node: Node) -> bool:
        if "elementwise" in node.op.traits or is_row_reduction(node) or is_row_op(node, self._row_ops):
            return True
        return "sum" in self._row_ops and is_sum_of_rows(node)

    def _measure(self, node: Node) -> None:
        shaped = node.inputs[0] if squeezes(node) else node
        self._inside[node] = _form(shaped)
        taken = [node, *node.inputs] if shaped is node else [shaped]
        lengths = [e for n in taken if (e := self._row(n)) is not None]
        self._length[node] = lengths[0] if lengths else None

    def _row(self, node: Node) -> Extent | None:
        """Return the length of the rows that a node has, or was made of."""
        rank = node.result.ndim
        last = extents(node)[-1] if rank > 1 else 1
        return self._length.get(node) if last == 1 else last

    def fits(self, operand: Node, node: Node) -> bool:
        """Say whether an operand is computed row by row as ``node`` is, as far as sizes are known."""
        if operand not in self._inside or squeezes(operand):
            return False
        a, b = self._inside[operand], self._inside[node]
        alike = len(a) == len(b) and all(map(_may_equal, a, b))
        m, n = self._length[operand], self._length[node]
        return alike and (m is None or n is None or _may_equal(m, n))

    def _join_readers(self, operand: Node) -> None:
        """Join what reads the same rows on one level."""
        if not isinstance(operand.spec, Spec) or not _is_wide(operand):
            return
        first: dict[int, Node] = {}
        for user in self.graph.uses[operand]:
            if user in self._joined and self._inside[user] == _form(operand) and _taken(user) == extents(operand):
                other = first.setdefault(self.level[user], user)
                self._joined[self._root(other)] = self._root(user)

    def _root(self, node: Node) -> Node:
        while self._joined[node] is not node:
            self._joined[node] = node = self._joined[self._joined[node]]
        return node

    def _ascend(self, node: Node) -> None:
        """Move a node to the region of all its users, unless that region would have to be given more rows."""
        users = self.graph.uses[node]
        homes = {self.home.get(u) for u in users}
        if node not in self.home or len(homes) != 1 or node in self._ends or squeezes(node):
            return
        (home,) = homes
        if home is None or home is self.home[node] or any(_rank(u) < _rank(node) for u in users):
            return
        if all(self._follows(o, node) for o in node.inputs):
            self._seen.update(o for o in node.inputs if self.home.get(o) is self.home[node])
            self.home[node], self.level[node] = home, self.level[users[0]]

    def _leaves(self, node: Node) -> bool:
        """Say whether a value is needed outside the region it is computed in."""
        return node in self._ends or any(self.home.get(u) is not self.home[node] for u in self.graph.uses[node])

    def _follows(self, operand: Node, node: Node) -> bool:
        """Say whether an operand of the same region is seen outside it anyway, or needed by nothing else."""
        if self.home.get(operand) is not self.home[node] or not _is_wide(operand) or operand in self._seen:
            return True
        return len(self.graph.uses[operand]) == node.inputs.count(operand)


class _Rising:
    """The last step: what stands alone and whole regions, under one of their nodes each, the highest first."""

    def __init__(self, found: _Regions) -> None:
        self.found = found
        self._within: dict[Node, Node] = {}  # what a region became part of
        groups: dict[Node, list[Node]] = {}
        for node in found.graph.body:
            groups.setdefault(self.home(node), []).append(node)
        self.level = {home: found.level[nodes[0]] for home, nodes in groups.items()}
        self._above: dict[Node, int] = {}  # the lowest level that each leads to
        for home in sorted(groups, key=self.level.__getitem__, reverse=True):
            self._raise(home, groups[home])

    def home(self, node: Node) -> Node:
        """Return the node under which the region of ``node`` goes."""
        home = self.found.home.get(node, node)
        while home in self._within:
            if (further := self._within[home]) in self._within:
                self._within[home] = self._within[further]
            home = further
        return home

    def _raise(self, home: Node, nodes: Sequence[Node]) -> None:
        uses = [(n, u) for n in nodes for u in self.found.graph.uses[n]]
        outer = {self.home(u) for _, u in uses} - {home}
        self._above[home] = min((self.level[h] for h in outer), default=_TOP)
        if home not in self.found.home:
            self.level[home] = self._above[home] - 1
            return
        fitting = {self.home(u) for n, u in uses if u in self.found.home and self.found.fits(n, u)} - {home}
        fitting -= {self.home(u) for n, u in uses if squeezes(n)}  # which give their users other axes
        for level in sorted({f(self.level[h] for h in fitting) for f in (min, max) if fitting}, reverse=True):
            joined = [h for h in fitting if self.level[h] == level or self._above[h] > level > self.level[h]]
            rest = outer.difference(joined)
            if all(self.level[h] > level for h in rest):
                self._join(home, joined, level, rest)
                return

    def _join(self, home: Node, joined: Sequence[Node], level: int, rest: Iterable[Node]) -> None:
        """Make one region of one and those that it leads to, on their level."""
        target = next(h for h in joined if self.level[h] == level)
        self._above[target] = min([_TOP, *(self._above[h] for h in joined), *(self.level[h] for h in rest)])
        self._within |= {h: target for h in (home, *joined) if h is not target}


_TOP = 1 << 60
"""Above every level."""


def _form(node: Node) -> Form:
    sizes = extents(node)
    return (len(sizes), *(sizes[:-1] if len(sizes) > 1 else sizes))


def _rank(node: Node) -> int:
    """Return the rank of what a node computes inside its region."""
    return (node.inputs[0] if squeezes(node) else node).result.ndim


def _taken(node: Node) -> tuple[Extent, ...]:
    """Return the extents of what a node computes with."""
    return extents(node.inputs[0] if is_row_reduction(node) or squeezes(node) else node)


def _is_wide(node: Node) -> bool:
    """Say whether a value has more than one element in a row."""
    return isinstance(node.spec, Spec) and node.spec.ndim > 0 and node.spec.shape[-1] != 1


def _may_equal(a: Extent, b: Extent) -> bool:
    """Say whether two sizes may be equal; what is unknown is taken not to be 1."""
    return a == b or (1 not in (a, b) and not (isinstance(a, int) and isinstance(b, int)))
