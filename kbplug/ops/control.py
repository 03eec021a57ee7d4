"""Control flow as ordinary ops: ``cond``, ``scan``, ``while_`` and ``fused`` take graphs as parameters.

In a kernel or body such a parameter arrives as a callable from arrays to a tuple of arrays. What a
traced function closed over is passed as the last operands, so loop-invariant work stays outside.
The functions ``choose``, ``fold_over`` and ``repeat_while`` make these ops from Python functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, cast

from kbplug.dtypes import is_floating
from kbplug.errors import ArgumentError, DTypeError, ShapeError
from kbplug.graph.graph import Graph, built_since, substitute
from kbplug.graph.node import Node, now, parameter, scalar_of
from kbplug.graph.spec import Shape, Size, Spec, merge_sizes
from kbplug.graph.tensor import Tensor, outputs, tensor
from kbplug.graph.trace import Traced, trace
from kbplug.ops.declare import primitive
from kbplug.ops.draws import drawing_from, split_streams, streams_opened
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.random import advance
from kbplug.ops.sizes import size_along

Step = Callable[..., tuple[Sequence[Any], Sequence[Any]]]
Pull = Callable[[Sequence[Tensor], Sequence[Tensor | None], Sequence[Tensor]], list[Tensor | None]]
"""The vector-Jacobian product of ``kbplug.autodiff``, which hands itself to the rules of this chapter."""


def specs_of(body: Graph) -> tuple[Spec, ...]:
    """Return the specs of a graph's results."""
    return tuple(n.result for n in body.outputs)


def _one_or_all(specs: tuple[Spec, ...]) -> Spec | tuple[Spec, ...]:
    return specs[0] if len(specs) == 1 else specs


def _first_or_all(results: Sequence[Any]) -> Any:
    return results[0] if len(results) == 1 else tuple(results)


@primitive()
def fused(*arrays: Spec, body: Graph) -> Spec | tuple[Spec, ...]:
    """A region that an engine runs as one."""
    return _one_or_all(specs_of(body))


@fused.implement
def _(xp: Any, *arrays: Any, body: Any) -> Any:
    return _first_or_all(body(*arrays))


@primitive(traits=("control",))
def cond(condition: Spec, /, *arrays: Spec, then: Graph, orelse: Graph) -> Spec | tuple[Spec, ...]:
    """The results of one of two graphs; only the chosen one is computed."""
    if condition.shape != () or condition.dtype != "bool":
        raise ArgumentError(f"cond chooses by one boolean, not by {condition}.")
    if len(then.outputs) != len(orelse.outputs):
        raise ArgumentError(f"The branches of cond return {len(then.outputs)} and {len(orelse.outputs)} results.")
    return _one_or_all(tuple(_either(a, b) for a, b in zip(specs_of(then), specs_of(orelse), strict=True)))


def _either(a: Spec, b: Spec) -> Spec:
    if a.dtype != b.dtype or a.ndim != b.ndim:
        raise ShapeError(f"The branches of cond return {a} and {b}; dtype and rank must agree.")
    return Spec(tuple(m if m == n else None for m, n in zip(a.shape, b.shape, strict=True)), a.dtype)


@cond.implement
def _(xp: Any, condition: Any, /, *arrays: Any, then: Any, orelse: Any) -> Any:
    return _first_or_all((then if bool(condition) else orelse)(*arrays))


@cond.derive
def _(g: Any, y: Any, condition: Tensor, *arrays: Tensor, then: Graph, orelse: Graph, vjp: Pull) -> tuple[Any, ...]:
    cotangents = g if isinstance(g, tuple) else (g,)
    active = [i for i, x in enumerate(arrays) if is_floating(x.dtype)]

    def pull(body: Graph) -> Callable[[], list[Tensor]]:
        def branch() -> list[Tensor]:
            results = [Tensor(n) for n in body(*(x.node for x in arrays))]
            wanted = [arrays[i] for i in active]
            return [
                r if r is not None else xp.zeros_like(w)
                for r, w in zip(vjp(results, cotangents, wanted), wanted, strict=True)
            ]

        return branch

    rows: list[Any] = [None] * (1 + len(arrays))
    if active:
        for i, row in zip(active, choose(condition, pull(then), pull(orelse)), strict=True):
            rows[1 + i] = row
    return tuple(rows)


def choose(condition: Any, then: Callable[[], Any], orelse: Callable[[], Any]) -> tuple[Tensor, ...]:
    """Return the results of ``then()`` or of ``orelse()``, of which a call computes only the chosen one.

    Parameters
    ----------
    condition
        A 0-d boolean tensor.
    then, orelse
        Functions of nothing; both return as many tensors, of equal dtypes and ranks.
    """
    branches = [_branch(then), _branch(orelse)]
    captured = list(dict.fromkeys(n for b in branches for n in b.captured))
    graphs = [_over(b, captured) for b in branches]
    return outputs(cond(condition, *map(Tensor, captured), then=graphs[0], orelse=graphs[1]))


def _branch(function: Callable[[], Any]) -> Traced:
    """Return a branch over what stood before it; what it builds itself is computed only if it is taken."""
    begin = now()
    returned = function()
    results = [tensor(t).node for t in (returned if isinstance(returned, list | tuple) else (returned,))]
    captured = list(dict.fromkeys(_border(results, built_since(results, begin))))
    formal = [parameter(i, n.result) for i, n in enumerate(captured)]
    graph = Graph(formal, substitute(results, dict(zip(captured, formal, strict=True))))
    return Traced(graph, tuple(captured), ())


def _border(results: Sequence[Node], built: Sequence[Node]) -> Iterable[Node]:
    inside = set(built)
    yield from (n for n in results if n not in inside and scalar_of(n) is None)
    for node in built:
        yield from (i for i in node.inputs if i not in inside and scalar_of(i) is None)
        if not node.inputs and (node.symbolic or node.stateful):
            yield node


def _over(branch: Traced, captured: Sequence[Node]) -> Graph:
    formal = {n: parameter(i, n.result) for i, n in enumerate(captured)}
    return Graph(formal.values(), branch.graph(*(formal[n] for n in branch.captured)))


class Loop(NamedTuple):
    """The operands of a loop, told apart."""

    carries: tuple[Any, ...]
    sequences: tuple[Any, ...]
    captured: tuple[Any, ...]


def split(arrays: Sequence[Any], carries: int, sequences: int = 0) -> Loop:
    """Return a loop's operands told apart: first values of the carries, sequences, captured values."""
    middle = carries + sequences
    return Loop(tuple(arrays[:carries]), tuple(arrays[carries:middle]), tuple(arrays[middle:]))


@primitive(traits=("control", "tuple"))
def scan(
    *arrays: Spec, body: Graph, carries: int, sequences: int, length: int | None = None, reverse: bool = False
) -> tuple[Spec, ...]:
    """Run a graph over the first axis of sequences, carrying values from step to step; also what each step returned."""
    loop = split(arrays, carries, sequences)
    steps: Size = length
    for sequence in loop.sequences:
        if not sequence.ndim:
            raise ShapeError("scan goes over the first axis of its sequences, but one has no dimensions.")
        steps = merge_sizes(steps, sequence.shape[0], "The sequences of a scan")
    if not loop.sequences and length is None:
        raise ArgumentError("A scan over no sequences needs a length.")
    found = specs_of(body)
    return found[:carries] + tuple(Spec((steps, *s.shape), s.dtype) for s in found[carries:])


@scan.implement
def _(
    xp: Any, *arrays: Any, body: Any, carries: int, sequences: int, length: int | None = None, reverse: bool = False
) -> Any:
    loop = split(arrays, carries, sequences)
    steps: Any = loop.sequences[0].shape[0] if loop.sequences else length
    state, kept = loop.carries, []
    for i in reversed(range(steps)) if reverse else range(steps):
        found = body(*state, *(s[i, ...] for s in loop.sequences), *loop.captured)
        state = found[:carries]
        kept.append(found[carries:])
    if not kept:
        return (*state, *_no_steps(xp, loop, body, carries))
    if reverse:
        kept.reverse()
    return (*state, *(xp.stack(list(column), axis=0) for column in zip(*kept, strict=True)))


def _no_steps(xp: Any, loop: Loop, body: Any, carries: int) -> list[Any]:
    """Return the empty stacks of a scan over nothing; their shapes are those of a step on zeros."""
    zeros = [xp.zeros(s.shape[1:], dtype=s.dtype) for s in loop.sequences]
    found = body(*loop.carries, *zeros, *loop.captured)
    return [xp.zeros((0, *y.shape), dtype=y.dtype) for y in found[carries:]]


@scan.derive
def _(
    g: tuple[Any, ...],
    y: tuple[Tensor, ...],
    *arrays: Tensor,
    body: Graph,
    carries: int,
    sequences: int,
    length: int | None,
    reverse: bool,
    vjp: Pull,
) -> tuple[Any, ...]:
    loop = split(arrays, carries, sequences)
    keeping = Graph(body.inputs, (*body.outputs[:carries], *body.inputs[:carries]))
    again = scan(*arrays, body=keeping, carries=carries, sequences=sequences, length=length, reverse=reverse)
    history = outputs(again)[carries:]
    return _backwards(g, y, loop, history, body, vjp, length=length, reverse=not reverse)


def _backwards(
    g: tuple[Any, ...],
    y: tuple[Tensor, ...],
    loop: Loop,
    history: Sequence[Tensor],
    body: Graph,
    vjp: Pull,
    *,
    length: int | None,
    reverse: bool,
) -> tuple[Any, ...]:
    """Return the cotangents of a loop's operands by a scan the other way over the carries kept."""
    count = len(loop.carries)
    arguments = (*loop.carries, *loop.sequences, *loop.captured)
    flows = [is_floating(x.dtype) for x in arguments]
    moving = [i for i in range(count) if flows[i]]
    captured = [x for x in loop.captured if is_floating(x.dtype)]
    given = [g[i] if g[i] is not None else xp.zeros_like(y[i]) for i in moving]
    returned = [i for i in range(count, len(y)) if g[i] is not None and is_floating(y[i].dtype)]

    def step(*values: Tensor) -> tuple[list[Any], list[Any]]:
        rest = iter(values)
        ahead = dict(zip(moving, [next(rest) for _ in moving], strict=True))
        sums = [next(rest) for _ in captured]
        state = [next(rest) for _ in loop.carries]
        elements = [next(rest) for _ in loop.sequences]
        ahead.update(zip(returned, [next(rest) for _ in returned], strict=True))
        inner = (*state, *elements, *loop.captured)
        results = [Tensor(n) for n in body(*(t.node for t in inner))]
        wanted = [t for t, flow in zip(inner, flows, strict=True) if flow]
        rows = vjp(results, [ahead.get(i) for i in range(len(results))], wanted)
        full = [r if r is not None else xp.zeros_like(w) for r, w in zip(rows, wanted, strict=True)]
        back, across = full[: len(moving)], full[len(moving) : len(full) - len(captured)]
        return [*back, *(s + d for s, d in zip(sums, full[len(full) - len(captured) :], strict=True))], across

    first = [*given, *map(xp.zeros_like, captured)]
    ends, across = fold_over(step, first, [*history, *loop.sequences, *(g[i] for i in returned)], length, reverse)
    found = iter([*ends[: len(moving)], *across, *ends[len(moving) :]])
    return tuple(next(found) if flow else None for flow in flows)


def fold_over(
    step: Step, initial: Sequence[Any], sequences: Sequence[Any] = (), length: int | None = None, reverse: bool = False
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Return the last carries of a loop, and what its steps returned, stacked along a new first axis.

    Parameters
    ----------
    step
        ``step(*carries, *elements) -> (carries, returned)``; traced, so called once or a few times. A random
        stream that it opens is another one at each step.
    initial
        First values of the carries.
    sequences
        Tensors gone over along their first axis.
    length
        The number of steps, needed where there is no sequence.
    reverse
        Whether to go from the last element to the first; results stand at the place of their element.
    """
    carries = [tensor(c) for c in initial]
    rows = [tensor(s) for s in sequences]
    elements = [Spec(s.shape[1:], s.dtype) for s in rows]
    begin = now()
    traced = _trace_stable(lambda *v: _joined(step(*v), len(carries)), [c.spec for c in carries], elements, "scan")
    if streams := streams_opened(traced.captured, begin):
        traced = drawing_from(traced, streams, begin)
        rows += split_streams(streams, size_along(rows[0], 0) if rows else cast(int, length))
    operands = (*carries, *rows, *map(Tensor, traced.captured))
    found = outputs(
        scan(*operands, body=traced.graph, carries=len(carries), sequences=len(rows), length=length, reverse=reverse)
    )
    return found[: len(carries)], found[len(carries) :]


def _joined(returned: Any, carries: int) -> list[Any]:
    state, kept = returned
    if len(state) != carries:
        raise ArgumentError(f"The step of a loop carries {carries} values, but returned {len(state)}.")
    return [*state, *kept]


def _trace_stable(function: Callable[..., Any], carries: list[Spec], elements: list[Spec], what: str) -> Traced:
    """Trace a step until the specs of its carries are those it returns, forgetting sizes that change."""
    while True:
        traced = trace(function, [*carries, *elements])
        found = [n.result for n in traced.graph.outputs[: len(carries)]]
        widened = [_stable(i, a, b, what) for i, (a, b) in enumerate(zip(carries, found, strict=True))]
        if widened == carries:
            return traced
        carries = widened


def _stable(position: int, before: Spec, after: Spec, what: str) -> Spec:
    if before.dtype != after.dtype:
        raise DTypeError(
            f"Carry {position} of a {what} is {before.dtype}, but a step turns it into {after.dtype}; cast it."
        )
    if before.ndim != after.ndim:
        raise ShapeError(f"Carry {position} of a {what} is {before}, but a step turns it into {after}.")
    shape: Shape = tuple(m if m == n else None for m, n in zip(before.shape, after.shape, strict=True))
    return before.like(shape=shape)


@primitive(traits=("control", "tuple"))
def while_(*arrays: Spec, test: Graph, body: Graph, carries: int, keep: bool = False) -> tuple[Spec, ...]:
    """Run a graph on its own results while another one says so; with ``keep`` also what each step began with."""
    if specs_of(test) != (Spec((), "bool"),):
        raise ArgumentError(f"The test of while_ must return one boolean, not {', '.join(map(str, specs_of(test)))}.")
    found = specs_of(body)
    return found + tuple(Spec((None, *s.shape), s.dtype) for s in found) if keep else found


@while_.implement
def _(xp: Any, *arrays: Any, test: Any, body: Any, carries: int, keep: bool = False) -> Any:
    state, captured = tuple(arrays[:carries]), arrays[carries:]
    history = []
    while bool(test(*state, *captured)[0]):
        if keep:
            history.append(state)
        state = tuple(body(*state, *captured))
    if not keep:
        return state
    if not history:
        return (*state, *(xp.zeros((0, *s.shape), dtype=s.dtype) for s in state))
    return (*state, *(xp.stack(list(column), axis=0) for column in zip(*history, strict=True)))


@while_.derive
def _(
    g: tuple[Any, ...],
    y: tuple[Tensor, ...],
    *arrays: Tensor,
    test: Graph,
    body: Graph,
    carries: int,
    keep: bool,
    vjp: Pull,
) -> tuple[Any, ...]:
    again = outputs(while_(*arrays, test=test, body=body, carries=carries, keep=True))
    loop = split(arrays, carries)
    keeping = Graph(body.inputs, (*body.outputs, *body.inputs[:carries])) if keep else body
    return _backwards(g, y, loop, again[carries:], keeping, vjp, length=None, reverse=True)


def repeat_while(test: Callable[..., Any], step: Callable[..., Any], initial: Sequence[Any]) -> tuple[Tensor, ...]:
    """Return what ``initial`` becomes by applying ``step`` while ``test`` holds.

    Parameters
    ----------
    test
        ``test(*carries)`` returns a 0-d boolean.
    step
        ``step(*carries)`` returns as many tensors of the same specs. A random stream that it opens is another
        one at each step.
    """
    carries = [tensor(c) for c in initial]
    count, begin = len(carries), now()
    body = _trace_stable(lambda *v: _listed(step(*v)), [c.spec for c in carries], [], "while_")
    if streams := streams_opened(body.captured, begin):
        own = drawing_from(body, streams, begin)

        def drawing(*given: Tensor) -> list[Tensor]:
            found = own.graph(*(t.node for t in given), *own.captured)
            return [*map(Tensor, found), *map(advance, given[count:])]

        first = [row[0] for row in split_streams(streams, 1)]
        return repeat_while(lambda *given: test(*given[:count]), drawing, [*carries, *first])[:count]
    check = trace(test, [n.result for n in body.graph.inputs[: len(carries)]])
    captured = list(dict.fromkeys((*body.captured, *check.captured)))
    graphs = [_loop_over(t, captured, len(carries)) for t in (check, body)]
    found = while_(*carries, *map(Tensor, captured), test=graphs[0], body=graphs[1], carries=len(carries))
    return outputs(found)


def _listed(returned: Any) -> list[Any]:
    return list(returned) if isinstance(returned, list | tuple) else [returned]


def _loop_over(traced: Traced, captured: Sequence[Node], carries: int) -> Graph:
    """Return a traced graph over carries and a longer list of captured values."""
    specs = [n.result for n in (*traced.graph.inputs[:carries], *captured)]
    formal = [parameter(i, s) for i, s in enumerate(specs)]
    place = {n: formal[carries + i] for i, n in enumerate(captured)}
    return Graph(formal, traced.graph(*formal[:carries], *(place[n] for n in traced.captured)))
