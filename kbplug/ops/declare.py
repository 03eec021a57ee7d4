"""How an op is declared: a row of a table, a ``primitive`` or a ``composite``. The forms, and no op."""

from __future__ import annotations

import functools
import inspect
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from kbplug.dtypes import ALL, BOOL, COMPLEX, FLOATING, INTEGER, NUMERIC, REAL, REAL_FLOATING, real_of
from kbplug.errors import DTypeError, OpError
from kbplug.graph.graph import Graph
from kbplug.graph.node import Node, parameter, params_key
from kbplug.graph.op import ZERO, Op, Specs, Vjp, register
from kbplug.graph.spec import Spec, broadcast
from kbplug.graph.tensor import Tensor, tensor

__all__ = [
    "ALL",
    "BOOL",
    "BOOL_OR_INT",
    "COMPLEX",
    "FLOAT",
    "INTEGER",
    "NUMERIC",
    "REAL",
    "REAL_FLOAT",
    "ZERO",
    "accept",
    "binary",
    "composite",
    "decompose",
    "primitive",
    "ternary",
    "unary",
]

FLOAT = FLOATING
REAL_FLOAT = REAL_FLOATING
BOOL_OR_INT = BOOL + INTEGER

Row = tuple[Any, ...]


def accept(name: str, accepted: Sequence[str], *specs: Spec | None) -> None:
    """Raise a DTypeError naming op and dtype unless every spec has one of the ``accepted`` dtypes."""
    for spec in specs:
        if spec is not None and spec.dtype not in accepted:
            raise DTypeError(f"{name} is not defined for {spec.dtype}; it takes {_group(accepted)}. Cast first.")


def _group(accepted: Sequence[str]) -> str:
    names = {
        FLOATING: "real or complex floating-point numbers",
        REAL_FLOATING: "real floating-point numbers",
        COMPLEX: "complex numbers",
        INTEGER: "integers",
        BOOL: "booleans",
        BOOL_OR_INT: "booleans or integers",
        REAL: "real numbers",
        NUMERIC: "numbers",
    }
    return names.get(tuple(accepted), ", ".join(accepted))


def _same(dtype: str) -> str:
    return dtype


def _bool(dtype: str) -> str:
    return "bool"


RESULTS: dict[str, Callable[[str], str]] = {"same": _same, "bool": _bool, "real": real_of}


def unary(*rows: Row, result: str = "same", chapter: str | None = None, traits: Iterable[str] = ()) -> None:
    """Declare elementwise ops of one array, a row each: name, accepted dtypes, line, derivative[, lowering].

    A derivative is ``lambda g, y, x: (cotangent,)``, with ``g`` the gradient and ``y`` the result; ``ZERO``; or
    None. A lowering is ``f(xp, x)``; a name of the standard needs none. ``result`` says the dtype of the
    result: ``"same"``, ``"bool"`` or ``"real"`` (of a complex).
    """
    _table(inspect.signature(lambda x, /: None), rows, result, chapter, traits)


def binary(*rows: Row, result: str = "same", chapter: str | None = None) -> None:
    """Declare elementwise ops of two arrays, as ``unary`` does; the walk undoes broadcasting."""
    _table(inspect.signature(lambda x1, x2, /: None), rows, result, chapter)


def ternary(*rows: Row, result: str = "same", chapter: str | None = None) -> None:
    """Declare elementwise ops of three arrays, as ``binary`` does."""
    _table(inspect.signature(lambda x1, x2, x3, /: None), rows, result, chapter)


def _table(
    signature: inspect.Signature, rows: Iterable[Row], result: str, chapter: str | None, traits: Iterable[str] = ()
) -> None:
    # inspect.stack() would read the source of every frame and look for it in all modules, which TensorFlow loads there.
    chapter = chapter or _chapter(sys._getframe(2).f_globals["__name__"])
    for name, accepted, doc, vjp, *lower in rows:
        register(
            Op(
                name,
                signature,
                doc=doc,
                infer=functools.partial(_infer_elementwise, name, accepted, RESULTS[result]),
                lower=lower[0] if lower else None,
                vjp=vjp,
                traits=("elementwise", *traits),
                chapter=chapter,
                promotes=range,
            )
        )


def _infer_elementwise(name: str, accepted: Sequence[str], result: Callable[[str], str], *specs: Spec) -> Spec:
    accept(name, accepted, *specs)
    return Spec(broadcast(*[s.shape for s in specs]), result(specs[0].dtype))


def _chapter(module: str) -> str:
    return module.removeprefix("kbplug.ops.")


def primitive(
    name: str | None = None,
    *,
    promotes: Callable[[int], Iterable[int]] | None = None,
    traits: Iterable[str] = (),
    vjp: Vjp = None,
) -> Callable[[Callable[..., Specs]], Op]:
    """Declare an op whose function is its inference rule: Specs and parameters in, Spec or tuple of Specs out.

    Derivative and body are attached after it with ``@op.derive`` and ``@op.implement``; an op whose name is
    in the standard needs no body.

    Parameters
    ----------
    name
        Its name; the function's by default.
    promotes
        From the number of operands, the positions cast to a common dtype first: ``range`` for all.
    traits
        As in ``Op``.
    vjp
        ``ZERO`` where the derivative is declared zero.
    """

    def declare(infer: Callable[..., Specs]) -> Op:
        return register(
            Op(
                name or infer.__name__,
                inspect.signature(infer),
                doc=_first_line(infer),
                infer=infer,
                vjp=vjp,
                traits=traits,
                chapter=_chapter(infer.__module__),
                promotes=promotes,
            )
        )

    return declare


def composite(
    name: str | None = None,
    *,
    promotes: Callable[[int], Iterable[int]] | None = None,
    traits: Iterable[str] = (),
) -> Callable[[Callable[..., Any]], Op]:
    """Declare an op by a body over a namespace, ``f(xp, *arrays, **params)``, which gives Spec and gradient too."""

    def declare(lower: Callable[..., Any]) -> Op:
        parameters = list(inspect.signature(lower).parameters.values())[1:]
        op = Op(
            name or lower.__name__,
            inspect.Signature(parameters),
            doc=_first_line(lower),
            infer=lambda *specs, **params: _infer_composite(op, specs, params),
            lower=lower,
            traits=("composite", *traits),
            chapter=_chapter(lower.__module__),
            promotes=promotes,
        )
        return register(op)

    return declare


def _first_line(function: Callable[..., Any]) -> str:
    if not function.__doc__:
        raise OpError(f"The op {function.__name__!r} has no documentation; its first line is shown to users.")
    return function.__doc__.strip().splitlines()[0]


def _infer_composite(op: Op, specs: tuple[Spec | None, ...], params: dict[str, Any]) -> Specs:
    outputs = decompose(op, specs, params).outputs
    return outputs[0].spec if len(outputs) == 1 else tuple(o.result for o in outputs)


_decompositions: OrderedDict[Any, Graph] = OrderedDict()
_REMEMBERED = 4096


def decompose(op: Op, specs: Sequence[Spec | None], params: dict[str, Any]) -> Graph:
    """Return a composite's body as a graph over operands of ``specs``; None stands for an absent operand."""
    key = (op, tuple(specs), params_key(params))
    found = _decompositions.get(key)
    if found is None:
        found = _decompositions[key] = _read_body(op, specs, params)
        if len(_decompositions) > _REMEMBERED:
            _decompositions.popitem(last=False)
    return found


def decomposition(node: Node) -> Graph:
    """Return the body of a composite's node as a graph over its operands."""
    placed, params = node.op.arrange([i.result for i in node.inputs], node.params)
    return decompose(node.op, placed, params)


def _read_body(op: Op, specs: Sequence[Spec | None], params: dict[str, Any]) -> Graph:
    from kbplug.ops.namespace import namespace  # the namespace is made of ops

    present = [s for s in specs if s is not None]
    formal = [parameter(i, s) for i, s in enumerate(present)]
    rest = iter(formal)
    arguments = [None if s is None else Tensor(next(rest)) for s in specs]
    returned = cast(Callable[..., Any], op.lower)(namespace, *arguments, **params)
    results = returned if isinstance(returned, tuple | list) else (returned,)
    return Graph(formal, [tensor(r).node for r in results])
