"""``jit``: functions of arrays, traced for each combination of shapes and dtypes, and a short way for calls alike."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from kbplug.array_api.foreign import is_array, library_of
from kbplug.array_api.trees import LEAF, Form, flatten, unflatten
from kbplug.errors import ArgumentError
from kbplug.graph.graph import substitute, topological
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor, call_site, tensor
from kbplug.runtime import values
from kbplug.runtime.entry import Entry
from kbplug.runtime.function import Function


def jit(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``fun`` compiled: traced once for each combination of shapes and dtypes, then run by the active engine.

    Parameters
    ----------
    fun
        A function of arrays, written for the standard. Arrays may stand in tuples, lists and dicts; every other
        argument, a Python number too, is fixed when traced, and another value is traced anew.

    Returns
    -------
    callable
        Takes arrays of any library and returns arrays of the library of its first; on lazy tensors it is ``fun``.

    Raises
    ------
    ArgumentError
        In a call: if an argument that is no array cannot be hashed.

    Examples
    --------
    >>> import numpy as np
    >>> import kbplug.array_api as xp
    >>> compiled = xp.jit(lambda x: xp.tanh(x) + 1.0)
    >>> compiled(np.zeros(2))
    array([1., 1.])
    """
    traced: dict[Any, tuple[Function, Form]] = {}
    last: Entry = _nothing

    @functools.wraps(fun)
    def compiled(*args: Any, **kwargs: Any) -> Any:
        nonlocal last
        results = None if kwargs else last(args)
        if results is not None:
            return results[0]
        leaves, form = flatten((args, kwargs), is_array)
        if any([isinstance(leaf, Tensor) for leaf in leaves]):
            return fun(*args, **kwargs)
        library = library_of(leaves)
        arrays = [library.to_host(leaf) for leaf in leaves]
        key = (form, *[(a.shape, a.dtype) for a in arrays])
        try:
            known = traced.get(key)
        except TypeError as cause:
            raise ArgumentError(f"What is no array in a compiled call is fixed, so hashable, but {cause}.") from cause
        if known is None:
            inputs, outputs, result = _trace(fun, form, arrays)
            if _is_open(inputs, outputs):
                given = {i.node: tensor(a).node for i, a in zip(inputs, arrays, strict=True)}
                return unflatten(result, map(Tensor, substitute([o.node for o in outputs], given)))
            known = traced[key] = Function(inputs, outputs, name=getattr(fun, "__name__", None)), result
        function, result = known
        found = unflatten(result, map(library.from_host, function(arrays)))
        last = _nothing if kwargs else _remembered(args, function, result)
        return found

    return compiled


def _nothing(*_: Any) -> None:
    """Let nothing through."""


def _remembered(args: Sequence[Any], function: Function, result: Form) -> Entry:
    """Return the short way that a call like this one may take: NumPy arrays by position in, one array out."""
    plain = result == LEAF and all([type(a) is values.HostArrayType for a in args])
    return function.short if plain and function.short is not None else _nothing


def _trace(
    fun: Callable[..., Any], form: Form, arrays: Sequence[values.HostArray]
) -> tuple[list[Tensor], list[Tensor], Form]:
    """Return placeholders for arrays, what a function makes of them, and the form of that."""
    where = call_site()
    inputs = [Tensor(placeholder(Spec(a.shape, a.dtype.name), where=where)) for a in arrays]
    args, kwargs = unflatten(form, iter(Tensor(t.node) for t in inputs))
    returned, result = flatten(fun(*args, **kwargs), lambda leaf: isinstance(leaf, Tensor) or is_array(leaf))
    return inputs, [tensor(r) for r in returned], result


def _is_open(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> bool:
    """Say whether results hang on a value of a trace around this one, which the function closed over."""
    own = {i.node for i in inputs}
    return any(n.symbolic and not n.inputs and n not in own for n in topological([o.node for o in outputs]))
