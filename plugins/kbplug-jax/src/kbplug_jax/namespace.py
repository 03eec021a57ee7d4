"""``jax.numpy``, and the cipher of kbplug's portable random numbers as JAX has it."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax.extend.random import threefry_2x32
from jax.numpy import *  # noqa: F403

Array = Any


def threefry2x32(key: Array, count: Array, /) -> Array:
    """Return two 32-bit words, as int64, for each pair of counts; the counts have shape (2, n)."""
    words = threefry_2x32(key.astype(jnp.uint32), count.reshape(-1).astype(jnp.uint32))
    return words.reshape(count.shape).astype(jnp.int64)


def __getattr__(name: str) -> Any:
    return getattr(jnp, name)
