"""Cells, the only state: a value on the engine that used it last, read when a call begins, committed when it ends."""

from __future__ import annotations

import contextlib
import contextvars
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NoReturn

from kbplug.dtypes import BOOL, INTEGER, promote, rank
from kbplug.engine import Engine
from kbplug.errors import ArgumentError, DTypeError, ShapeError
from kbplug.graph.node import CONSTANT, Node
from kbplug.graph.op import lookup
from kbplug.graph.spec import Spec, compatible
from kbplug.graph.tensor import Tensor, tensor
from kbplug.runtime import exchange, values

Held = tuple[Engine | None, Any]
"""An array and the engine it belongs to; None for a NumPy array that no engine has seen."""

_uids = itertools.count()
_AWAY: Held = (None, None)
"""What a cell holds while a call writes over its value; who reads it waits for that call's locks."""

_brief = threading.Lock()
"""Held for moments: while several values change places together, or are looked at together."""


class Cell:
    """A named value of fixed spec that functions read and replace.

    Parameters
    ----------
    value
        Its first value, as a NumPy array.
    name
        For humans and for files.
    spec
        What its values must fit; by default the spec of the first value.
    advance
        From the value read, the one that every call reading it leaves behind: the state of a random stream.
    static
        True when functions are specialised on the value, as on the learning phase.
    """

    def __init__(
        self,
        value: values.HostArray,
        name: str,
        *,
        spec: Spec | None = None,
        advance: Callable[[Tensor], Tensor] | None = None,
        static: bool = False,
    ) -> None:
        self.uid = next(_uids)
        self.name = name
        self.spec = spec or Spec(value.shape, value.dtype.name)
        self.advance = advance
        self.static = static
        self.lock = threading.RLock()
        self._held: Held = (None, values.owned(value))
        self._seen = False  # whether anybody but a call that writes over it has had the array

    def on(self, engine: Engine) -> Any:
        """Return the value as an array of ``engine``, and keep it there."""
        return self._move(_look([self])[0], engine)

    def _move(self, held: Held, engine: Engine) -> Any:
        holder, array = held
        if holder is engine:
            return array
        moved = exchange.move(array, self.spec, holder, engine)
        with _brief:
            if self._held is held:
                self._held = (engine, moved)
        return moved

    def get(self) -> values.HostArray:
        """Return the value as a NumPy array that shares memory with nothing."""
        holder, array = _look([self])[0]
        return values.owned(array if holder is None else holder.to_numpy(array))

    def set(self, value: Any) -> None:
        """Replace the value.

        Raises
        ------
        FeedError
            If it does not fit the spec.
        """
        array = values.owned(values.feed(value, self.spec, f"The variable {self.name!r}"))
        with self.lock:
            self._held = (None, array)

    def put(self, engine: Engine, array: Any) -> None:
        """Replace the value by an array of ``engine`` that nobody else holds; part of a commit."""
        self._held, self._seen = (engine, array), False

    def __reduce__(self) -> NoReturn:
        raise ArgumentError(
            f"The variable {self.name!r} is neither pickled nor copied deeply, since functions hold it too; keep its "
            "value, K.get_value(variable), or write it to a file with kbplug.saving."
        )

    def __repr__(self) -> str:
        return f"<cell {self.name!r} {self.spec}>"


_NOTHING: Mapping[Cell, Node] = MappingProxyType({})
_after: contextvars.ContextVar[Mapping[Cell, Node]] = contextvars.ContextVar("kbplug_reading_after", default=_NOTHING)


class Variable(Tensor):
    """A tensor that reads a cell. Its value changes only in the commit of a function or by ``set_value``."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        super().__init__(lookup("read")(cell=cell).node)
        self.name = cell.name

    @property
    def node(self) -> Node:
        """What reads the cell; inside ``reading_after``, the value that an update will leave in it."""
        return _after.get().get(self.cell, self._read)

    @node.setter
    def node(self, node: Node) -> None:
        self._read = node

    def __setitem__(self, key: Any, value: Any) -> None:
        raise ArgumentError(f"The variable {self.name!r} cannot be assigned to in place; use K.update or K.set_value.")

    def __repr__(self) -> str:
        return f"<variable {self.name!r} {self.spec}\n{self.cell.get()}>"


class Update(Tensor):
    """The new value of a variable, a tensor itself; it takes effect in the commit of a function that lists it."""

    def __init__(self, variable: Variable, value: Any) -> None:
        fitted = _fit(variable, tensor(value))
        super().__init__(fitted.node)
        self.variable = variable
        self.name = variable.name


def _fit(variable: Variable, value: Tensor) -> Tensor:
    if value.dtype != variable.dtype:
        value = _cast(variable, value)
    if value.shape != variable.shape and value.ndim == 0:
        value = lookup("broadcast_to")(value, shape=variable.shape)
    if not compatible(variable.cell.spec.shape, value.shape):
        raise ShapeError(
            f"The variable {variable.name!r} has shape {variable.shape}, but its update has {value.shape}."
        )
    return value


def _cast(variable: Variable, value: Tensor) -> Tensor:
    """Return ``value`` in the variable's dtype; of integers and booleans no fraction or high bit is ever dropped."""
    dtype = variable.dtype
    if dtype in INTEGER + BOOL or rank(value.dtype) > rank(dtype):
        what = f"The variable {variable.name!r}"
        if value.node.op is CONSTANT:
            return tensor(values.feed(values.constant_data(value.node), Spec(value.shape, dtype), what))
        if promote(dtype, value.dtype) != dtype:
            raise DTypeError(f"{what} holds {dtype}, but its update is {value.dtype}; cast it where that is meant.")
    return lookup("astype")(value, dtype=dtype)


@contextlib.contextmanager
def reading_after(updates: Iterable[Update]) -> Iterator[None]:
    """Let variables stand, inside the ``with`` block, for what the updates leave in them; of two the first counts."""
    ahead = {u.variable.cell: u.node for u in reversed(list(updates))}
    token = _after.set({**_after.get(), **ahead})
    try:
        yield
    finally:
        _after.reset(token)


def cell_of(node: Node) -> Cell:
    """Return the cell that a ``read`` node reads."""
    cell: Cell = node.params["cell"]
    return cell


def reads(nodes: Iterable[Node]) -> list[Node]:
    """Return the ``read`` nodes among ``nodes``."""
    return [n for n in nodes if n.op.name == "read"]


def advances(nodes: Iterable[Node]) -> list[tuple[Cell, Node]]:
    """Return the commits that reading random streams entails: each cell with its next state."""
    found = [(cell_of(n), n) for n in reads(nodes)]
    return [(c, c.advance(Tensor(n)).node) for c, n in found if c.advance is not None]


class Locked:
    """Holds the locks of several cells, taken in one order everywhere, so that no two functions wait for each other.

    It may be entered again and again, by several threads too.
    """

    __slots__ = ("_locks",)

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._locks = [c.lock for c in sorted(set(cells), key=lambda c: c.uid)]

    def __enter__(self) -> None:
        for lock in self._locks:
            lock.acquire()

    def __exit__(self, *_: object) -> None:
        for lock in reversed(self._locks):
            lock.release()


def commit(cells: Sequence[Cell], engine: Engine, arrays: Sequence[Any]) -> None:
    """Replace the values of all cells, or of none.

    Raises
    ------
    ShapeError
        If a new value has not the shape of its cell; nothing is replaced then.
    """
    for cell, array in zip(cells, arrays, strict=True):
        shape = tuple(array.shape)
        if shape != cell.spec.shape and not compatible(cell.spec.shape, shape):
            raise ShapeError(
                f"The update of {cell.name!r} has shape {shape}, but the variable has {cell.spec.shape}; "
                "no variable was changed."
            )
    with _brief:
        for cell, array in zip(cells, arrays, strict=True):
            cell.put(engine, array)


def _look(cells: Sequence[Cell]) -> list[Held]:
    """Return what several cells hold, all from between the same two commits."""
    while True:
        with _brief:
            held = [cell._held for cell in cells]
            if not any([h is _AWAY for h in held]):
                for cell in cells:
                    cell._seen = True
                return held
        with Locked(cells):  # until the call that writes over one of them is done
            pass


def snapshot(cells: Sequence[Cell], engine: Engine) -> list[Any]:
    """Return the values of several cells as arrays of ``engine``, all from between the same two commits."""
    return [cell._move(held, engine) for cell, held in zip(cells, _look(cells), strict=True)]


@contextlib.contextmanager
def given_away(cells: Sequence[Cell], engine: Engine) -> Iterator[list[Any]]:
    """Give the values of cells, which the caller has locked, to a call that may write over them and commits to all.

    Of a value that somebody else has had, it is a copy. After an error the cells hold what they held.
    """
    with _brief:
        before = [(cell._held, cell._seen) for cell in cells]
        for cell in cells:
            cell._held = _AWAY
    try:
        yield [_own(cell, *held, engine) for cell, held in zip(cells, before, strict=True)]
    except BaseException:
        with _brief:
            for cell, (held, _) in zip(cells, before, strict=True):
                cell._held = held
        raise


def _own(cell: Cell, held: Held, seen: bool, engine: Engine) -> Any:
    holder, array = held
    if holder is not engine:
        return exchange.move(array, cell.spec, holder, engine)
    return exchange.copied(array, engine) if seen else array
