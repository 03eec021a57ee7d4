"""Functions of arrays into other functions: differentiated, mapped, and then compiled. Built from graphs alone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from kbplug import autodiff
from kbplug.array_api.compiled import jit
from kbplug.array_api.trees import flatten, unflatten
from kbplug.dtypes import is_floating
from kbplug.errors import ArgumentError
from kbplug.graph.graph import substitute
from kbplug.graph.node import placeholder
from kbplug.graph.tensor import Tensor, tensor
from kbplug.ops.control import fold_over
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import shape_of

Argnums = int | Sequence[int]


def value_and_grad(
    fun: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., tuple[Any, Any]]:
    """Return a function that gives the value of ``fun`` and its gradient.

    Parameters
    ----------
    fun
        Returns a 0-d floating-point array, or with ``has_aux`` a pair of it and anything else.
    argnums
        Which positional arguments to derive by: one, or several for a tuple of gradients.
    has_aux
        Whether ``fun`` returns a pair.

    Raises
    ------
    ArgumentError
        If ``fun`` returns no 0-d floating-point array, or an argument derived by holds other dtypes.

    Examples
    --------
    >>> import numpy as np
    >>> import kbplug.array_api as xp
    >>> value, slope = xp.value_and_grad(lambda x: xp.sum(x**3))(np.array([1.0, 2.0]))
    >>> float(value), slope.tolist()
    (9.0, [3.0, 12.0])
    """

    @functools.wraps(fun)
    def derived(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        returned = fun(*args, **kwargs)
        loss = tensor(returned[0] if has_aux else returned)
        if loss.ndim or not is_floating(loss.dtype):
            raise ArgumentError(f"grad derives 0-d floating-point results, not {loss.spec}; use vjp for others.")
        chosen = [argnums] if isinstance(argnums, int) else list(argnums)
        wrt, form = flatten(tuple(args[i] for i in chosen), lambda leaf: isinstance(leaf, Tensor))
        for w in wrt:
            if not is_floating(w.dtype):
                raise ArgumentError(f"grad derives by floating-point arrays, not by {w.spec}; cast it first.")
        found = [xp.zeros_like(w) if g is None else g for g, w in zip(autodiff.gradients(loss, wrt), wrt, strict=True)]
        slopes = unflatten(form, iter(found))
        return returned, slopes[0] if isinstance(argnums, int) else slopes

    return jit(derived)


def grad(fun: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that gives the gradient of ``fun``; see ``value_and_grad``.

    For complex arguments it is dL/dRe + i dL/dIm, as in PyTorch.

    Examples
    --------
    >>> import numpy as np
    >>> import kbplug.array_api as xp
    >>> xp.grad(xp.grad(lambda x: x**3))(np.asarray(2.0))
    array(12.)
    """
    both = value_and_grad(fun, argnums, has_aux)

    @functools.wraps(fun)
    def slope(*args: Any, **kwargs: Any) -> Any:
        value, found = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return slope


def vjp(fun: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Return what ``fun`` gives on ``primals``, and the function from cotangents of that to cotangents of them.

    Examples
    --------
    >>> import numpy as np
    >>> import kbplug.array_api as xp
    >>> y, pull = xp.vjp(lambda x: x**2, np.array([1.0, 3.0]))
    >>> y.tolist(), pull(np.array([1.0, 1.0]))[0].tolist()
    ([1.0, 9.0], [2.0, 6.0])
    """

    def pulled(cotangents: Any, *args: Any) -> tuple[Any, ...]:
        results, _ = flatten(fun(*args), lambda leaf: isinstance(leaf, Tensor))
        given, _ = flatten(cotangents, lambda leaf: isinstance(leaf, Tensor))
        wrt, form = flatten(args, lambda leaf: isinstance(leaf, Tensor))
        rows = autodiff.vjp(results, given, wrt)
        found: tuple[Any, ...] = unflatten(
            form, iter([xp.zeros_like(w) if r is None else r for r, w in zip(rows, wrt, strict=True)])
        )
        return found

    pull = jit(pulled)
    return jit(fun)(*primals), lambda cotangents: pull(cotangents, *primals)


def jvp(fun: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return what ``fun`` gives on ``primals``, and its derivative in the direction of ``tangents``.

    The direction is pushed through the transpose of the reverse mode, which is linear in its cotangents.

    Examples
    --------
    >>> import numpy as np
    >>> import kbplug.array_api as xp
    >>> y, slope = xp.jvp(lambda x: x**2, (np.array([1.0, 3.0]),), (np.array([1.0, 0.5]),))
    >>> slope.tolist()
    [2.0, 3.0]
    """

    def pushed(args: Any, directions: Any) -> tuple[Any, Any]:
        returned = fun(*args)
        results, form = flatten(returned, lambda leaf: isinstance(leaf, Tensor))
        wrt, _ = flatten(tuple(args), lambda leaf: isinstance(leaf, Tensor))
        given, _ = flatten(tuple(directions), lambda leaf: isinstance(leaf, Tensor))
        return returned, unflatten(form, iter(_push(results, wrt, given)))

    return jit(pushed)(tuple(primals), tuple(tangents))  # type: ignore[no-any-return]


def _push(results: Sequence[Tensor], wrt: Sequence[Tensor], tangents: Sequence[Tensor]) -> list[Tensor]:
    dummies = [Tensor(placeholder(r.spec)) for r in results]
    rows = autodiff.vjp(results, dummies, wrt)
    pairs = [(r, t) for r, t in zip(rows, tangents, strict=True) if r is not None]
    found = autodiff.vjp([r for r, _ in pairs], [t for _, t in pairs], dummies)
    zeros = [xp.zeros_like(r) for r in results]
    given = {d.node: z.node for d, z in zip(dummies, zeros, strict=True)}  # their shapes may have been asked for
    return [z if f is None else Tensor(substitute([f.node], given)[0]) for f, z in zip(found, zeros, strict=True)]


def hessian(fun: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """Return a function that gives all second derivatives of ``fun`` by one argument.

    Returns
    -------
    callable
        For an argument of shape ``s`` its result has shape ``s + s``.

    Examples
    --------
    >>> import numpy as np
    >>> import kbplug.array_api as xp
    >>> xp.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0])).tolist()
    [[4.0, 2.0], [2.0, 0.0]]
    """
    slope = grad(fun, argnums)

    @functools.wraps(fun)
    def second(*args: Any, **kwargs: Any) -> Any:
        x = tensor(args[argnums])
        sizes = shape_of(x)
        total: Any = 1
        for size in sizes:
            total = total * size
        first = xp.reshape(slope(*args, **kwargs), (-1,))
        rows = xp.eye(total, dtype=x.dtype)

        def row(direction: Tensor) -> tuple[list[Any], list[Tensor]]:
            (found,) = autodiff.vjp([first], [direction], [x])
            return [], [xp.zeros_like(x) if found is None else found]

        _, (stacked,) = fold_over(row, [], [rows])
        return xp.reshape(stacked, (*sizes, *sizes))

    return jit(second)


def vmap(fun: Callable[..., Any], in_axes: Any = 0, out_axes: int = 0) -> Callable[..., Any]:
    """Return ``fun`` mapped over an axis of its arguments: a loop inside the graph, one step per element.

    Parameters
    ----------
    fun
        A function of arrays.
    in_axes
        The axis of every argument, or a tuple with one entry each; None leaves an argument whole.
    out_axes
        Where the axis stands in the results.

    Examples
    --------
    >>> import numpy as np
    >>> import kbplug.array_api as xp
    >>> xp.vmap(lambda a, b: xp.sum(a * b), in_axes=(0, None))(np.eye(2), np.array([1.0, 2.0])).tolist()
    [1.0, 2.0]
    """

    @functools.wraps(fun)
    def mapped(*args: Any) -> Any:
        axes = in_axes if isinstance(in_axes, tuple | list) else (in_axes,) * len(args)
        if len(axes) != len(args):
            raise ArgumentError(f"vmap has {len(axes)} axes for {len(args)} arguments; give one each, or one for all.")
        over = [i for i, axis in enumerate(axes) if axis is not None]
        if not over:
            raise ArgumentError("vmap needs an axis for at least one argument.")
        forms: list[Any] = []

        def step(*elements: Tensor) -> tuple[list[Any], list[Tensor]]:
            given = list(args)
            for i, element in zip(over, elements, strict=True):
                given[i] = element
            leaves, form = flatten(fun(*given), lambda leaf: isinstance(leaf, Tensor))
            forms.append(form)
            return [], leaves

        rows = [xp.moveaxis(args[i], axes[i], 0) for i in over]
        _, stacked = fold_over(step, [], rows)
        return unflatten(forms[-1], iter([xp.moveaxis(s, 0, out_axes) for s in stacked]))

    return jit(mapped)


__all__ = ["grad", "hessian", "jvp", "value_and_grad", "vjp", "vmap"]
