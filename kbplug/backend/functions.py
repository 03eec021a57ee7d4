"""Functions, updates and gradients of tensors."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

from kbplug import autodiff
from kbplug.backend.arguments import TensorLike
from kbplug.backend.sparse import feed_sparse, is_sparse
from kbplug.backend.tensors import as_tensor
from kbplug.errors import ArgumentError, FeedError
from kbplug.graph.tensor import Tensor
from kbplug.ops.state import stop_gradient as stop
from kbplug.runtime.cells import Update, Variable, reading_after
from kbplug.runtime.function import Change, Function, Given
from kbplug.runtime.profile import Profile


def function(
    inputs: Sequence[Tensor],
    outputs: Sequence[TensorLike] | TensorLike,
    updates: Iterable[Change] | None = None,
    name: str | None = None,
    givens: Given = (),
    **options: Any,
) -> Function:
    """Return a compiled function: called with a list of values, it returns a list of NumPy arrays.

    Parameters
    ----------
    inputs
        The tensors whose values each call gives; those that no output needs may stand among them.
    outputs
        The tensors to compute: a sequence of them.
    updates
        What ``update`` and its sisters return, or ``(variable, value)`` pairs. All are computed from what the
        variables held when the call began, and committed together at its end; of two updates of one variable
        the first counts.
    name
        For humans.
    givens
        Tensors to compute with in place of others: a mapping or pairs.

    Raises
    ------
    ArgumentError
        If the inputs are no list, or if there are other options: kbplug compiles no function by options.
    GraphError
        If an output needs a placeholder that is not among the inputs.

    Examples
    --------
    >>> x, total = K.placeholder((None,)), K.variable(0.0)
    >>> step = K.function([x], [2 * x], updates=[K.update_add(total, K.sum(x))])
    >>> step([[1.0, 2.0]])[0].tolist(), K.get_value(total).tolist()
    ([2.0, 4.0], 3.0)
    """
    if options:
        raise ArgumentError(
            f"function has no option {next(iter(options))!r}; it takes inputs, outputs, updates, name and givens."
        )
    if not isinstance(inputs, list | tuple):
        raise ArgumentError(f"function takes its inputs as a list, as in K.function([x], [y]), not as {inputs!r}.")
    wanted = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
    made = SparseFunction if any(map(is_sparse, inputs)) else Function
    return made(inputs, [as_tensor(o) for o in wanted], updates or (), givens, name)


class SparseFunction(Function):
    """A function some of whose inputs are sparse matrices: each is fed as its places and values."""

    def __init__(self, inputs: Sequence[Tensor], *rest: Any) -> None:
        self.given = tuple(inputs)
        super().__init__([p for x in inputs for p in _placeholders(x)], *rest)

    def __call__(self, inputs: Sequence[Any] = ()) -> list[Any]:
        """Run on the active engine, as every function does."""
        return super().__call__(self._parts(inputs))

    def profile(self, inputs: Sequence[Any] = ()) -> Profile:
        """Return what each node costs, as of every function."""
        return super().profile(self._parts(inputs))

    def _parts(self, inputs: Sequence[Any]) -> list[Any]:
        if len(inputs) != len(self.given):
            raise FeedError(f"{self.name} takes {len(self.given)} inputs, but was given {len(inputs)}.")
        fed: list[Any] = []
        for i, (x, value) in enumerate(zip(self.given, inputs, strict=True)):
            fed += feed_sparse(x, value, f"Input {i} of {self.name}") if is_sparse(x) else [value]
        return fed


def _placeholders(x: Tensor) -> Sequence[Tensor]:
    return x.inputs if is_sparse(x) else (x,)


def gradients(loss: Tensor, variables: Sequence[Tensor] | Tensor) -> list[Tensor | None]:
    """Return the derivatives of a loss, which are tensors themselves and may be derived again.

    Parameters
    ----------
    loss
        A floating-point tensor; one with several elements stands for their sum.
    variables
        Any tensors; one alone is taken as a list of one.

    Returns
    -------
    list of Tensor or None
        In shape and dtype like the variables; None where no differentiable path leads to the loss.

    Raises
    ------
    GradientError
        If an op on the way declares no derivative.
    ArgumentError
        If the loss is not floating-point, or one of ``variables`` is no tensor.

    Examples
    --------
    >>> w = K.variable([1.0, 2.0])
    >>> (slope,) = K.gradients(K.sum(w**3), [w])
    >>> K.eval(slope).tolist()
    [3.0, 12.0]
    """
    given: Any = variables
    chosen = [given] if isinstance(given, Tensor) or not isinstance(given, Iterable) else list(given)
    for x in chosen:
        if not isinstance(x, Tensor):
            raise ArgumentError(f"gradients derives by a tensor, or a list of them, not by {x!r}.")
    return autodiff.gradients(as_tensor(loss), chosen)


@overload
def stop_gradient(variables: Tensor) -> Tensor: ...
@overload
def stop_gradient(variables: Sequence[Tensor]) -> list[Tensor]: ...
def stop_gradient(variables: Any) -> Any:
    """Return a tensor, or a list of them, through which no gradient flows.

    Examples
    --------
    >>> w = K.variable(3.0)
    >>> K.eval(K.gradients(w * K.stop_gradient(w), [w])[0]).tolist()
    3.0
    """
    return (
        [stop(as_tensor(x)) for x in variables] if isinstance(variables, list | tuple) else stop(as_tensor(variables))
    )


def update(x: Tensor, new_x: TensorLike) -> Update:
    """Return an update that gives the variable ``x`` the value ``new_x``.

    It takes effect when a function that lists it is called, or by ``eval``.

    Raises
    ------
    ArgumentError
        If ``x`` is no variable.
    ShapeError
        If ``new_x`` has another shape.
    DTypeError, FeedError
        If ``x`` holds integers, booleans or reals and ``new_x`` may not fit in them.

    Examples
    --------
    >>> v = K.variable(1.0)
    >>> float(K.eval(K.update(v, v * 3))), float(v)
    (3.0, 3.0)
    """
    return Update(_variable(x, "update"), new_x)


def update_add(x: Tensor, increment: TensorLike) -> Update:
    """Return an update that adds to the variable ``x``.

    Raises
    ------
    ArgumentError
        If ``x`` is no variable.

    Examples
    --------
    >>> v = K.variable(1.0)
    >>> float(K.eval(K.update_add(v, 2)))
    3.0
    """
    return Update(_variable(x, "update_add"), x + increment)


def update_sub(x: Tensor, decrement: TensorLike) -> Update:
    """Return an update that subtracts from the variable ``x``.

    Raises
    ------
    ArgumentError
        If ``x`` is no variable.

    Examples
    --------
    >>> v = K.variable(1.0)
    >>> float(K.eval(K.update_sub(v, 2)))
    -1.0
    """
    return Update(_variable(x, "update_sub"), x - decrement)


def moving_average_update(x: Tensor, value: TensorLike, momentum: float) -> Update:
    """Return an update of ``x`` to ``x * momentum + value * (1 - momentum)``.

    Raises
    ------
    ArgumentError
        If ``x`` is no variable.

    Examples
    --------
    >>> v = K.variable(1.0)
    >>> float(K.eval(K.moving_average_update(v, 3.0, momentum=0.5)))
    2.0
    """
    return Update(_variable(x, "moving_average_update"), x * momentum + as_tensor(value) * (1.0 - momentum))


def _variable(x: Any, asked: str) -> Variable:
    if not isinstance(x, Variable):
        raise ArgumentError(f"{asked} changes variables, but was given a {type(x).__name__}; make one with K.variable.")
    return x


@contextlib.contextmanager
def control_dependencies(control_inputs: Any) -> Iterator[None]:
    """Let variables be read, inside the ``with`` block, as the given updates leave them.

    Parameters
    ----------
    control_inputs
        Updates, ``(variable, value)`` pairs and other tensors, in nested lists; the others change nothing, since
        a graph has no order but that of its values.

    Examples
    --------
    >>> v = K.variable(1.0)
    >>> with K.control_dependencies([K.update_add(v, 1.0)]):
    ...     after = K.identity(v)
    >>> float(after), float(v)
    (2.0, 1.0)
    """
    with reading_after(_updates_in(control_inputs)):
        yield


def _updates_in(given: Any) -> Iterator[Update]:
    if isinstance(given, Update):
        yield given
    elif (
        isinstance(given, tuple)
        and len(given) == 2
        and isinstance(given[0], Variable)
        and not isinstance(given[1], Update)
    ):
        yield Update(*given)
    elif isinstance(given, list | tuple):
        for part in given:
            yield from _updates_in(part)
