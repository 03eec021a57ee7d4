"""Host values: arrays become constants, feeds are checked, results leave. No other module of the core imports NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np

from kbplug.dtypes import ALL, BOOL, INTEGER, check_dtype, kind
from kbplug.errors import ArgumentError, DTypeError, FeedError, StorageError
from kbplug.graph.node import ArrayValue, Node, array_constant, literal
from kbplug.graph.op import lookup
from kbplug.graph.spec import Spec, compatible
from kbplug.graph.tensor import Tensor

HostArray = np.ndarray[Any, Any]
HostArrayType = np.ndarray
"""What ``isinstance`` is asked of a host array."""

_SMALL = 1024
"""Constants of at most this many bytes are compared by value, larger ones by identity."""


def host_array(value: Any, dtype: str | None = None) -> HostArray:
    """Return anything array-like as a NumPy array of one of kbplug's dtypes.

    Raises
    ------
    DTypeError
        If its dtype is none of kbplug's: objects, strings, records, dates.
    ArgumentError
        If it is no regular array, or one that hides elements behind a mask.
    """
    if isinstance(value, Tensor):
        raise ArgumentError("A tensor stands where a value is expected; compute it first with K.eval.")
    if isinstance(value, np.ndarray) and type(value) is not np.ndarray and np.ma.is_masked(value):
        raise ArgumentError("An array with masked elements has no value there; give it one with its method filled().")
    try:
        array = _to_host(value)
    except (ValueError, TypeError, BufferError, RuntimeError) as error:
        raise ArgumentError(f"A {type(value).__name__} does not become an array: {error}") from error
    if array.dtype.byteorder == (">" if np.little_endian else "<"):
        array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype.name not in ALL:
        what = f"An array of dtype {array.dtype}" if array.ndim else f"{value!r:.60}"
        raise DTypeError(f"{what} has no place in a graph; give numbers, whose dtypes are {', '.join(ALL)}.")
    return array if dtype is None else array.astype(numpy_dtype(dtype), copy=False)


_PENDING = ("detach", "resolve_conj", "resolve_neg")
"""What a tensor of PyTorch does to be values alone: no gradient to keep, no conjugation or sign left to carry out."""


def _to_host(value: Any) -> HostArray:
    for settle in _PENDING:
        if hasattr(value, settle):
            value = getattr(value, settle)()
    if not hasattr(value, "__dlpack__"):
        return np.asarray(value)
    try:
        return np.asarray(value) if hasattr(value, "__array__") else np.from_dlpack(value)
    except (TypeError, RuntimeError):  # it is not in the memory of the host
        return np.from_dlpack(value, device="cpu")


def numpy_dtype(name: str) -> np.dtype[Any]:
    """Return NumPy's dtype of that name."""
    if name == "bfloat16":
        raise DTypeError("NumPy has no bfloat16; cast to float32 on the engine first.")
    return np.dtype(name)


def constant(value: Any, dtype: str | None = None) -> Node:
    """Return anything array-like as a constant node; the data is copied, so later writes do not reach the graph."""
    if isinstance(value, bool | int | float | complex) and type(value) in (bool, int, float, complex):
        return literal(value, dtype)
    array = host_array(value, dtype)
    if array.ndim == 0:
        return literal(array.item(), array.dtype.name)
    array = np.array(array, order="C")
    array.setflags(write=False)
    small = array.nbytes <= _SMALL
    key = (array.dtype.name, array.shape, array.tobytes()) if small else (id(array),)
    return array_constant(ArrayValue(array, key), Spec(array.shape, array.dtype.name))


def lift(value: Any) -> Node:
    """Return anything array-like, also a nested list that holds tensors, as a node."""
    if isinstance(value, list | tuple) and _holds_tensor(value):
        return lookup("stack")(*(Tensor(lift(v)) if not isinstance(v, Tensor) else v for v in value), axis=0).node
    return constant(value)


def _holds_tensor(value: Any) -> bool:
    return any(isinstance(v, Tensor) or (isinstance(v, list | tuple) and _holds_tensor(v)) for v in value)


def constant_data(node: Node) -> HostArray:
    """Return the value of a constant node as a NumPy array."""
    value = node.params["value"]
    if isinstance(value, ArrayValue):
        return value.data  # type: ignore[no-any-return]
    dtype = node.result.dtype
    return np.asarray(value, dtype=numpy_dtype("float32" if dtype == "bfloat16" else dtype))


def feed(value: Any, spec: Spec, what: str) -> HostArray:
    """Return a value fed to an input of ``spec`` as an array that fits it.

    Floats are rounded to a narrower float; beyond that, a dtype is cast only where every value survives: an
    integer fed ``1.0`` takes it, but no fraction, imaginary part or high bit is ever dropped.

    Raises
    ------
    FeedError
        Naming the input, what was given and what was expected.
    """
    try:
        array = host_array(value)
    except (ArgumentError, DTypeError) as error:
        raise FeedError(f"{what} cannot be fed: {error}") from error
    if not compatible(spec.shape, array.shape):
        raise FeedError(f"{what} expects the shape {spec.shape}, but was given {array.shape}.")
    if array.dtype.name == spec.dtype:
        return array
    if kind(array.dtype.name) == "complex" != kind(spec.dtype):
        raise FeedError(f"{what} expects {spec.dtype}, but was given {array.dtype}; feed its real part.")
    with np.errstate(invalid="ignore"):
        fitted = array.astype(numpy_dtype(spec.dtype))
    if spec.dtype in INTEGER + BOOL and not np.array_equal(fitted, array):
        raise FeedError(f"{what} expects {spec.dtype}, but was given {array.dtype} values that it cannot hold.")
    return fitted


def feeder(spec: Spec, what: str) -> Callable[[Any], HostArray]:
    """Return ``feed`` for one input, with a short way for arrays that fit exactly, as in most calls."""
    dtype, shape = DTYPES.get(spec.dtype), spec.shape

    def fit(value: Any) -> HostArray:
        exact = type(value) is np.ndarray and value.dtype is dtype
        if exact and (value.shape == shape or compatible(shape, value.shape)):
            return cast(HostArray, value)
        return feed(value, spec, what)

    return fit


DTYPES = {name: np.dtype(name) for name in ALL if name != "bfloat16"}
"""NumPy's dtypes by name: the very objects that its arrays hold."""


def pack(array: HostArray) -> HostArray:
    """Return an array that a file writer may read as one block: contiguous, in C order, little-endian."""
    packed = np.ascontiguousarray(array).reshape(array.shape)
    return packed.astype(packed.dtype.newbyteorder("<"), copy=False)


def unpack(array: HostArray, spec: Spec, what: str) -> HostArray:
    """Return an array read from a file if it fits ``spec``."""
    if not compatible(spec.shape, array.shape) or array.dtype.name != check_dtype(spec.dtype):
        found = Spec(array.shape, array.dtype.name)
        raise StorageError(f"{what} should be {spec}, but the file holds {found}.")
    return array


def zero_filled(spec: Spec) -> HostArray:
    """Return zeros of a spec without unknown sizes."""
    return np.zeros(tuple(n or 0 for n in spec.shape), dtype=numpy_dtype(spec.dtype))


def owned(array: HostArray) -> HostArray:
    """Return a writable copy that shares memory with nothing."""
    return np.array(array)


def elements(array: HostArray) -> Iterator[Any]:
    """Yield the Python scalars of an array."""
    yield from array.ravel().tolist()


def fresh_seed() -> int:
    """Return a seed drawn from NumPy's global generator.

    The generator moves on as it does for a draw of Keras's own backends, so that a program it was seeded for shuffles
    alike on all of them. Their ten million seeds soon repeat, so the generator's state, unmoved, gives the upper half.
    """
    state = np.random.get_state(legacy=False)["state"]
    upper = int(state["key"][state["pos"] % len(state["key"])]) if "key" in state else 0  # of the Mersenne twister
    return upper << 32 | int(np.random.randint(10_000_000))


def as_pairs(array: HostArray) -> HostArray:
    """Return a complex array as real pairs along a new last axis."""
    return np.ascontiguousarray(array).view(np.float64).reshape(*array.shape, 2)


def from_pairs(array: HostArray) -> HostArray:
    """Undo ``as_pairs``."""
    return np.ascontiguousarray(array).view(np.complex128).reshape(array.shape[:-1])
