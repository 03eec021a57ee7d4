"""The unique nodes a graph is made of: building an equal node returns the living one. Knows no array library."""

from __future__ import annotations

import inspect
import itertools
import threading
import weakref
from collections.abc import Hashable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn, cast

from kbplug.dtypes import INTEGER, Scalar, check_dtype, default_for, kind, nearest
from kbplug.errors import ArgumentError, DTypeError
from kbplug.graph.op import Op, Params, Specs, register
from kbplug.graph.spec import Spec


class Node:
    """One application of an op. Immutable; two nodes are equal exactly when they are the same object.

    Attributes
    ----------
    op, inputs, params
        What was applied, to which nodes, with which parameters.
    spec
        What is known of the result; a tuple of specs for an op with several results.
    where
        ``file:line`` of the user's code that built the node first.
    symbolic
        True when a placeholder stands below: the value does not exist before a call.
    stateful
        True when a cell is read below: the value may change between two demands.
    serial
        Grows with each node built, so that what a function built can be told from what it found.
    """

    __slots__ = ("__weakref__", "inputs", "op", "params", "serial", "spec", "stateful", "symbolic", "where")

    op: Op
    inputs: tuple[Node, ...]
    params: Params
    spec: Specs
    where: str
    symbolic: bool
    stateful: bool
    serial: int

    @property
    def result(self) -> Spec:
        """The spec of a node with one result."""
        return cast(Spec, self.spec)

    def __deepcopy__(self, _: Any) -> Node:
        return self

    def __reduce__(self) -> NoReturn:
        raise ArgumentError(
            "A tensor describes a computation and is not pickled; keep its value, K.eval(tensor), or write variables "
            "and functions to files with kbplug.saving."
        )

    def __repr__(self) -> str:
        inside = [i.op.name for i in self.inputs] + [f"{k}={v!r}" for k, v in self.params.items()]
        return f"<{self.op.name}({', '.join(inside)}) -> {self.spec}>"


class ArrayValue:
    """The data of an array constant: opaque here, compared by ``key``, which the runtime makes from the bytes."""

    __slots__ = ("data", "key")

    def __init__(self, data: Any, key: Hashable) -> None:
        self.data, self.key = data, key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ArrayValue) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"<array {getattr(self.data, 'shape', '')}>"


class Slice(NamedTuple):
    """A hashable slice; a bound may be ``"size"``, which stands for the next operand."""

    start: int | str | None
    stop: int | str | None
    step: int | None


_living: weakref.WeakValueDictionary[Hashable, Node] = weakref.WeakValueDictionary()
_lock = threading.Lock()
_serials = itertools.count()


def make(op: Op, inputs: tuple[Node, ...], params: Params, spec: Specs, where: str = "") -> Node:
    """Return the living node equal to the one described, or a new one."""
    key = (op, inputs, spec, params_key(params))
    with _lock:
        found = _living.get(key)
        if found is not None:
            return found
        node = Node()
        node.op, node.inputs, node.spec, node.where = op, inputs, spec, where
        node.params = MappingProxyType(dict(params))
        node.symbolic = op is PLACEHOLDER or op is PARAMETER or any([i.symbolic for i in inputs])
        node.serial = next(_serials)
        node.stateful = op.name == "read" or any([i.stateful for i in inputs])
        _living[key] = node
        return node


def params_key(params: Params) -> Hashable:
    """Return what tells parameters apart, as ``make`` does."""
    return tuple([(k, _key(v)) for k, v in params.items()])


def _key(value: Any) -> Hashable:
    """Return what tells values apart: ``1``, ``1.0`` and ``True`` differ, so do ``0.0`` and ``-0.0``; NaN is NaN."""
    kind = type(value)
    if kind is float:
        return (float, value.hex())
    if kind is complex:
        return (complex, value.real.hex(), value.imag.hex())
    if isinstance(value, tuple):
        return (kind, *map(_key, value))
    try:
        hash(value)
    except TypeError as cause:
        raise ArgumentError(f"A parameter is a number, text, None or a tuple of them, not {value!r}.") from cause
    return (kind, value)


def now() -> int:
    """Return a serial above that of every node built so far, and below those to come."""
    return next(_serials)


def living() -> int:
    """Return how many nodes are alive, for tests of memory."""
    return len(_living)


def _signature(arrays: tuple[str, ...], params: tuple[str, ...]) -> inspect.Signature:
    parameter_of = inspect.Parameter
    before = [parameter_of(name, parameter_of.POSITIONAL_ONLY) for name in arrays]
    return inspect.Signature(before + [parameter_of(name, parameter_of.KEYWORD_ONLY) for name in params])


def _leaf(name: str, doc: str, *params: str) -> Op:
    return register(Op(name, _signature((), params), doc=doc, infer=_stands, chapter="graph", traits=("leaf",)))


def _stands(*_: Any, **__: Any) -> Spec:
    raise ArgumentError("A leaf has the spec it was made with; make it with placeholder() or constant().")


PLACEHOLDER = _leaf("placeholder", "A value that each call feeds.", "uid", "name")
PARAMETER = _leaf("parameter", "The n-th argument of a traced graph.", "index")
CONSTANT = _leaf("constant", "A scalar or an array that never changes.", "value")


def _infer_item(results: tuple[Spec, ...], *, index: int) -> Spec:
    return results[index]


ITEM = register(
    Op(
        "item",
        _signature(("x",), ("index",)),
        doc="One result of an op that has several.",
        infer=_infer_item,
        chapter="graph",
        traits=("alias",),
    )
)

_uids = itertools.count()


def placeholder(spec: Spec, name: str | None = None, where: str = "") -> Node:
    """Return a new input, different from every other."""
    return make(PLACEHOLDER, (), {"uid": next(_uids), "name": name}, spec, where)


def parameter(index: int, spec: Spec) -> Node:
    """Return the ``index``-th argument of a traced graph; equal ones are one node, so equal bodies are equal graphs."""
    return make(PARAMETER, (), {"index": index}, spec)


def literal(value: Scalar, dtype: str | None = None) -> Node:
    """Return a 0-d constant.

    Raises
    ------
    DTypeError
        If ``dtype`` cannot hold the value: a fraction in an integer, a complex in a real, an overflow.
    """
    dtype = default_for(value) if dtype is None else check_dtype(dtype)
    return make(CONSTANT, (), {"value": _fit(value, dtype)}, Spec((), dtype))


_CAST: Mapping[str, Any] = {"bool": bool, "int": int, "uint": int, "float": float, "complex": complex}
_RANK = {bool: 0, int: 1, float: 2, complex: 3}


def _fit(value: Scalar, dtype: str) -> Scalar:
    """Return a scalar as the element of ``dtype`` it stands for, rounded as an array of that dtype would be."""
    target = _CAST[kind(dtype)]
    if _RANK[type(value)] > _RANK[target]:
        raise DTypeError(f"The scalar {value!r} does not fit {dtype}; cast the array to a wider dtype first.")
    if dtype in INTEGER:
        width = int(dtype.lstrip("uint"))
        low, high = (0, 2**width) if dtype.startswith("u") else (-(2 ** (width - 1)), 2 ** (width - 1))
        if not low <= value < high:  # type: ignore[operator]
            raise DTypeError(f"The integer {value} is out of range for {dtype}; cast the array to a wider dtype first.")
    try:
        fitted = target(value)
    except OverflowError:
        raise DTypeError(f"The integer {value} is out of range for {dtype}.") from None
    if target is complex:
        return complex(nearest(fitted.real, dtype), nearest(fitted.imag, dtype))
    return nearest(fitted, dtype) if target is float else cast(Scalar, fitted)


def array_constant(value: ArrayValue, spec: Spec) -> Node:
    """Return a constant holding an array."""
    return make(CONSTANT, (), {"value": value}, spec)


def item(node: Node, index: int) -> Node:
    """Return one result of a node with several."""
    return make(ITEM, (node,), {"index": index}, cast("tuple[Spec, ...]", node.spec)[index], node.where)


def scalar_of(node: Node) -> Scalar | None:
    """Return the Python scalar of a 0-d constant, or None for any other node."""
    if node.op is not CONSTANT:
        return None
    value = node.params["value"]
    return None if isinstance(value, ArrayValue) else cast(Scalar, value)


def infer(op: Op, inputs: tuple[Node, ...], params: Params) -> Specs:
    """Return the spec of ``op`` on ``inputs``."""
    placed, keywords = op.arrange([i.spec for i in inputs], params)
    return op.infer(*placed, **keywords)


def remake(node: Node, inputs: tuple[Node, ...]) -> Node:
    """Return ``node`` over other inputs, with its spec inferred anew if theirs differ."""
    if inputs == node.inputs:
        return node
    alike = all([new.spec == old.spec for new, old in zip(inputs, node.inputs, strict=True)])
    spec = node.spec if alike else infer(node.op, inputs, node.params)
    return make(node.op, inputs, node.params, spec, node.where)
