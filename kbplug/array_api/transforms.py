"""Functions of arrays into their derivatives, compiled. Built from graphs alone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from kbplug import autodiff
from kbplug.array_api.compiled import jit
from kbplug.array_api.trees import LEAF, bare, unflatten
from kbplug.array_api.variables import Variables, is_number, matching, tensors
from kbplug.dtypes import COMPLEX, is_floating
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
        Which positional arguments to derive by: one, or several for a tuple of gradients. Each may be an array, a
        Python float, or tuples, lists and dicts of them.
    has_aux
        Whether ``fun`` returns a pair.

    Raises
    ------
    ArgumentError
        If ``fun`` returns no 0-d floating-point array, an argument derived by holds other dtypes, or ``argnums``
        names none or one twice.

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
        chosen = _positions(args, argnums)
        by = Variables([args[i] for i in chosen], is_number)
        for w in by.fresh:
            if not is_floating(w.dtype):
                raise ArgumentError(f"grad derives by floating-point arrays, not by {w.spec}; cast it first.")
        given = list(args)
        for i, tree in zip(chosen, by.trees(), strict=True):
            given[i] = tree
        returned = fun(*given, **kwargs)
        slopes = by.like(autodiff.gradients(_loss(returned, has_aux), by.fresh))
        found: tuple[Any, Any] = by.placed((returned, slopes[0] if isinstance(argnums, int) else tuple(slopes)))
        return found

    return jit(derived)


def _positions(args: Sequence[Any], argnums: Argnums) -> list[int]:
    """Return the positions of the arguments to derive by, counted from the first."""
    named = argnums if isinstance(argnums, tuple | list) else (argnums,)
    for index in named:
        if not isinstance(index, int):
            raise ArgumentError(f"argnums is {argnums!r}, but it must be the position of an argument, or several.")
        if not -len(args) <= index < len(args):
            raise ArgumentError(f"argnums names argument {index}, but the call has {len(args)} by position.")
    found = [index % len(args) for index in named]
    if len(set(found)) < len(found):
        raise ArgumentError(f"argnums is {argnums!r}, which names an argument twice; name each once.")
    return found


def _loss(returned: Any, has_aux: bool) -> Tensor:
    if has_aux and not (isinstance(returned, tuple) and len(returned) == 2):
        raise ArgumentError("With has_aux a function returns a pair of its value and anything else.")
    value = returned[0] if has_aux else returned
    if not is_number(value):
        raise ArgumentError(f"grad derives a function that returns one array, not a {type(value).__name__}.")
    loss = tensor(value)
    if loss.ndim or not is_floating(loss.dtype):
        raise ArgumentError(f"grad derives 0-d floating-point results, not {loss.spec}; use vjp for others.")
    return loss


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

    Cotangents have the form of the result; those of the primals have theirs, with None for what is no array and no
    float.

    Examples
    --------
    >>> import numpy as np
    >>> import kbplug.array_api as xp
    >>> y, pull = xp.vjp(lambda x: x**2, np.array([1.0, 3.0]))
    >>> y.tolist(), pull(np.array([1.0, 1.0]))[0].tolist()
    ([1.0, 9.0], [2.0, 6.0])
    """

    def pulled(cotangents: Any, *args: Any) -> tuple[Any, ...]:
        by = Variables(args)
        results = tensors(fun(*by.trees()))[0]
        given = matching(cotangents, results, "cotangents", "the results")
        return by.placed(tuple(by.like(autodiff.vjp(results, given, by.fresh))))  # type: ignore[no-any-return]

    pull = jit(pulled)
    return jit(fun)(*primals), lambda cotangents: pull(cotangents, *primals)


def jvp(fun: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return what ``fun`` gives on ``primals``, and its derivative in the direction of ``tangents``.

    The direction is pushed through the transpose of the reverse mode, which is linear in its cotangents.

    Parameters
    ----------
    fun
        A function of arrays.
    primals, tangents
        Sequences of the arguments and, in their form, of a direction for each.

    Raises
    ------
    ArgumentError
        If ``primals`` and ``tangents`` are no tuples, or differ in form, shape or kind.

    Examples
    --------
    >>> import numpy as np
    >>> import kbplug.array_api as xp
    >>> y, slope = xp.jvp(lambda x: x**2, (np.array([1.0, 3.0]),), (np.array([1.0, 0.5]),))
    >>> slope.tolist()
    [2.0, 3.0]
    """
    for given in (primals, tangents):
        if not isinstance(given, tuple | list):
            raise ArgumentError(f"jvp takes primals and tangents as tuples, not as a {type(given).__name__}.")

    def pushed(args: Any, directions: Any) -> tuple[Any, Any]:
        by = Variables(args)
        given = matching(directions, by.fresh, "tangents", "the primals")
        returned = fun(*by.trees())
        results, form = tensors(returned)
        return by.placed((returned, unflatten(bare(form), iter(_push(results, by.fresh, given)))))  # type: ignore[no-any-return]

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
    """Return a function that gives all second derivatives of ``fun`` by one argument, a real array.

    Returns
    -------
    callable
        For an argument of shape ``s`` its result has shape ``s + s``.

    Raises
    ------
    ArgumentError
        If the argument is no real floating-point array, or ``fun`` returns no 0-d floating-point array.

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
        chosen = _positions(args, argnums)
        by = Variables([args[i] for i in chosen], is_number)
        if by.forms != (LEAF,) or by.fresh[0].dtype in COMPLEX:
            raise ArgumentError("hessian derives by one real array, not by several or a complex one.")
        (x,) = by.fresh
        given = list(args)
        (given[chosen[0]],) = by.trees()
        first = xp.reshape(slope(*given, **kwargs), (-1,))
        sizes = shape_of(x)
        total: Any = 1
        for size in sizes:
            total = total * size

        def row(direction: Tensor) -> tuple[list[Any], list[Tensor]]:
            (found,) = autodiff.vjp([first], [direction], [x])
            return [], [xp.zeros_like(x) if found is None else found]

        _, (stacked,) = fold_over(row, [], [xp.eye(total, dtype=x.dtype)])
        return by.placed(xp.reshape(stacked, (*sizes, *sizes)))

    return jit(second)


__all__ = ["grad", "hessian", "jvp", "value_and_grad", "vjp"]
