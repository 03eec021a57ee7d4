"""What an op is: one object with a signature, one line of documentation and up to three rules. Knows no op by name."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from kbplug.errors import ArgumentError, OpError, did_you_mean
from kbplug.graph.spec import Spec

if TYPE_CHECKING:
    from kbplug.graph.tensor import Tensor

Params = Mapping[str, Any]
Specs = Spec | tuple[Spec, ...]


class Zero(enum.Enum):
    """The derivative that is zero wherever it exists, declared rather than guessed."""

    ZERO = "zero"


ZERO = Zero.ZERO
Vjp = Callable[..., tuple[Any, ...]] | Zero | None

_ARRAYS = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)


class Op:
    """One operation on arrays.

    Arrays travel as positional-only arguments, everything else as keywords; that one convention
    serves inference, lowering, derivatives, kernels and the emitted code alike.

    Attributes
    ----------
    name
        The name in the Array API standard, with ``linalg.`` or ``fft.`` before it, or ours.
    signature
        Arrays positional-only (``*arrays`` for any number of them), then parameters: those before the
        ``*`` are also positional in the standard, those after it are keywords.
    doc
        One line.
    infer
        ``infer(*specs, **params)`` gives the Spec of the result, or a tuple of them.
    lower
        ``lower(xp, *arrays, **params)`` computes it over a namespace; None for names of the standard.
    vjp
        ``vjp(g, y, *arrays, **params)`` gives a cotangent per array; ``ZERO``; or None: no derivative declared.
    traits
        ``elementwise``; ``composite``; ``complex body``: real operands need no ``lower``; ``alias``: the result may
        share memory; ``sized``: each None in the parameter ``shape`` is filled by one of the last operands;
        ``sequence``: the standard takes the arrays as one list; ``nameless``: and its positional parameters without
        their names; ``tuple``: several results, even if there is one; ``random``; ``effect``: must run though nothing
        uses it.
    chapter
        The module of ``kbplug.ops`` that declares it.
    promotes
        Given the number of operands, the positions of those that are cast to their common dtype first.
    arrays
        Names of the arrays, without the variadic one.
    positional
        Parameters that the standard takes by position, after the arrays.
    """

    __slots__ = (
        "_defaults",
        "_required",
        "_variadic",
        "arrays",
        "chapter",
        "doc",
        "infer",
        "lower",
        "name",
        "positional",
        "promotes",
        "signature",
        "traits",
        "vjp",
    )

    def __init__(
        self,
        name: str,
        signature: inspect.Signature,
        *,
        doc: str,
        infer: Callable[..., Specs],
        lower: Callable[..., Any] | None = None,
        vjp: Vjp = None,
        traits: Iterable[str] = (),
        chapter: str = "",
        promotes: Callable[[int], Iterable[int]] | None = None,
    ) -> None:
        self.name, self.signature, self.doc = name, signature, doc
        self.infer, self.lower, self.vjp = infer, lower, vjp
        self.traits, self.chapter, self.promotes = frozenset(traits), chapter, promotes
        parameters = signature.parameters.values()
        self.arrays = tuple(p.name for p in parameters if p.kind is inspect.Parameter.POSITIONAL_ONLY)
        self._variadic = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters)
        self._required = sum(p.kind is _ARRAYS[0] and p.default is p.empty for p in parameters)
        self._defaults = {p.name: p.default for p in parameters if p.kind not in _ARRAYS}
        self.positional = tuple(p.name for p in parameters if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD)

    @property
    def derivative(self) -> str:
        """How a gradient passes: ``"rule"``, ``"zero"``, ``"composite"`` (read off the body) or ``"none"``."""
        if self.vjp is ZERO:
            return "zero"
        if self.vjp is not None:
            return "rule"
        return "composite" if "composite" in self.traits else "none"

    def derive(self, rule: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
        """Attach ``rule`` as the derivative; a decorator."""
        self.vjp = rule
        return rule

    def implement(self, lower: Callable[..., Any]) -> Callable[..., Any]:
        """Attach ``lower`` as the body over an array namespace; a decorator."""
        self.lower = lower
        return lower

    def bind(self, operands: tuple[Any, ...], params: Params) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the operands that are present and the full parameters; an absent optional operand stands as None.

        Raises
        ------
        ArgumentError
            If operands are missing or too many, or a parameter is unknown or missing.
        """
        count = len(operands)
        if count < self._required or (count > len(self.arrays) and not self._variadic):
            raise ArgumentError(f"{self.name} takes the arrays {self._usage()}, but was given {count}.")
        full: dict[str, Any] = {**self._defaults, **params}
        if len(full) != len(self._defaults):
            unknown = next(k for k in params if k not in self._defaults)
            raise ArgumentError(f"{self.name} has no parameter {unknown!r}.{did_you_mean(unknown, self._defaults)}")
        for key, value in full.items():
            if value is inspect.Parameter.empty:
                raise ArgumentError(f"{self.name} needs the parameter {key!r}.")
        if count < len(self.arrays) or any([o is None for o in operands]):
            for i, operand in enumerate(operands):
                if operand is None and not self._required <= i < len(self.arrays):
                    raise ArgumentError(f"{self.name} was given None as operand {i}; give an array or a number.")
            padded = operands + (None,) * (len(self.arrays) - count)
            full.update({n: None for n, o in zip(self.arrays, padded, strict=False) if o is None})
            operands = tuple(o for o in operands if o is not None)
        return operands, full

    def arrange(self, inputs: Iterable[Any], params: Params) -> tuple[list[Any], dict[str, Any]]:
        """Undo ``bind``: every array in its place with None for the absent ones, and the parameters alone."""
        if self._required == len(self.arrays) or params.keys().isdisjoint(self.arrays):
            return list(inputs), dict(params)
        rest = iter(inputs)
        absent = [n for n in self.arrays if n in params]
        placed = [None if n in params else next(rest, None) for n in self.arrays]
        return placed + list(rest), {k: v for k, v in params.items() if k not in absent}

    def _usage(self) -> str:
        bare = [p.replace(annotation=p.empty) for p in self.signature.parameters.values()]
        return str(inspect.Signature(bare)).split("*,")[0].rstrip(", /)") + ")"

    def __call__(self, *operands: Any, **params: Any) -> Tensor:
        """Return the lazy result of this op on tensors, arrays or Python scalars."""
        from kbplug.graph.tensor import apply  # a Tensor needs ops for its operators, an Op needs Tensors to be called

        return apply(self, operands, params)

    def __repr__(self) -> str:
        return f"<op {self.name}>"


REGISTRY: dict[str, Op] = {}
"""Every op by name; filled as the chapters of ``kbplug.ops`` are imported."""


def register(op: Op) -> Op:
    """Enter ``op`` under its name, once.

    Raises
    ------
    OpError
        If the name is taken.
    """
    if op.name in REGISTRY:
        raise OpError(f"The op {op.name!r} is declared twice: in {REGISTRY[op.name].chapter} and in {op.chapter}.")
    REGISTRY[op.name] = op
    return op


def lookup(name: str) -> Op:
    """Return the op called ``name``.

    Raises
    ------
    OpError
        If there is none, with the nearest name.
    """
    try:
        return REGISTRY[name]
    except KeyError:
        raise OpError(f"There is no op {name!r}.{did_you_mean(name, REGISTRY)}") from None
