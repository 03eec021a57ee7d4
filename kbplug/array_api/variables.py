"""What a function is derived by: its arguments, which placeholders of its own stand for until the result is there.

So it is derived by an argument and by nothing else that holds the same tensor, and a derivative within a derivative
stays apart from the one around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kbplug.array_api.foreign import is_array
from kbplug.array_api.trees import bare, flatten, unflatten
from kbplug.dtypes import is_floating, rank
from kbplug.errors import ArgumentError
from kbplug.graph.graph import substitute
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor, call_site, tensor
from kbplug.ops.namespace import namespace as xp


def is_number(value: Any) -> bool:
    """Say whether a value is an array or a Python number."""
    return isinstance(value, int | float | complex) or is_array(value)


def is_variable(value: Any) -> bool:
    """Say whether a value can vary continuously, be it an array or a Python float; integers are mostly axes."""
    return type(value) in (float, complex) or is_array(value)


def tensors(tree: Any, is_leaf: Callable[[Any], bool] = is_variable) -> tuple[list[Tensor], Any]:
    """Return what varies in a tree as tensors, and the form of the tree."""
    leaves, form = flatten(tree, is_leaf)
    return [tensor(leaf) for leaf in leaves], form


class Variables:
    """What a function is derived by: placeholders, and the arguments that they stand for.

    Parameters
    ----------
    trees
        The arguments.
    is_leaf
        What in them is derived by.

    Attributes
    ----------
    fresh
        The placeholders, in order.
    forms
        The form of each argument.
    """

    def __init__(self, trees: Iterable[Any], is_leaf: Callable[[Any], bool] = is_variable) -> None:
        where = call_site()
        self._real, (_, self.forms) = tensors(tuple(trees), is_leaf)
        self.fresh = [Tensor(placeholder(r.spec, where=where)) for r in self._real]

    def trees(self) -> tuple[Any, ...]:
        """Return the arguments with handles of their own on the placeholders, as an assignment rebinds a handle."""
        handles = iter([Tensor(f.node) for f in self.fresh])
        return tuple([unflatten(form, handles) for form in self.forms])

    def like(self, rows: Iterable[Tensor | None]) -> list[Any]:
        """Return a row for each placeholder in the form of the arguments; zeros where there is none."""
        full = iter([xp.zeros_like(w) if r is None else r for r, w in zip(rows, self.fresh, strict=True)])
        return [unflatten(bare(form), full) for form in self.forms]

    def placed(self, tree: Any) -> Any:
        """Return a tree of results with the arguments in the place of the placeholders."""
        leaves, form = flatten(tree, lambda leaf: isinstance(leaf, Tensor))
        real = {f.node: r.node for f, r in zip(self.fresh, self._real, strict=True)}
        return unflatten(form, map(Tensor, substitute([t.node for t in leaves], real)))


def matching(tree: Any, beside: Sequence[Tensor], what: str, whose: str) -> list[Tensor]:
    """Return the vectors given for ``beside``, if there is one of its shape and kind for each."""
    found = tensors(tree)[0]
    if len(found) != len(beside) or not all(_fits(f.spec, b.spec) for f, b in zip(found, beside, strict=True)):
        given, wanted = (", ".join(str(t.spec) for t in vectors) or "none" for vectors in (found, beside))
        raise ArgumentError(f"The {what} are {given}, but {whose} are {wanted}; give one of equal shape for each.")
    return found


def _fits(given: Spec, wanted: Spec) -> bool:
    sizes = zip(given.shape, wanted.shape, strict=False)
    same = given.ndim == wanted.ndim and all(m == n or None in (m, n) for m, n in sizes)
    return (same and rank(given.dtype) <= rank(wanted.dtype)) or not is_floating(wanted.dtype)


__all__ = ["Variables", "is_number", "is_variable", "matching", "tensors"]
