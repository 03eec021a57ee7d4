"""``vmap``: a function of arrays mapped over an axis, as a loop inside the graph."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from kbplug.array_api.compiled import jit
from kbplug.array_api.trees import LEAF, flatten, unflatten
from kbplug.array_api.variables import is_number
from kbplug.errors import ArgumentError
from kbplug.graph.tensor import Tensor, tensor
from kbplug.ops.control import fold_over
from kbplug.ops.namespace import namespace as xp


def vmap(fun: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """Return ``fun`` mapped over an axis of its arguments: a loop inside the graph, one step per element.

    Parameters
    ----------
    fun
        A function of arrays, which may stand in tuples, lists and dicts.
    in_axes
        The axis of every argument, or a sequence with one entry each: an axis, None, which leaves an argument whole,
        or a tree of them like the argument. Arguments by keyword are mapped over their first axis.
    out_axes
        Where the axis stands in the results: a number, or a tree of them like the result.

    Raises
    ------
    ArgumentError
        If the axes do not fit the arguments or the results, or differ in size.

    Examples
    --------
    >>> import numpy as np
    >>> import kbplug.array_api as xp
    >>> xp.vmap(lambda a, b: xp.sum(a * b), in_axes=(0, None))(np.eye(2), np.array([1.0, 2.0])).tolist()
    [1.0, 2.0]
    """

    @functools.wraps(fun)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        axes = tuple(in_axes) if isinstance(in_axes, tuple | list) else (in_axes,) * len(args)
        if len(axes) != len(args):
            raise ArgumentError(f"vmap has {len(axes)} axes for {len(args)} arguments; give one each, or one for all.")
        leaves, form = flatten((args, kwargs), is_number)
        places = [axis for i, a in enumerate(args) for axis in spread(axes[i], flatten(a, is_number)[1])]
        places += [0] * (len(leaves) - len(places))
        over = {i: axis for i, axis in enumerate(places) if axis is not None}
        returned: list[Any] = []

        def step(*elements: Tensor) -> tuple[list[Any], list[Tensor]]:
            given = dict(zip(over, elements, strict=True))
            own = [given.get(i, leaf) for i, leaf in enumerate(leaves)]
            positional, named = unflatten(form, iter(own))
            found, result = flatten(fun(*positional, **named), is_number)
            returned.append(result)
            return [], [tensor(f) for f in found]

        _, stacked = fold_over(step, [], _rows([leaves[i] for i in over], list(over.values())))
        targets = spread(out_axes, returned[-1])
        return unflatten(returned[-1], iter([_moved(s, t) for s, t in zip(stacked, targets, strict=True)]))

    return jit(mapped)


def _rows(leaves: list[Any], axes: list[int]) -> list[Tensor]:
    """Return what is gone over with its axis in front."""
    if not leaves:
        raise ArgumentError("vmap needs an axis for at least one argument.")
    tensors = [tensor(leaf) for leaf in leaves]
    for t, axis in zip(tensors, axes, strict=True):
        if not -t.ndim <= axis < t.ndim:
            raise ArgumentError(f"vmap maps over axis {axis}, which {t.spec} has not; its axis may be None.")
    sizes = {n for t, axis in zip(tensors, axes, strict=True) if (n := t.shape[axis]) is not None}
    if len(sizes) > 1:
        raise ArgumentError(f"vmap maps over axes of one size, not of {' and '.join(map(str, sorted(sizes)))}.")
    return [xp.moveaxis(t, axis, 0) for t, axis in zip(tensors, axes, strict=True)]


def _moved(stacked: Tensor, axis: int | None) -> Tensor:
    """Return a result with its first axis where it is wanted."""
    if axis is None:
        raise ArgumentError("vmap gives every result the axis; out_axes says where, and None is nowhere.")
    moved: Tensor = xp.moveaxis(stacked, 0, axis)
    return moved


def spread(axes: Any, form: Any) -> list[int | None]:
    """Return an axis for each leaf of a form: ``axes`` is one for all of them, or a tree that begins like it."""
    if axes is None or isinstance(axes, int):
        return [axes] * _leaves(form)
    parts = form[-1] if form != LEAF and form[0] not in ("number", "static") else ()
    if isinstance(axes, dict) and parts and form[0] is dict and set(axes) == set(form[1]):
        axes = [axes[key] for key in form[1]]
    if not isinstance(axes, tuple | list) or len(axes) != len(parts):
        raise ArgumentError(f"vmap cannot tell which arrays the axes {axes!r} belong to; give one for each.")
    return [axis for own, part in zip(axes, parts, strict=True) for axis in spread(own, part)]


def _leaves(form: Any) -> int:
    if form == LEAF:
        return 1
    return 0 if form[0] in ("number", "static") else sum(map(_leaves, form[-1]))


__all__ = ["vmap"]
