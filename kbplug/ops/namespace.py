"""The Array API namespace over lazy tensors, which bodies, rules and users compute with.

It is made of the registry: a name is looked up when called, so this module imports no chapter. Names
whose call in the standard is not plainly "arrays, then parameters" have a function of their own here.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from kbplug.dtypes import Scalar, check_dtype, result_type
from kbplug.errors import ArgumentError
from kbplug.graph.node import Slice, literal
from kbplug.graph.op import REGISTRY, Op, lookup
from kbplug.graph.spec import Spec, whole
from kbplug.graph.tensor import Tensor, outputs, tensor
from kbplug.ops import inspection

Sizes = int | Tensor | Sequence[int | Tensor]


def caller(op: Op) -> Callable[..., Any]:
    """Return ``op`` with the calling convention of the standard: parameters may follow the arrays by position."""
    arrays = len(op.arrays)

    def call(*arguments: Any, **params: Any) -> Any:
        if "sequence" in op.traits and len(arguments) == 1 and isinstance(arguments[0], list | tuple):
            arguments = tuple(arguments[0])
        elif op.positional and len(arguments) > arrays:
            named = arguments[arrays:]
            if len(named) > len(op.positional):
                raise ArgumentError(f"{op.name} takes {arrays + len(op.positional)} arguments, not {len(arguments)}.")
            params.update(zip(op.positional, named, strict=False))
            arguments = arguments[:arrays]
        if not params.keys().isdisjoint(op.arrays):  # an array given by its name, as in diff(x, prepend=y)
            arguments += tuple(params.pop(n, None) for n in op.arrays[len(arguments) :])
        inspection.check_device(params.pop("device", None))
        if "dtype" in params and params["dtype"] is not None:
            params["dtype"] = check_dtype(params["dtype"])
        result = op(*arguments, **{k: _frozen(v) for k, v in params.items()})
        results = outputs(result)
        return _named(result.node.spec, results) if len(results) > 1 or "tuple" in op.traits else results[0]

    call.__name__ = op.name
    call.__doc__ = op.doc
    call.__signature__ = standard_signature(op)  # type: ignore[attr-defined]
    return call


def standard_signature(op: Op) -> inspect.Signature:
    """Return how the standard writes the call of ``op``: a list of arrays as one, optional arrays by keyword."""
    parameters = [p.replace(annotation=p.empty) for p in op.signature.parameters.values()]
    if "sequence" in op.traits:
        parameters = [p for p in parameters if p.kind is not p.VAR_POSITIONAL]
        parameters.insert(0, inspect.Parameter("arrays", inspect.Parameter.POSITIONAL_ONLY))
    if "nameless" in op.traits:
        parameters = [p.replace(kind=p.POSITIONAL_ONLY) if p.name in op.positional else p for p in parameters]
    optional = [p for p in parameters if p.name in op.arrays and p.default is not p.empty]
    if not op.arrays and "dtype" in op.signature.parameters:  # what is made of numbers alone
        optional.append(inspect.Parameter("device", inspect.Parameter.KEYWORD_ONLY, default=None))
    others = [p for p in parameters if p not in optional]
    return inspect.Signature([*others, *(p.replace(kind=p.KEYWORD_ONLY) for p in optional)])


def _named(specs: Any, results: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return several results, named if inference names them, as that of ``linalg.eigh`` does."""
    named: tuple[Tensor, ...] = type(specs)(*results) if hasattr(specs, "_fields") else results
    return named


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


def size_operands(shape: Sizes) -> tuple[list[Tensor], tuple[int | None, ...]]:
    """Return the tensors in a shape, in order, and the shape with None in their place.

    A size that is a tensor but known already, like ``shape(x)[0]`` of a static ``x``, becomes the integer.
    """
    from kbplug.ops.sizes import known_size  # reads specs through the ops of sizes

    entries: Iterable[Any]
    if isinstance(shape, Tensor) and shape.ndim == 1:
        if shape.shape[0] is None:
            raise ArgumentError("A shape given as a tensor needs a known length.")
        entries = [shape[i] for i in range(shape.shape[0])]
    else:
        entries = shape if isinstance(shape, list | tuple) else (shape,)
    sizes = [known_size(s) if isinstance(s, Tensor) else whole(s, "A size") for s in entries]
    return [s for s in sizes if isinstance(s, Tensor)], tuple(None if isinstance(s, Tensor) else s for s in sizes)


class Namespace:
    """An Array API namespace of lazy tensors; ``linalg``, ``fft`` and ``special`` are namespaces within it.

    Parameters
    ----------
    prefix
        Empty for the main namespace, else ``"linalg."`` and the like.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix

    def __getattr__(self, name: str) -> Any:
        full = self._prefix + name
        if full in REGISTRY:
            function: Any = caller(lookup(full))
        elif full in _ALIASES:
            function = getattr(namespace, name)
        elif not self._prefix and name in _EXTENSIONS:
            function = Namespace(f"{name}.")
        elif not self._prefix and name in _DTYPES:
            return name
        elif name.startswith("__"):
            raise AttributeError(name)
        else:
            raise AttributeError(f"The namespace has no function {full!r}.", name=name, obj=self)
        self.__dict__[name] = function
        return function

    def __dir__(self) -> list[str]:
        extension = self._prefix.rstrip(".")
        ops = [name.rpartition(".") for name, op in REGISTRY.items() if op.chapter != "graph"]
        aliases = [name.rpartition(".") for name in _ALIASES]
        return sorted({name for home, _, name in (*ops, *aliases) if home == extension})

    def __repr__(self) -> str:
        return f"<kbplug namespace {self._prefix.rstrip('.') or 'of the Array API'}>"


_EXTENSIONS = ("linalg", "fft", "special")

_DTYPES = frozenset(
    (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
    )
)


_ALIASES = frozenset(("linalg.matmul", "linalg.matrix_transpose", "linalg.tensordot", "linalg.vecdot"))
"""Names of the extensions that are functions of the main namespace."""


class Main(Namespace):
    """The main namespace: the functions whose call differs from "arrays, then parameters"."""

    e, inf, nan, pi = math.e, math.inf, math.nan, math.pi
    newaxis = None
    __array_api_version__ = "2025.12"

    broadcast_shapes = staticmethod(inspection.broadcast_shapes)
    can_cast = staticmethod(inspection.can_cast)
    finfo = staticmethod(inspection.finfo)
    iinfo = staticmethod(inspection.iinfo)
    isdtype = staticmethod(inspection.isdtype)
    result_type = staticmethod(inspection.result_type)
    __array_namespace_info__ = staticmethod(inspection.Info)

    def __dir__(self) -> list[str]:
        own = [name for name in dir(type(self)) if not name.startswith("_")]
        return sorted({*super().__dir__(), *own, *_EXTENSIONS, *_DTYPES})

    def asarray(self, obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Tensor:
        """Return anything array-like as a tensor."""
        inspection.check_device(device)
        if isinstance(obj, int | float | complex) and dtype is not None:
            return Tensor(literal(_to_kind(obj, check_dtype(dtype)), check_dtype(dtype)))
        x = tensor(obj)
        if dtype is not None and x.dtype != check_dtype(dtype):
            return self.astype(x, dtype)
        return Tensor(x.node) if copy else x

    def from_dlpack(self, x: Any, /, *, device: Any = None, copy: bool | None = None) -> Tensor:
        """Return an array of another library, handed over by DLPack, as a tensor."""
        return self.asarray(x, device=device, copy=copy)

    def astype(self, x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Tensor:
        """Return ``x`` in another dtype."""
        x = tensor(x)
        return Tensor(x.node) if x.dtype == check_dtype(dtype) else lookup("astype")(x, dtype=check_dtype(dtype))

    def clip(self, x: Any, /, min: Any = None, max: Any = None) -> Tensor:
        """Return ``x`` kept between ``min`` and ``max``."""
        return lookup("clip")(x, min, max)

    def reshape(self, x: Any, /, shape: Sizes, *, copy: bool | None = None) -> Tensor:
        """Return ``x`` in another shape; one size may be -1."""
        sizes, static = size_operands(shape)
        return lookup("reshape")(x, *sizes, shape=static)

    def broadcast_to(self, x: Any, /, shape: Sizes) -> Tensor:
        """Return ``x`` broadcast to ``shape``."""
        sizes, static = size_operands(shape)
        return lookup("broadcast_to")(x, *sizes, shape=static)

    def full(self, shape: Sizes, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
        """Return an array of one value."""
        return self.broadcast_to(self.asarray(fill_value, dtype=dtype, device=device), shape)

    def zeros(self, shape: Sizes, *, dtype: Any = None, device: Any = None) -> Tensor:
        """Return an array of zeros, float64 by default."""
        return self.full(shape, 0, dtype=dtype or "float64", device=device)

    def ones(self, shape: Sizes, *, dtype: Any = None, device: Any = None) -> Tensor:
        """Return an array of ones, float64 by default."""
        return self.full(shape, 1, dtype=dtype or "float64", device=device)

    def empty(self, shape: Sizes, *, dtype: Any = None, device: Any = None) -> Tensor:
        """Return an array of any values: zeros, since a graph is a function."""
        return self.zeros(shape, dtype=dtype, device=device)

    def zeros_like(self, x: Tensor, /, *, dtype: Any = None, device: Any = None) -> Tensor:
        """Return zeros of the shape and dtype of ``x``."""
        return self.full_like(x, 0, dtype=dtype, device=device)

    def ones_like(self, x: Tensor, /, *, dtype: Any = None, device: Any = None) -> Tensor:
        """Return ones of the shape and dtype of ``x``."""
        return self.full_like(x, 1, dtype=dtype, device=device)

    def full_like(self, x: Tensor, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
        """Return an array of one value with the shape of ``x``."""
        from kbplug.ops.sizes import shape_of

        return self.full(shape_of(x), fill_value, dtype=dtype or x.dtype, device=device)

    def empty_like(self, x: Tensor, /, *, dtype: Any = None, device: Any = None) -> Tensor:
        """Return an array of any values with the shape and dtype of ``x``."""
        return self.zeros_like(x, dtype=dtype, device=device)

    def arange(
        self, start: Any, /, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None
    ) -> Tensor:
        """Return evenly spaced numbers from ``start`` up to, not including, ``stop``; each may be a 0-d tensor."""
        inspection.check_device(device)
        start, stop = (0, start) if stop is None else (start, stop)
        sizes, shape = size_operands(_steps(start, stop, step))
        dtype = check_dtype(dtype) if dtype else inspection.result_type(start, stop, step)
        if isinstance(start, Tensor) or isinstance(step, Tensor):
            return self.astype(start + step * lookup("arange")(*sizes, shape=shape), dtype)
        return lookup("arange")(*sizes, shape=shape, start=start, step=step, dtype=dtype)

    def eye(self, n_rows: Any, n_cols: Any = None, /, *, k: int = 0, dtype: Any = None, device: Any = None) -> Tensor:
        """Return a matrix of zeros with ones on its diagonal ``k``."""
        inspection.check_device(device)
        sizes, shape = size_operands((n_rows, n_rows if n_cols is None else n_cols))
        return lookup("eye")(*sizes, shape=shape, k=k, dtype=check_dtype(dtype or "float64"))

    def linspace(
        self, start: Any, stop: Any, /, num: int, *, dtype: Any = None, device: Any = None, endpoint: bool = True
    ) -> Tensor:
        """Return ``num`` evenly spaced numbers from ``start`` to ``stop``, scalars or 0-d tensors."""
        inspection.check_device(device)
        count = whole(num, "The number of elements")
        if count < 0:
            raise ArgumentError(f"linspace makes at least 0 numbers, not {count}.")
        ends = [tensor(start), tensor(stop)]
        dtype = check_dtype(dtype) if dtype else result_type([*(t.dtype for t in ends), "float64"])
        return lookup("linspace")(*(self.astype(t, dtype) for t in ends), num=count, endpoint=endpoint)

    def repeat(self, x: Any, repeats: Any, /, *, axis: int | None = None) -> Tensor:
        """Return ``x`` with each element along ``axis`` repeated: a number of times, or as an array says."""
        if isinstance(repeats, int):
            return lookup("repeat")(x, axis=axis, repeats=repeats)
        return lookup("repeat")(x, repeats, axis=axis)

    def unstack(self, x: Any, /, *, axis: int = 0) -> tuple[Tensor, ...]:
        """Return the slices of ``x`` along ``axis``; how many there are a concrete tensor may have to compute."""
        x = tensor(x)
        if not -x.ndim <= axis < x.ndim or x.spec.shape[axis] is not None or x.shape[axis] is None:
            return outputs(lookup("unstack")(x, axis=axis))
        front = self.moveaxis(x, axis, 0)
        return tuple(front[i] for i in range(x.shape[axis]))

    def segment_sum(self, data: Any, segment_ids: Any, num_segments: Any) -> Tensor:
        """Return the sum of the rows of each id from 0 to ``num_segments - 1``."""
        sizes, shape = size_operands(num_segments)
        return lookup("segment_sum")(data, segment_ids, *sizes, shape=shape)


def _steps(start: Any, stop: Any, step: Any) -> Any:
    """Return how many steps lead from ``start`` up to ``stop``: an integer, or a tensor."""
    if isinstance(step, int | float) and step == 0:
        raise ArgumentError("arange needs a step other than 0.")
    if isinstance(start, int) and start == 0 and isinstance(step, int) and step == 1 and isinstance(stop, Tensor):
        return stop
    if any(isinstance(n, Tensor) for n in (start, stop, step)):
        whole = inspection.isdtype(inspection.result_type(start, stop, step), "integral")
        count = -((start - stop) // step)  # rounded up; on integers, arithmetic that stays on the host
        return namespace.maximum(count if whole else namespace.astype(count, "int64"), 0)
    return max(math.ceil((stop - start) / step), 0)


def _to_kind(value: Scalar, dtype: str) -> Scalar:
    if dtype == "bool":
        return bool(value)
    return int(value) if isinstance(value, bool) else value


namespace = Main()
"""The one instance that ops, rules and backend compute with."""

__all__ = ["Main", "Namespace", "Slice", "Spec", "caller", "cast", "namespace", "size_operands"]
