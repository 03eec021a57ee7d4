"""Vector-Jacobian products with random vectors, and their comparison with finite differences. Knows no op by name."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kbplug.autodiff import vjp
from kbplug.dtypes import is_floating
from kbplug.engine import Engine
from kbplug.graph.tensor import Tensor
from kbplug.testing.application import GROUND, Application, HostArray, fitting, function, run
from kbplug.testing.differences import assert_slope, slope


class Product(NamedTuple):
    """A vector-Jacobian product with random cotangents.

    Attributes
    ----------
    application
        The product as a function of operands and cotangents, so that it can be differentiated again.
    rows
        Its results by the position of the operand that each belongs to; None where nothing flows.
    cotangents
        The random values, one for each floating result.
    """

    application: Application
    rows: dict[int, Tensor | None]
    cotangents: tuple[HostArray, ...]


def product(found: Application, name: str) -> Product | None:
    """Return the vector-Jacobian product of an application, or None where no floating result meets a floating operand.

    Parameters
    ----------
    found
        What to differentiate.
    name
        Seeds the random cotangents.
    """
    flowing, places = floating_results(found), floating_operands(found)
    if not flowing or not places:
        return None
    random = np.random.default_rng(zlib.crc32(name.encode()))
    cotangents = tuple(_noise(random, y) for y in run(found.inputs, flowing, found.values, GROUND))
    given = tuple(fitting(c, hidden=None in t.shape) for c, t in zip(cotangents, flowing, strict=True))
    rows = dict(zip(places, vjp(flowing, given, [found.inputs[i] for i in places]), strict=True))
    present = tuple(row for row in rows.values() if row is not None)
    application = Application((*found.inputs, *given), present, (*found.values, *cotangents))
    return Product(application, rows, cotangents)


def floating_results(found: Application) -> list[Tensor]:
    """Return the results that a gradient can flow from."""
    return [t for t in found.outputs if is_floating(t.dtype)]


def floating_operands(found: Application) -> list[int]:
    """Return the positions of the operands that a gradient can flow to."""
    return [i for i, t in enumerate(found.inputs) if is_floating(t.dtype)]


def _noise(random: np.random.Generator, like: HostArray) -> HostArray:
    noise = random.normal(size=like.shape)
    return np.asarray(noise + 1j * random.normal(size=like.shape) if like.dtype.kind == "c" else noise, like.dtype)


def levels(found: Application, name: str, order: int) -> list[Application]:
    """Return an application, its vector-Jacobian product, the product of that, and so on up to ``order``."""
    chain = [found]
    while len(chain) <= order:
        following = product(chain[-1], name)
        if following is None or not following.application.outputs:
            break
        chain.append(following.application)
    return chain


def check_product(found: Application, given: Product, engine: str | Engine, what: str) -> None:
    """Raise unless a product computed on ``engine`` is what differences on the NumPy engine say."""
    forward = function(found.inputs, floating_results(found), GROUND)

    def loss(values: Sequence[HostArray]) -> float:
        """The real part of the cotangents' inner product with the results: what the product is the gradient of."""
        return sum(float(np.vdot(c, y).real) for c, y in zip(given.cotangents, forward(values), strict=True))

    results = iter(run(*given.application, engine))
    for position, row in given.rows.items():
        x = found.values[position]
        actual = np.zeros_like(x) if row is None else next(results)
        about = f"{what} by operand {position}"
        assert actual.dtype == x.dtype, f"{about} is {actual.dtype}, but the operand {x.dtype}."
        assert actual.shape == x.shape, f"{about} has the shape {actual.shape}, but the operand {x.shape}."
        assert_slope(actual, slope(loss, found.values, position), about)
