"""The handle a user holds: a node, open attributes, and operators that look their op up when called.

It knows no array library. What only a runtime can do, turning a foreign array into a constant and
computing a concrete tensor, the runtime registers here (``Host``).
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn, Protocol

from kbplug.dtypes import Scalar, rank, result_type
from kbplug.errors import ArgumentError, DTypeError, KbplugError, SymbolicError
from kbplug.graph.node import Node, infer, item, literal, make, scalar_of
from kbplug.graph.op import Op, Params, lookup
from kbplug.graph.spec import Shape, Size, Spec, size_of

_PACKAGE = str(Path(__file__).parents[1]) + os.sep

_SCALARS: tuple[type[Any], ...] = (bool, int, float, complex)


class Host(Protocol):
    """What the runtime does for tensors."""

    def lift(self, value: Any) -> Node:
        """Return an array, list or scalar of another library as a constant."""

    def evaluate(self, node: Node) -> Any:
        """Return the value of a concrete node as a host array."""


host: Host | None = None
"""The runtime that serves this process; it registers itself when imported."""


class _Site(threading.local):
    where: str = ""


_site = _Site()


@contextlib.contextmanager
def built_at(where: str) -> Iterator[_Site]:
    """Give nodes built inside the place of another node, so that rewritten code still names the user's line.

    What is yielded lets a loop over many nodes name the place of each: ``site.where = node.where``.
    """
    outer, _site.where = _site.where, where
    try:
        yield _site
    finally:
        _site.where = outer


def call_site() -> str:
    """Return ``file:line`` of the nearest frame outside kbplug."""
    if _site.where:
        return _site.where
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def apply(op: Op, operands: tuple[Any, ...], params: Params) -> Tensor:
    """Return the result of ``op``: operands are lifted and promoted, the spec inferred, the unique node found.

    Errors carry the line of the user's code that called the op.
    """
    where = call_site()
    try:
        present, full = op.bind(operands, params)
        inputs = lift_all(op, present)
        return Tensor(make(op, inputs, full, infer(op, inputs, full), where), where)
    except KbplugError as error:
        if not getattr(error, "__notes__", None):
            error.add_note(f"{op.name} was called at {where}.")
        raise


def lift_all(op: Op, operands: tuple[Any, ...]) -> tuple[Node, ...]:
    """Return operands as nodes. Those that ``op`` promotes get their common dtype, by casts in the graph."""
    lifted = [o.node if isinstance(o, Tensor) else o for o in operands]
    lifted = [o if isinstance(o, Node) else _scalar_or_node(o) for o in lifted]
    together = () if op.promotes is None else op.promotes(len(lifted))
    if together:
        dtype = _common(op, [lifted[i] for i in together])
        for i in together:
            lifted[i] = cast(lifted[i], dtype)
    return tuple([o if isinstance(o, Node) else literal(o) for o in lifted])


def _scalar_or_node(value: Any) -> Scalar | Node:
    """Return a scalar as Python's own, which NumPy's float64 and complex128 are by inheritance; lift all else."""
    for kind in _SCALARS:
        if isinstance(value, kind):
            scalar: Scalar = value if type(value) is kind else kind(value)
            return scalar
    return lift(value)


def _common(op: Op, operands: Sequence[Node | Scalar]) -> str:
    dtypes = [o.result.dtype for o in operands if isinstance(o, Node)]
    try:
        return result_type(dtypes, [o for o in operands if not isinstance(o, Node)])
    except DTypeError as error:
        raise DTypeError(f"{op.name}: {error}") from None


def cast(value: Node | Scalar, dtype: str) -> Node:
    """Return a node or scalar as ``dtype``; a cast that changes nothing adds nothing."""
    if not isinstance(value, Node):
        return literal(value, dtype)
    if value.result.dtype == dtype:
        return value
    scalar = scalar_of(value)
    if scalar is not None and result_type([dtype], [scalar]) == dtype:
        with contextlib.suppress(DTypeError):
            return literal(scalar, dtype)
    return lookup("astype")(Tensor(value), dtype=dtype).node


def kept(value: Any, dtype: str) -> Node:
    """Return anything array-like as a node of ``dtype``, for a place that has its dtype already.

    Raises
    ------
    DTypeError
        If a fraction or an imaginary part would be dropped.
    """
    lifted = _scalar_or_node(value.node if isinstance(value, Tensor) else value)
    if isinstance(lifted, Node) and rank(lifted.result.dtype) > rank(dtype):
        raise DTypeError(f"A tensor of {dtype} cannot take in {lifted.result.dtype}; cast the value first.")
    return cast(lifted, dtype)


def lift(value: Any) -> Node:
    """Return anything array-like as a node."""
    if isinstance(value, Tensor):
        return value.node
    if isinstance(value, Node):
        return value
    if type(value) in _SCALARS:
        return literal(value)
    if host is None:
        raise ArgumentError(
            f"{value!r} cannot become a tensor before a runtime is imported; import kbplug.backend first."
        )
    return host.lift(value)


def tensor(value: Any) -> Tensor:
    """Return anything array-like as a Tensor; a Tensor is returned as it is."""
    return value if isinstance(value, Tensor) else Tensor(lift(value))


def outputs(value: Tensor) -> tuple[Tensor, ...]:
    """Return every result of an op as a Tensor of its own."""
    if isinstance(value.node.spec, Spec):
        return (value,)
    return tuple(Tensor(item(value.node, i), value.where) for i in range(len(value.node.spec)))


def _binary(name: str) -> Callable[[Tensor, Any], Tensor]:
    def method(self: Tensor, other: Any) -> Tensor:
        return NotImplemented if _foreign(other) else lookup(name)(self, other)

    return method


def _reflected(name: str) -> Callable[[Tensor, Any], Tensor]:
    def method(self: Tensor, other: Any) -> Tensor:
        return NotImplemented if _foreign(other) else lookup(name)(other, self)

    return method


def _unary(name: str) -> Callable[[Tensor], Tensor]:
    def method(self: Tensor) -> Tensor:
        return lookup(name)(self)

    return method


def _foreign(value: Any) -> bool:
    return value is None or isinstance(value, str | bytes | dict | set)


class Tensor:
    """A lazy array: what the operators of Python build graphs from.

    It hashes by identity, compares elementwise, and carries whatever attributes a caller sets.
    ``x[key] = value`` rebinds the handle to a new node; other handles on the old node keep the old value.
    ``x += y`` is ``x = x + y``: whoever else holds ``x`` still holds what it was. A tensor with no
    placeholder below it is *concrete*: ``bool``, ``int``, ``float``, ``complex``, ``repr`` and a format such as
    ``f"{x:.3f}"`` compute it. With one it is *symbolic* and they raise.

    Attributes
    ----------
    node
        The graph below.
    where
        ``file:line`` that made this handle.
    name
        A label for humans; None unless one was given.
    """

    __array_ufunc__ = None  # ndarray * tensor must ask the tensor, not convert it
    __array_priority__ = 1000.0
    name: str | None = None

    def __init__(self, node: Node, where: str = "") -> None:
        self.node = node
        self.where = where or node.where

    @property
    def _place(self) -> str:
        return f" built at {self.where}" if self.where else ""

    @property
    def spec(self) -> Spec:
        """Shape and dtype as far as they are known."""
        return self.node.result

    @property
    def shape(self) -> Shape:
        """One entry per dimension, None where the size is known only when run.

        A concrete tensor that reads no cell is computed where a size depends on its data, as that of ``x[mask]``.
        """
        shape = self.node.result.shape
        if None not in shape or self.node.symbolic or self.node.stateful or host is None:
            return shape
        computed: Shape = host.evaluate(self.node).shape
        return computed

    @property
    def dtype(self) -> str:
        """Name of the dtype."""
        return self.node.result.dtype

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.node.result.shape)

    @property
    def size(self) -> Size:
        """Number of elements, or None while a dimension is unknown."""
        return size_of(self.shape)

    @property
    def T(self) -> Tensor:
        """The transpose of a matrix."""
        if self.ndim != 2:
            raise ArgumentError(f".T needs 2 dimensions, not {self.ndim}; use matrix_transpose or permute_dims.")
        return lookup("matrix_transpose")(self)

    @property
    def mT(self) -> Tensor:
        """The last two dimensions exchanged."""
        return lookup("matrix_transpose")(self)

    def __getitem__(self, key: Any) -> Tensor:
        from kbplug.graph.index import split

        template, operands = split(key)
        return lookup("getitem")(self, *operands, index=template)

    def __setitem__(self, key: Any, value: Any) -> None:
        from kbplug.graph.index import split

        template, operands = split(key)
        self.node = lookup("setitem")(self, kept(value, self.dtype), *operands, index=template).node

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise ArgumentError("A 0-d tensor cannot be iterated over.")
        if self.shape[0] is None:
            raise SymbolicError("A tensor whose first size is unknown cannot be iterated over; use K.map_fn or scan.")
        return (self[i] for i in range(self.shape[0]))

    def __bool__(self) -> bool:
        return bool(self._scalar("bool"))

    def __int__(self) -> int:
        return int(self._scalar("int"))

    def __float__(self) -> float:
        return float(self._scalar("float"))

    def __complex__(self) -> complex:
        return complex(self._scalar("complex"))

    def __index__(self) -> int:
        if not self.dtype.lstrip("u").startswith("int"):
            raise DTypeError(f"Only an integer tensor can be an index, not one of {self.dtype}.")
        return int(self._scalar("index"))

    def _scalar(self, what: str) -> Any:
        if self.ndim:
            raise ArgumentError(f"{what}() needs a 0-d tensor, not one of shape {self.shape}.")
        return self.value().item()

    def value(self) -> Any:
        """Return the computed value as a host array.

        Raises
        ------
        SymbolicError
            If a placeholder stands below.
        """
        if self.node.symbolic:
            raise SymbolicError(
                f"The tensor{self._place} has no value before a call, since a placeholder stands below it. "
                "Compute it with K.function; choose between values with K.switch or where instead of `if`."
            )
        if host is None:
            raise SymbolicError("No runtime is imported to compute a tensor; import kbplug.backend first.")
        return host.evaluate(self.node)

    @property
    def device(self) -> None:
        """None: the engine that runs a graph places its arrays."""
        return None

    def to_device(self, device: Any, /, *, stream: Any = None) -> Tensor:
        """Return the tensor itself; only the engine's choice, None, may be asked for."""
        if device is not None or stream is not None:
            raise ArgumentError(f"A lazy tensor is on no device, so not on {device!r}; choose an engine or its device.")
        return self

    def __array_namespace__(self, *, api_version: str | None = None) -> ModuleType:
        """Return ``kbplug.array_api``, the standard's functions over lazy tensors."""
        if api_version not in (None, "2021.12", "2022.12", "2023.12", "2024.12", "2025.12"):
            raise ArgumentError(f"kbplug does not know version {api_version!r} of the Array API standard.")
        return importlib.import_module("kbplug.array_api")  # by name: it stands above this layer

    def __dlpack__(
        self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: bool | None = None
    ) -> Any:
        if stream is not None:
            raise ArgumentError(f"A lazy tensor leaves by the memory of the host and has no stream, not {stream!r}.")
        given = self.value().copy()  # the reader's own: a lazy tensor has no memory that could be shared
        return given.__dlpack__(max_version=max_version, dl_device=dl_device)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)  # what is computed leaves by the memory of the host

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise ArgumentError(
            f"The lazy tensor{self._place} does not turn into a NumPy array by itself, since that would "
            "silently cut its graph; use K.eval(tensor)."
        )

    def __repr__(self) -> str:
        label = f" {self.name!r}" if self.name else ""
        if self.node.symbolic or host is None:
            return f"<tensor{label} {self.spec}>"
        return f"<tensor{label} {self.spec.like(shape=self.shape)}\n{self.value()}>"

    def __format__(self, form: str) -> str:
        return format(self.value().item(), form) if form and not self.ndim else super().__format__(form)

    __hash__ = object.__hash__
    __eq__ = _binary("equal")  # type: ignore[assignment]
    __ne__ = _binary("not_equal")  # type: ignore[assignment]
    __lt__ = _binary("less")
    __le__ = _binary("less_equal")
    __gt__ = _binary("greater")
    __ge__ = _binary("greater_equal")
    __neg__ = _unary("negative")
    __pos__ = _unary("positive")
    __abs__ = _unary("abs")
    __invert__ = _unary("bitwise_invert")

    __add__, __radd__ = _binary("add"), _reflected("add")
    __sub__, __rsub__ = _binary("subtract"), _reflected("subtract")
    __mul__, __rmul__ = _binary("multiply"), _reflected("multiply")
    __truediv__, __rtruediv__ = _binary("divide"), _reflected("divide")
    __floordiv__, __rfloordiv__ = _binary("floor_divide"), _reflected("floor_divide")
    __mod__, __rmod__ = _binary("remainder"), _reflected("remainder")
    __pow__, __rpow__ = _binary("pow"), _reflected("pow")
    __matmul__, __rmatmul__ = _binary("matmul"), _reflected("matmul")
    __and__, __rand__ = _binary("bitwise_and"), _reflected("bitwise_and")
    __or__, __ror__ = _binary("bitwise_or"), _reflected("bitwise_or")
    __xor__, __rxor__ = _binary("bitwise_xor"), _reflected("bitwise_xor")
    __lshift__, __rlshift__ = _binary("bitwise_left_shift"), _reflected("bitwise_left_shift")
    __rshift__, __rrshift__ = _binary("bitwise_right_shift"), _reflected("bitwise_right_shift")
