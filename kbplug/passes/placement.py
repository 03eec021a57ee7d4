"""Where each value of a graph lies when a batch is cut into parts: a slice with each part, a share, or whole.

One walk from the inputs decides it, by the roles of ``kbplug.passes.axes``; the choice is greedy and never wrong, since
whatever fits no rule is whole. Values have phases: phase 0 is what needs no part, parts of phase 1 are cut from it, the
whole values of phase 1 are what the parts of phase 1 come to together, and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kbplug.graph.graph import Graph, topological
from kbplug.graph.node import ITEM, Node, literal, remake, scalar_of
from kbplug.graph.spec import Size, Spec, normalize_axes
from kbplug.graph.tensor import Tensor, built_at
from kbplug.ops.extents import Extent, extents
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sharding import Cut
from kbplug.ops.sizes import dim
from kbplug.ops.statistical import count
from kbplug.passes.axes import COMBINE, Combined, Role, is_zero, roles


@dataclass(frozen=True, slots=True)
class Share:
    """The placement of a value that each part has a share of; the op ``combine`` puts the shares together."""

    combine: str


Placement = Cut | Share | None
"""A slice with each part, a share with each part, or None: whole, and the same for every part."""

_SUMS = Share("add")
_SHARED_ALIKE = frozenset({"add", "subtract", "negative", "expand_dims", "permute_dims", "matrix_transpose", "sum"})
"""Ops that make, of shares of sums, shares of a sum."""

_UNBROADCAST = frozenset({"concat", "stack", "max_pool_input", "max_pool_pick"})
"""Ops that keep elements along an axis apart, but broadcast no operand along it."""


VIEWS = frozenset(
    {"broadcast_to", "expand_dims", "squeeze", "permute_dims", "matrix_transpose", "moveaxis", "flip", "reshape"}
)
"""Ops that copy nothing."""


class Placed:
    """A graph whose nodes are placed.

    Parameters
    ----------
    graph
        The graph; since means over the batch become sums over it, the one placed, ``self.graph``, is another.
    batch
        The inputs that carry the batch, and the axis it lies along.
    """

    def __init__(self, graph: Graph, batch: Mapping[Node, int]) -> None:
        self.at: dict[Node, Placement] = {}
        self.phase: dict[Node, int] = {}
        self.cuts: dict[tuple[Node, int], Cut] = {}
        """For a node that is cut, and the position of a whole operand: how that must be cut for it."""
        self._new: dict[Node, Node] = {}
        self._sizes: dict[Extent, tuple[Node, int]] = {}
        self._begin(graph, batch)
        for node in graph.body:
            with built_at(node.where):
                self._add(node)
        self.graph = Graph(graph.inputs, [self._new[n] for n in graph.outputs])
        self.ends = frozenset(self.graph.outputs)
        self._postpone_views()

    def _begin(self, graph: Graph, batch: Mapping[Node, int]) -> None:
        for node in graph.inputs:
            self._put(node, Cut(batch[node]) if node in batch else None, 0)
            self._sizes |= {e: (node, i) for i, e in enumerate(extents(node)) if not isinstance(e, int)}
        self.first, axis = next(iter(batch.items()))
        sizes = {n.result.shape[axis] for n, axis in batch.items()}
        self.samples: Size = sizes.pop() if len(sizes) == 1 else None
        self.size = dim(Tensor(self.first), axis=axis).node if self.samples is None else literal(self.samples, "int64")
        self._put(self.size, None, 0)
        self._batch = {extents(n)[axis] for n, axis in batch.items()}

    def _put(self, node: Node, placement: Placement, phase: int) -> None:
        self.at[node], self.phase[node], self._new[node] = placement, phase, node

    def _add(self, node: Node) -> Node:
        """Place a node, or what it is rewritten to, and return that; its operands are placed."""
        if node not in self._new:
            new = remake(node, tuple([self._new[i] for i in node.inputs]))
            if new not in self._new:
                better = self._rewritten(new)
                if better is None:
                    self._place(new)
                else:
                    for step in topological([better], [*new.inputs, self.size]):
                        self._add(step)
                    self._new[new] = self._new[better]
            self._new[node] = self._new[new]
        return self._new[node]

    def _rewritten(self, node: Node) -> Node | None:
        """Return what stands for a size, or for a mean over the batch."""
        if node.op.name == "scatter_add":
            return self._counted_once(node)
        if not node.inputs or not isinstance(cut := self.at[node.inputs[0]], Cut):
            return None
        if node.op.name == "dim":
            return self._size(node.inputs[0], node.params["axis"] % node.inputs[0].result.ndim, cut)
        opened = _OPENED.get(node.op.name)
        if opened is None or node.result.dtype == "float16":  # whose sums overflow where its means do not
            return None
        axes = normalize_axes(node.params["axis"], node.inputs[0].result.ndim)
        return opened(Tensor(node.inputs[0]), **node.params).node if cut.axis in axes else None

    def _counted_once(self, node: Node) -> Node | None:
        """Return an addition to what is whole as its sum with an addition to zeros, of which there may be shares."""
        x, *others = map(Tensor, node.inputs)
        if not any(isinstance(self.at[o.node], Cut) for o in others) or self.at[x.node] is not None or is_zero(x.node):
            return None
        return None if None in x.shape else (x + node.op(xp.zeros_like(x), *others, **node.params)).node

    def _postpone_views(self) -> None:
        """Move views that only later phases need there, so that what they show is handed on, not they."""
        for node in reversed(self.graph.body):
            users = [self.phase[u] for u in self.graph.uses[node]]
            if node.op.name in VIEWS and isinstance(self.at[node], Cut) and users and node not in self.ends:
                self.phase[node] = max(self.phase[node], min(users))

    def _size(self, node: Node, axis: int, cut: Cut) -> Node | None:
        """Return a size of a cut value as one of an input, which is known before there are parts."""
        if axis == cut.axis:
            return (Tensor(self.size) * cut.each).node if cut.each > 1 else self.size
        found = self._sizes.get(extents(node)[axis])
        return None if found is None or found[0] is node else dim(Tensor(found[0]), axis=found[1]).node

    def _place(self, node: Node) -> None:
        placement = self._placement(node)
        phase = max([self.phase[i] for i in node.inputs], default=0)
        if placement is not None:
            shares = all(isinstance(self.at[i], Share) for i in node.inputs)
            later = [0 if shares or isinstance(self.at[i], Cut) else 1 for i in node.inputs]
            phase = max([1, *(self.phase[i] + n for i, n in zip(node.inputs, later, strict=True))])
        self._put(node, placement, phase)

    def _placement(self, node: Node) -> Placement:
        if node.op is ITEM:
            return self.at[node.inputs[0]]
        if not any(isinstance(self.at[i], Cut) for i in node.inputs):
            return self._spread(node) if node.op.name == "broadcast_to" else self._shared(node)
        if node.op.name == "reshape":
            return self._reshaped(node)
        return self._by_roles(node)

    def _shared(self, node: Node) -> Placement:
        """Return the placement of a node with no cut operand: a share if it makes sums of sums within one phase."""
        plain = node.op.name in _SHARED_ALIKE and len({self.phase[i] for i in node.inputs}) == 1
        return _SUMS if plain and all(self.at[i] == _SUMS for i in node.inputs) else None

    def _by_roles(self, node: Node) -> Placement:
        found = roles(node)
        if found is None:
            return None
        cuts = {i: cut for i, n in enumerate(node.inputs) if isinstance(cut := self.at[n], Cut)}
        joint = {(found[i][cut.axis], cut.each) for i, cut in cuts.items()}
        if len(joint) > 1:
            return None
        role, each = joint.pop()
        others = [i for i in range(len(node.inputs)) if i not in cuts]
        wanted = {i: self._cut_for(node, i, role, each, found[i]) for i in others}
        if role is None or False in wanted.values():
            return None
        self.cuts |= {(node, i): cut for i, cut in wanted.items() if isinstance(cut, Cut)}
        if isinstance(role, Combined):
            return Share(COMBINE[role.how])
        resized = node.op.name == "broadcast_to" and self._multiple(entry(node, role)) != each
        return None if resized else Cut(role, each)

    def _cut_for(self, node: Node, position: int, role: Role, each: int, of_axes: tuple[Role, ...]) -> Cut | bool:
        """Return how a whole operand must be cut to go along, True if it may stay whole, False if neither is sure."""
        if role not in of_axes:
            return True
        operand, axis = node.inputs[position], of_axes.index(role)
        size = operand.result.shape[axis]
        if size == 1 and isinstance(role, int) and node.op.name not in _UNBROADCAST:
            return True
        if size is None:
            return Cut(axis) if each == 1 and extents(operand)[axis] in self._batch else False
        return Cut(axis, each) if self.samples is not None and size == self.samples * each else False

    def _spread(self, node: Node) -> Placement:
        """Return the placement of a whole value repeated for each sample."""
        x, shape = node.inputs[0].result, node.params["shape"]
        for axis, size in enumerate(shape):
            own = axis - len(shape) + x.ndim
            each = self._multiple(entry(node, axis)) if size is None and (own < 0 or x.shape[own] == 1) else None
            if each is not None:
                return Cut(axis, each)
        return None

    def _reshaped(self, node: Node) -> Placement:
        """Return the placement of a reshaped slice, whose samples must stay together and in order."""
        x, cut = node.inputs[0], self.at[node.inputs[0]]
        if not isinstance(cut, Cut):
            return None
        axis, before, after = cut.axis, x.result.shape, node.result.shape
        if axis >= len(after) or None in before[:axis] or before[:axis] != after[:axis]:
            return None
        size = entry(node, axis)
        inside, rows = (Spec(s[axis + 1 :], "bool").size for s in (before, after))
        if inside is None or not rows:
            return Cut(axis) if self._multiple(size) == 1 and cut.each == 1 else None
        each, rest = divmod(cut.each * inside, rows)
        fits = size == -1 or self._multiple(size) == each
        return Cut(axis, each) if fits and each and not rest else None

    def _multiple(self, size: int | Node) -> int | None:
        """Return by what a size is sure to be a multiple of the batch's, or None."""
        if isinstance(size, Node):
            return self._multiple_of(size)
        whole = self.samples and size >= 0 and size % self.samples == 0
        return size // self.samples if whole and self.samples else None

    def _multiple_of(self, node: Node) -> int | None:
        if node is self.size:
            return 1
        if node.op.name == "dim" and extents(node.inputs[0])[node.params["axis"]] in self._batch:
            return 1
        if node.op.name != "multiply":
            return None
        a, b = (scalar_of(i) for i in node.inputs)
        each = self._multiple_of(node.inputs[0 if a is None else 1])
        times = b if a is None else a
        return None if each is None or not isinstance(times, int) else each * times


def entry(node: Node, axis: int) -> int | Node:
    """Return what says the size of one axis of the result of a ``sized`` op: a number or an operand."""
    shape: tuple[Size, ...] = node.params["shape"]
    size = shape[axis]
    return node.inputs[len(node.inputs) - shape[axis:].count(None)] if size is None else size


def _mean(x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    return xp.sum(x, axis=axis, keepdims=keepdims) / count(x, axis, x.dtype)


def _var(x: Tensor, axis: Any, correction: float, keepdims: bool) -> Tensor:
    centred = x - xp.mean(x, axis=axis, keepdims=True)
    return xp.sum(centred * centred, axis=axis, keepdims=keepdims) / (count(x, axis, x.dtype) - correction)


def _std(x: Tensor, **params: Any) -> Tensor:
    return xp.sqrt(_var(x, **params))


_OPENED: Mapping[str, Callable[..., Tensor]] = {"mean": _mean, "var": _var, "std": _std}
"""Reductions that become sums and a division by the number of elements."""

__all__ = ["VIEWS", "Placed", "Placement", "Share", "entry"]
