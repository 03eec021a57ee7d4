"""The learning phase, choices between tensors, and loops over elements or time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from kbplug.backend.arguments import TensorLike
from kbplug.backend.tensors import as_tensor
from kbplug.errors import ArgumentError
from kbplug.graph.op import lookup
from kbplug.graph.tensor import Tensor
from kbplug.ops.control import choose
from kbplug.ops.namespace import namespace as xp
from kbplug.runtime import values
from kbplug.runtime.cells import Cell

Branch = TensorLike | Callable[[], TensorLike]


class _Phase:
    """The phase of the session: a cell that functions are specialised on, and the number it is fixed to, if any."""

    cell: Cell
    fixed: int | None

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin a session whose phase is free; functions made before keep the cell of theirs."""
        self.cell = Cell(values.host_array(0, "uint8"), "learning_phase", static=True)
        self.fixed = None

    def fix(self, value: int | None) -> None:
        """Fix the phase, or free it."""
        self.fixed = value
        self.cell.set(value or 0)


phase = _Phase()


def learning_phase() -> Tensor | int:
    """Return the phase: 1 in training, 0 in testing.

    Returns
    -------
    Tensor or int
        A tensor that may stand among the inputs of a function, 0 where no call says otherwise; or the number
        that ``set_learning_phase`` fixed.

    Examples
    --------
    >>> x = K.placeholder(())
    >>> f = K.function([x, K.learning_phase()], [K.in_train_phase(x, -x)])
    >>> f([2.0, 1])[0].tolist(), f([2.0, 0])[0].tolist()
    (2.0, -2.0)
    """
    return lookup("read")(cell=phase.cell) if phase.fixed is None else phase.fixed


def set_learning_phase(value: int) -> None:
    """Fix the phase to 1 or 0, also in functions made before that are not given one.

    Raises
    ------
    ArgumentError
        If it is neither.

    Examples
    --------
    >>> K.set_learning_phase(1)
    >>> K.learning_phase()
    1
    >>> K.clear_session()
    """
    phase.fix(_checked(value))


def _checked(value: Any) -> int:
    if value not in (0, 1):
        raise ArgumentError(f"The learning phase is {value!r}, but it must be 1 in training or 0 in testing.")
    return int(value)


@contextlib.contextmanager
def learning_phase_scope(value: int) -> Iterator[None]:
    """Fix the learning phase inside a ``with`` block.

    Raises
    ------
    ArgumentError
        If it is neither 0 nor 1.

    Examples
    --------
    >>> with K.learning_phase_scope(1):
    ...     K.learning_phase()
    1
    """
    before, now = phase.fixed, _checked(value)
    phase.fix(now)
    try:
        yield
    finally:
        phase.fix(before)


def in_train_phase(x: Branch, alt: Branch, training: Tensor | int | bool | None = None) -> Tensor:
    """Return ``x`` in training and ``alt`` in testing.

    Parameters
    ----------
    x, alt
        Tensors, or functions of nothing that return one; where the phase is known, only one of them is called.
    training
        True or 1, False or 0, or a tensor; by default the learning phase, and then the result bears the
        attribute ``_uses_learning_phase``.

    Examples
    --------
    >>> float(K.in_train_phase(1.0, lambda: 2.0, training=False))
    2.0
    """
    now = learning_phase() if training is None else training
    if not isinstance(now, Tensor):
        return as_tensor(_function(x if _checked(now) else alt)())
    chosen = switch(now, _function(x), _function(alt))
    if training is None:
        chosen._uses_learning_phase = True  # type: ignore[attr-defined]
    return chosen


def in_test_phase(x: Branch, alt: Branch, training: Tensor | int | bool | None = None) -> Tensor:
    """Return ``x`` in testing and ``alt`` in training, as ``in_train_phase`` does.

    Examples
    --------
    >>> float(K.in_test_phase(1.0, 2.0, training=False))
    1.0
    """
    return in_train_phase(alt, x, training)


def _function(branch: Branch) -> Callable[[], TensorLike]:
    return branch if callable(branch) else lambda: branch


def switch(condition: TensorLike, then_expression: Branch, else_expression: Branch) -> Tensor:
    """Return one tensor where a condition holds, else another.

    Parameters
    ----------
    condition
        Booleans, or numbers that are not 0. One alone chooses a whole tensor; several choose elementwise, along
        the first dimensions of the tensors.
    then_expression, else_expression
        Tensors, or functions of nothing that return one. What a function builds, a single condition computes only
        when it is chosen; the two results must then agree in dtype and number of dimensions.

    Examples
    --------
    >>> K.eval(K.switch([True, False], [[1.0], [2.0]], [[3.0], [4.0]])).tolist()
    [[1.0], [4.0]]
    """
    chosen = as_tensor(condition)
    if chosen.dtype != "bool":
        chosen = chosen != 0
    branches = _function(then_expression), _function(else_expression)
    if chosen.ndim == 0 and (callable(then_expression) or callable(else_expression)):
        return choose(chosen, *branches)[0]
    then, other = (as_tensor(branch()) for branch in branches)
    after = max(then.ndim, other.ndim) - chosen.ndim
    if after > 0 and chosen.ndim:
        chosen = xp.expand_dims(chosen, axis=tuple(range(chosen.ndim, chosen.ndim + after)))
    return xp.where(chosen, then, other)
