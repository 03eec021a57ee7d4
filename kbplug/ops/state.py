"""Reading cells: the only way state enters a graph."""

from __future__ import annotations

from typing import Any, Protocol

from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import primitive


class CellLike(Protocol):
    """What a graph knows of a cell: its spec and its name; the value belongs to the runtime."""

    spec: Spec
    name: str


@primitive()
def read(*, cell: Any) -> Spec:
    """The value of a cell when the call begins."""
    spec: Spec = cell.spec
    return spec


@primitive("stop_gradient", traits=("alias", "elementwise"))
def stop_gradient(x: Spec, /) -> Spec:
    """``x``, through which no gradient flows."""
    return x


@stop_gradient.implement
def _(xp: Any, x: Any, /) -> Any:
    return x


@stop_gradient.derive
def _(g: Tensor, y: Tensor, x: Tensor) -> tuple[None]:
    return (None,)


@primitive("print", traits=("alias", "effect"))
def print_(x: Spec, /, *, message: str = "") -> Spec:
    """``x``, printed with a message whenever it is computed."""
    return x


@print_.implement
def _(xp: Any, x: Any, /, *, message: str = "") -> Any:
    print(message, x)
    return x


@print_.derive
def _(g: Tensor, y: Tensor, x: Tensor, message: str) -> tuple[Tensor]:
    return (g,)
