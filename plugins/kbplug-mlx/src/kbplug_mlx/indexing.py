"""An index by one mask, which MLX does not take: the places where it is true are looked up first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mlx.core as mx

from kbplug.graph.index import ARRAY, Template
from kbplug.graph.op import lookup
from kbplug_mlx import namespace

Array = Any


def _by_places(name: str, given: int) -> Callable[..., Array]:
    """Return the op called ``name``, whose operands are an array, ``given`` others, and those of its index."""

    def kernel(x: Array, *operands: Array, index: Template) -> Array:
        body = lookup(name).lower
        assert body is not None  # each op with an index has one
        if index != (ARRAY,) or operands[-1].dtype != mx.bool_:
            return body(namespace, x, *operands, index=index)
        others, mask = operands[:given], operands[-1]
        if mask.ndim:
            return body(namespace, x, *others, *namespace.nonzero(mask), index=(ARRAY,) * mask.ndim)
        found = body(namespace, x[None], *others, *namespace.nonzero(mask[None]), index=index)
        return found[0] if given else found

    return kernel


KERNELS = {name: _by_places(name, given) for name, given in (("getitem", 0), ("setitem", 1), ("scatter_add", 1))}
