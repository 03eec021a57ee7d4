"""Arguments and results that hold arrays in tuples, lists and dicts: taken apart and put together again."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any

Form = Hashable
"""What a tree is without its leaves, comparable."""

LEAF = "leaf"


def flatten(tree: Any, is_leaf: Callable[[Any], bool]) -> tuple[list[Any], Form]:
    """Return the leaves of a tree, in order, and its form; whatever is no leaf and no container is part of the form.

    Parameters
    ----------
    tree
        Tuples, named tuples, lists and dicts, nested.
    is_leaf
        What counts as an array.
    """
    leaves: list[Any] = []
    return leaves, _form(tree, is_leaf, leaves)


def _form(tree: Any, is_leaf: Callable[[Any], bool], leaves: list[Any]) -> Form:
    if is_leaf(tree):
        leaves.append(tree)
        return LEAF
    if isinstance(tree, tuple | list):
        return (type(tree), tuple([_form(t, is_leaf, leaves) for t in tree]))
    if isinstance(tree, dict):
        return (dict, tuple(tree), tuple([_form(t, is_leaf, leaves) for t in tree.values()]))
    if type(tree) in (float, complex):  # 0.0 equals -0.0, and NaN nothing; their texts tell them apart
        return ("number", type(tree), repr(tree))
    return ("static", type(tree), tree)


def unflatten(form: Any, leaves: Iterator[Any]) -> Any:
    """Return the tree of a form with the next of ``leaves`` at each leaf."""
    if form == LEAF:
        return next(leaves)
    if form[0] == "number":
        return form[1](form[2])
    if form[0] == "static":
        return form[2]
    if form[0] is dict:
        return dict(zip(form[1], [unflatten(f, leaves) for f in form[2]], strict=True))
    parts = [unflatten(f, leaves) for f in form[1]]
    return form[0](*parts) if hasattr(form[0], "_fields") else form[0](parts)


def bare(form: Any) -> Form:
    """Return a form with None for whatever is no array."""
    if form == LEAF:
        return LEAF
    if form[0] in ("number", "static"):
        return ("static", type(None), None)
    return (*form[:-1], tuple([bare(f) for f in form[-1]]))
