"""Loops: over time (``rnn``) and over the elements of a tensor (``map_fn``, ``foldl``, ``foldr``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from kbplug.backend.arguments import DTypeLike, TensorLike
from kbplug.backend.tensors import as_tensor
from kbplug.dtypes import check_dtype, result_type
from kbplug.errors import ArgumentError, ShapeError
from kbplug.graph.tensor import Tensor
from kbplug.ops.control import fold_over
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import size_along

Step = Callable[[Tensor, list[Tensor]], tuple[Tensor, Sequence[Tensor]]]


def rnn(
    step_function: Step,
    inputs: TensorLike,
    initial_states: Sequence[TensorLike],
    go_backwards: bool = False,
    mask: TensorLike | None = None,
    constants: Sequence[TensorLike] | None = None,
    unroll: bool = False,
    input_length: Any = None,
    time_major: bool = False,
    zero_output_for_mask: bool = False,
    return_all_outputs: bool = True,
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Return what a step function makes of a sequence.

    Parameters
    ----------
    step_function
        ``step_function(inputs, states + constants) -> (output, new_states)`` for one time step of all samples.
        It is called to build the graph, maybe more than once. A random draw inside is another one at each step.
    inputs
        Of shape ``(samples, time, ...)``.
    initial_states
        Tensors of shape ``(samples, ...)``; may be empty.
    go_backwards
        Whether to go from the last step to the first; outputs come in the order they are made.
    mask
        Of shape ``(samples, time)``. Where it is false or 0, the output is the one before (zeros at first) and
        the states stay.
    constants
        Handed to each step after the states.
    unroll
        Whether to build each step by itself instead of a loop; the number of steps must be known.
    input_length
        The number of steps, needed to unroll where the inputs do not tell it; or a tensor of each sample's number
        of steps, which masks the later ones where there is no mask.
    time_major
        Whether inputs and outputs have time before samples; the mask never has.
    zero_output_for_mask
        Whether masked outputs are zeros instead.
    return_all_outputs
        Whether to keep all outputs; else only the last one stands in ``outputs``.

    Returns
    -------
    last_output : Tensor
        Of shape ``(samples, ...)``.
    outputs : Tensor
        Of shape ``(samples, time, ...)``.
    states : list of Tensor
        As the last step left them.

    Raises
    ------
    ArgumentError
        If the number of steps is unknown and ``unroll`` is asked for.
    ShapeError
        If inputs or mask have too few dimensions.

    Examples
    --------
    >>> def add(x, states):
    ...     total = x + states[0]
    ...     return total, [total]
    >>> last, outputs, states = K.rnn(add, [[[1.0], [2.0], [3.0]]], [K.zeros((1, 1))])
    >>> K.eval(last).tolist(), K.eval(outputs).ravel().tolist()
    ([[6.0]], [1.0, 3.0, 6.0])
    """
    x = as_tensor(inputs)
    if x.ndim < 2:
        raise ShapeError(f"rnn needs inputs of shape (samples, time, ...), not {x.shape}.")
    x = x if time_major else xp.moveaxis(x, 1, 0)
    allowed = _allowed(mask, input_length, x)
    if go_backwards:
        x, allowed = xp.flip(x, axis=0), None if allowed is None else xp.flip(allowed, axis=0)
    recurrence = _Recurrence(step_function, [as_tensor(c) for c in constants or ()], zero_output_for_mask)
    first = [Tensor(as_tensor(s).node) for s in initial_states]  # a step may write `h *= mask`, which variables refuse
    if unroll:
        steps = x.shape[0] if x.shape[0] is not None else input_length
        outputs, states = _unrolled(recurrence, x, allowed, first, steps)
    else:
        outputs, states = _looped(recurrence, x, allowed, first, return_all_outputs)
    last = outputs[-1]
    outputs = outputs if return_all_outputs else xp.expand_dims(last, axis=0)
    outputs = outputs if time_major else xp.moveaxis(outputs, 0, 1)
    for result in (last, outputs):
        setattr(result, "_uses_learning_phase", recurrence.uses_learning_phase)  # noqa: B010 -- an open attribute
    return last, outputs, states


def _allowed(mask: TensorLike | None, input_length: Any, x: Tensor) -> Tensor | None:
    """Return whether each step of each sample counts, time first, for ``x`` with time first; None if all do."""
    if mask is None:
        if not isinstance(input_length, Tensor) or input_length.ndim != 1:
            return None
        return xp.expand_dims(xp.arange(size_along(x, 0)), axis=1) < input_length
    given = as_tensor(mask)
    if given.ndim == 3 and given.shape[2] == 1:
        given = xp.squeeze(given, axis=2)
    if given.ndim != 2:
        raise ShapeError(f"The mask of rnn needs the shape (samples, time), not {given.shape}.")
    return xp.matrix_transpose(given if given.dtype == "bool" else given != 0)


class _Recurrence:
    """A step function, the constants it is handed, and what a mask does to its results."""

    def __init__(self, step: Step, constants: list[Tensor], zeros: bool) -> None:
        self.step, self.constants, self.zeros = step, constants, zeros
        self.uses_learning_phase = False

    def plain(self, x: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        output, new = self.step(x, [*states, *self.constants])
        self.uses_learning_phase |= bool(getattr(output, "_uses_learning_phase", False))
        return as_tensor(output), [as_tensor(s) for s in new]

    def masked(
        self, x: Tensor, allowed: Tensor | None, before: Tensor | None, states: Sequence[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        output, new = self.plain(x, states)
        if allowed is None:
            return output, new
        stale = xp.zeros_like(output) if before is None or self.zeros else before
        kept = [_where(allowed, n, old) for n, old in zip(new, states, strict=True)]
        return _where(allowed, output, stale), kept


def _where(allowed: Tensor, new: Tensor, old: Tensor) -> Tensor:
    condition = xp.expand_dims(allowed, axis=tuple(range(1, new.ndim))) if new.ndim > 1 else allowed
    return xp.where(condition, new, old)


def _unrolled(
    recurrence: _Recurrence, x: Tensor, allowed: Tensor | None, states: list[Tensor], steps: Any
) -> tuple[Tensor, list[Tensor]]:
    if not isinstance(steps, int) or steps < 1:
        raise ArgumentError("To unroll, rnn needs to know that there is at least one step; give input_length.")
    made: list[Tensor] = []
    for i in range(steps):
        before = made[-1] if made else None
        output, states = recurrence.masked(x[i], None if allowed is None else allowed[i], before, states)
        made.append(output)
    return xp.stack(made, axis=0), states


def _looped(
    recurrence: _Recurrence, x: Tensor, allowed: Tensor | None, states: list[Tensor], keep: bool
) -> tuple[Tensor, list[Tensor]]:
    """Scan over time; one carry is the output before, where a masked step repeats it or only the last is kept."""
    first, _ = recurrence.plain(x[0], states)  # outside the loop, where what a step keeps for later ones belongs
    repeats = allowed is not None and not recurrence.zeros
    carried = [xp.zeros_like(first)] if repeats or not keep else []

    def step(*arguments: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        rest = list(arguments)
        before = rest.pop(0) if carried else None
        inside, elements = rest[: len(states)], rest[len(states) :]
        output, new = recurrence.masked(elements[0], elements[1] if allowed is not None else None, before, inside)
        return [output] * len(carried) + new, [output] if keep else []

    sequences = [x] if allowed is None else [x, allowed]
    ends, kept = fold_over(step, [*carried, *states], sequences)
    outputs = kept[0] if keep else xp.expand_dims(ends[0], axis=0)
    return outputs, list(ends[len(carried) :])


class _Elements(NamedTuple):
    """A tensor, or several gone over together, and how to hand an element of each to a function."""

    tensors: list[Tensor]
    pack: Callable[[Sequence[Tensor]], Any]


def _elements(elems: Any) -> _Elements:
    if isinstance(elems, tuple | list) and any(isinstance(e, Tensor) for e in elems):
        return _Elements([as_tensor(e) for e in elems], type(elems))
    return _Elements([as_tensor(elems)], lambda parts: parts[0])


def map_fn(fn: Callable[[Any], Any], elems: Any, name: str | None = None, dtype: DTypeLike = None) -> Any:
    """Return the results of a function on each element along the first dimension, stacked.

    Parameters
    ----------
    fn
        Takes an element; for several tensors a tuple or list of elements. Returns a tensor, or a tuple or list.
    elems
        A tensor, or a tuple or list of tensors gone over together.
    name
        A label.
    dtype
        That of the results, if they are to be cast; a sequence for several.

    Examples
    --------
    >>> K.eval(K.map_fn(K.sum, [[1.0, 2.0], [3.0, 4.0]])).tolist()
    [3.0, 7.0]
    """
    given = _elements(elems)
    form: list[Any] = []

    def step(*parts: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        result = fn(given.pack(parts))
        several = isinstance(result, tuple | list)
        form[:] = [type(result) if several else None]
        return [], [as_tensor(r) for r in (result if several else [result])]

    found = list(fold_over(step, [], given.tensors)[1])
    if dtype is not None:
        targets = dtype if isinstance(dtype, tuple | list) else [dtype] * len(found)
        found = [xp.astype(f, check_dtype(t)) for f, t in zip(found, targets, strict=True)]
    for result in found:
        result.name = name
    return found[0] if form[0] is None else form[0](found)


def foldl(
    fn: Callable[[Tensor, Tensor], TensorLike],
    elems: TensorLike,
    initializer: TensorLike | None = None,
    name: str | None = None,
) -> Tensor:
    """Return elements along the first dimension combined from the first to the last.

    Parameters
    ----------
    fn
        ``fn(total, element)``.
    elems
        A tensor.
    initializer
        What the total begins with; the first element by default.
    name
        A label.

    Examples
    --------
    >>> float(K.foldl(lambda total, x: 10 * total + x, [1.0, 2.0, 3.0]))
    123.0
    """
    return _folded(fn, as_tensor(elems), initializer, name, backwards=False)


def foldr(
    fn: Callable[[Tensor, Tensor], TensorLike],
    elems: TensorLike,
    initializer: TensorLike | None = None,
    name: str | None = None,
) -> Tensor:
    """Return elements along the first dimension combined from the last to the first, as ``foldl`` does forwards.

    Examples
    --------
    >>> float(K.foldr(lambda total, x: 10 * total + x, [1.0, 2.0, 3.0]))
    321.0
    """
    return _folded(fn, as_tensor(elems), initializer, name, backwards=True)


def _folded(
    fn: Callable[[Tensor, Tensor], TensorLike],
    elems: Tensor,
    initializer: TensorLike | None,
    name: str | None,
    *,
    backwards: bool,
) -> Tensor:
    if initializer is None:
        initializer = elems[-1 if backwards else 0]
        elems = elems[:-1] if backwards else elems[1:]
    elif isinstance(initializer, bool | int | float | complex):
        initializer = xp.asarray(initializer, dtype=result_type([elems.dtype], [initializer]))
    (total,), _ = fold_over(lambda acc, x: ([fn(acc, x)], []), [initializer], [elems], reverse=backwards)
    total.name = name
    return total
