"""Tensors that come from no computation (placeholders, constants), what is known of a tensor, and its value."""

from __future__ import annotations

from typing import Any

from kbplug.backend.arguments import DTypeLike, HostArray, Sizes, TensorLike
from kbplug.backend.names import full_name
from kbplug.backend.settings import floatx
from kbplug.backend.sparse import sparse_placeholder
from kbplug.dtypes import COMPLEX, check_dtype, complex_of, is_floating
from kbplug.errors import ArgumentError, DTypeError
from kbplug.graph import node as nodes
from kbplug.graph.spec import Shape, Size, check_shape, spec
from kbplug.graph.tensor import Tensor, call_site, tensor
from kbplug.ops import sizes
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.state import print_
from kbplug.runtime import values
from kbplug.runtime.cells import Update, Variable
from kbplug.runtime.interpret import evaluate


def placeholder(
    shape: Size | tuple[Size, ...] | list[Size] = None,
    ndim: int | None = None,
    dtype: DTypeLike = None,
    sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """Return a tensor whose value each call of a function gives.

    Parameters
    ----------
    shape
        A size per dimension; None is a size known only when called.
    ndim
        Number of dimensions, all of unknown size, where no ``shape`` is given.
    dtype
        ``floatx()`` by default.
    sparse
        Whether matrices of ``scipy.sparse`` are fed; only the number of rows may then be unknown.
    name
        A label; a unique one by default.

    Raises
    ------
    ArgumentError
        If neither ``shape`` nor ``ndim`` is given.

    Examples
    --------
    >>> K.placeholder((None, 3)).shape
    (None, 3)
    """
    if shape is None and ndim is None:
        raise ArgumentError("placeholder needs a shape or ndim; ndim=0 makes a scalar.")
    known = check_shape((None,) * ndim if shape is None else shape)  # type: ignore[operator]
    label = full_name(name, "placeholder")
    if sparse:
        return marked(sparse_placeholder(known, check_dtype(floatx() if dtype is None else dtype), label))
    where = call_site()
    made = Tensor(nodes.placeholder(spec(known, floatx() if dtype is None else dtype), label, where), where)
    made.name = label
    return marked(made)


def marked(x: Tensor) -> Tensor:
    """Return a placeholder or variable with the attributes that Keras expects of it from the start."""
    vars(x).update(_keras_shape=x.shape, _uses_learning_phase=False)
    return x


def constant(value: TensorLike, dtype: DTypeLike = None, shape: Sizes | None = None, name: str | None = None) -> Tensor:
    """Return a tensor that never changes.

    Parameters
    ----------
    value
        A scalar, nested lists or an array; its data is copied.
    dtype
        ``floatx()`` by default.
    shape
        A scalar is repeated to this shape; an array is put into it.
    name
        A label.

    Raises
    ------
    DTypeError
        If the dtype is unknown, or real for a complex value.

    Examples
    --------
    >>> K.eval(K.constant(1, shape=(2, 2))).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    made = (
        cast(value, dtype or floatx()) if isinstance(value, Tensor) else Tensor(values.constant(to_host(value, dtype)))
    )
    if shape is not None:
        made = xp.broadcast_to(made, shape) if made.ndim == 0 else xp.reshape(made, shape)
    made.name = full_name(name, "constant") if name else None
    return made


def to_host(value: Any, dtype: DTypeLike = None) -> HostArray:
    """Return a value as a NumPy array of ``dtype``: by default ``floatx()``, or the complex dtype of its width."""
    array = values.host_array(value)
    is_complex = array.dtype.name in COMPLEX
    if dtype is None:
        return values.host_array(array, complex_of(floatx()) if is_complex else floatx())
    target = check_dtype(dtype)
    if is_complex and target not in COMPLEX:
        raise DTypeError(f"A value of dtype {array.dtype} does not become {target}; take its real part first.")
    return values.host_array(array, target)


def as_tensor(x: TensorLike) -> Tensor:
    """Return ``x`` as a tensor; Python's floats, alone or in lists, have no dtype and take ``floatx()``."""
    made = tensor(x)
    if isinstance(x, float | list | tuple) and made.dtype == "float64" and not made.node.inputs:
        return Tensor(values.constant(values.host_array(x, floatx())))
    return made


def operand(x: TensorLike) -> TensorLike:
    """Return ``x`` as an operand that a scalar does not widen: scalars stay as they are."""
    return x if isinstance(x, bool | int | float | complex) else as_tensor(x)


def floating(x: TensorLike) -> Tensor:
    """Return ``x`` as a tensor of floating-point numbers: integers and booleans become ``floatx()``."""
    made = as_tensor(x)
    return made if is_floating(made.dtype) else xp.astype(made, floatx())


def zeros_like(x: TensorLike, dtype: DTypeLike = None, name: str | None = None) -> Tensor:
    """Return zeros of the shape of ``x``, and of its dtype by default.

    Examples
    --------
    >>> K.eval(K.zeros_like(K.constant([1.0, 2.0]))).tolist()
    [0.0, 0.0]
    """
    return _named(xp.zeros_like(as_tensor(x), dtype=dtype), name)


def ones_like(x: TensorLike, dtype: DTypeLike = None, name: str | None = None) -> Tensor:
    """Return ones of the shape of ``x``, and of its dtype by default.

    Examples
    --------
    >>> K.eval(K.ones_like(K.constant([0.0, 2.0]))).tolist()
    [1.0, 1.0]
    """
    return _named(xp.ones_like(as_tensor(x), dtype=dtype), name)


def identity(x: TensorLike, name: str | None = None) -> Tensor:
    """Return another handle on the content of ``x``, which carries none of its attributes.

    Examples
    --------
    >>> K.eval(K.identity(K.constant([1.0, 2.0]))).tolist()
    [1.0, 2.0]
    """
    return _named(Tensor(as_tensor(x).node), name)


def _named(x: Tensor, name: str | None) -> Tensor:
    if name is not None:
        x.name = full_name(name, "tensor")
    return x


def is_tensor(x: Any) -> bool:
    """Say whether ``x`` is a tensor of kbplug; any object may be asked about.

    Examples
    --------
    >>> K.is_tensor(K.constant(1.0)), K.is_tensor(1.0)
    (True, False)
    """
    return isinstance(x, Tensor)


def is_variable(x: Any) -> bool:
    """Say whether ``x`` is a variable; any object may be asked about.

    Examples
    --------
    >>> K.is_variable(K.variable(1.0)), K.is_variable(K.constant(1.0))
    (True, False)
    """
    return isinstance(x, Variable)


def is_placeholder(x: Any) -> bool:
    """Say whether ``x`` is a placeholder; any object may be asked about.

    Examples
    --------
    >>> K.is_placeholder(K.placeholder((2,))), K.is_placeholder(K.variable(1.0))
    (True, False)
    """
    return isinstance(x, Tensor) and x.node.op is nodes.PLACEHOLDER


def is_symbolic(x: Any) -> bool:
    """Say whether ``x`` is a tensor without a value before a call, since a placeholder stands below it.

    Examples
    --------
    >>> K.is_symbolic(K.placeholder((2,)) + 1), K.is_symbolic(K.constant(1.0))
    (True, False)
    """
    return isinstance(x, Tensor) and x.node.symbolic


def is_keras_tensor(x: Any) -> bool:
    """Say whether a layer of Keras made the tensor ``x``.

    Raises
    ------
    ArgumentError
        If ``x`` is no tensor.

    Examples
    --------
    >>> K.is_keras_tensor(K.placeholder((2,)))
    False
    """
    if not is_tensor(x):
        raise ArgumentError(f"is_keras_tensor is asked about tensors, but was given a {type(x).__name__}.")
    return hasattr(x, "_keras_history")


def shape(x: TensorLike) -> Tensor:
    """Return the sizes of ``x`` as a tensor, int64 of one dimension: known sizes, and others when run.

    Examples
    --------
    >>> K.eval(K.shape(K.zeros((2, 3)))).tolist()
    [2, 3]
    """
    return sizes.shape(as_tensor(x))


def int_shape(x: TensorLike) -> Shape:
    """Return what is known of the shape of ``x``: an integer or None per dimension.

    Examples
    --------
    >>> K.int_shape(K.placeholder((None, 3)))
    (None, 3)
    """
    known: Shape = getattr(x, "_keras_shape", None) or as_tensor(x).shape  # a layer may know more than its graph
    return known


def ndim(x: TensorLike) -> int:
    """Return the number of dimensions.

    Examples
    --------
    >>> K.ndim(K.zeros((2, 3)))
    2
    """
    return as_tensor(x).ndim


def dtype(x: TensorLike) -> str:
    """Return the name of the dtype.

    Examples
    --------
    >>> K.dtype(K.zeros((2, 3)))
    'float32'
    """
    return as_tensor(x).dtype


def size(x: TensorLike, name: str | None = None) -> Tensor:
    """Return the number of elements as a 0-d integer tensor.

    Examples
    --------
    >>> int(K.size(K.zeros((2, 3))))
    6
    """
    x = as_tensor(x)
    return _named(xp.asarray(x.size, dtype="int64") if x.size is not None else xp.prod(sizes.shape(x)), name)


def cast(x: TensorLike, dtype: DTypeLike) -> Tensor:
    """Return the values of ``x`` in another dtype; fractions are cut off on the way to integers.

    Raises
    ------
    DTypeError
        If the dtype is unknown, or real for a complex ``x``.

    Examples
    --------
    >>> K.eval(K.cast([1.7, -1.7], "int32")).tolist()
    [1, -1]
    """
    made, target = as_tensor(x), check_dtype(dtype)
    return made if made.dtype == target else xp.astype(made, target)


def eval(x: TensorLike) -> HostArray:
    """Return the value of a tensor as a NumPy array; an update is also performed.

    Raises
    ------
    SymbolicError
        If a placeholder stands below ``x``.

    Examples
    --------
    >>> K.eval(K.constant([1.0, 2.0]) + 1).tolist()
    [2.0, 3.0]
    """
    made = as_tensor(x)
    if made.node.symbolic:
        made.value()  # raises, with advice
    commits = [(made.variable.cell, made.node)] if isinstance(made, Update) else []
    return evaluate([made.node], commits)[0]


def print_tensor(x: TensorLike, message: str = "") -> Tensor:
    """Return ``x``, and print it after ``message`` whenever the result is computed.

    Examples
    --------
    >>> total = K.eval(K.sum(K.print_tensor(K.constant([1.0, 2.0]), message="x:")))
    x: [1. 2.]
    """
    return print_(as_tensor(x), message=message)
