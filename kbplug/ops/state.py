"""Reading cells: the only way state enters a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from kbplug.graph.node import Node
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import primitive


class CellLike(Protocol):
    """What a graph knows of a cell: its spec, its name, and how a call that reads it moves it on, if one does."""

    spec: Spec
    name: str
    advance: Callable[[Tensor], Tensor] | None


@primitive()
def read(*, cell: CellLike) -> Spec:
    """The value of a cell when the call begins."""
    return cell.spec


def moves(node: Node) -> bool:
    """Return whether ``node`` reads a cell that every reading call moves on: the state of a random stream."""
    return node.op is read and node.params["cell"].advance is not None


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
