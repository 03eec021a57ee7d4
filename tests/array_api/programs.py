"""Random straight-line programs in the words of the standard, each run on NumPy, line by line, as it is drawn.

NumPy's values choose what fits next: shapes that broadcast, indices in bounds, divisors other than zero. Nothing that
the standard leaves undefined is drawn. NumPy's result of every line is copied, since kbplug has no views: after
``y = x[1:]; y[0] = 5`` its ``x`` is what it was. No line gives one array two names.
"""

from __future__ import annotations

import linecache
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import array_api_compat.numpy as eager
import numpy as np
from hypothesis import strategies as st

from array_api import indices
from kbplug.testing.application import quiet

SHAPES = ((2, 3), (2, 3), (3,), (3, 3), (2, 1), (1, 3), (4,), (), (2, 2, 3), (0, 3))
DTYPES = (*("float64",) * 5, "float32", "float32", "int64", "int64", "int8", "uint8", "bool", "bool", "complex128")
NUMBERS = (0.0, 1.0, -1.5, 0.25, 3.0, -2.0, 2.5, 0.5)
SPECIAL = (*NUMBERS, float("nan"), float("inf"), -float("inf"))
LARGEST = 200
"""Results of more elements are thrown away."""


@dataclass
class Program:
    """A program, and what it comes to on NumPy.

    Attributes
    ----------
    inputs
        What ``v0``, ``v1`` and so on begin with.
    lines
        One assignment each, to a new name, to part of an old one, or in place.
    values
        What each name holds in the end.
    returned
        The names that the program returns.
    """

    inputs: list[Any]
    lines: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    returned: list[str] = field(default_factory=list)

    @property
    def source(self) -> str:
        """The program as a function of a namespace and its inputs."""
        names = ", ".join(["xp", *(f"v{i}" for i in range(len(self.inputs)))])
        body = [*self.lines, f"return ({', '.join(self.returned)},)"]
        return "\n    ".join([f"def program({names}):", *body]) + "\n"

    def function(self) -> Callable[..., Any]:
        """Return the program as Python's function, its lines known to tracebacks."""
        file, scope = f"<program {zlib.crc32(self.source.encode())}>", {}
        linecache.cache[file] = (len(self.source), None, self.source.splitlines(True), file)
        exec(compile(self.source, file, "exec"), scope)
        return scope["program"]

    def __repr__(self) -> str:
        return f"\n{self.source}of {self.inputs}"


@st.composite
def programs(draw: st.DrawFn, *, steps: int = 12) -> Program:
    """Draw a program of up to ``steps`` lines that returns all its names or a few."""
    inputs = draw(st.lists(arrays(), min_size=1, max_size=3))
    program = Program(inputs, values={f"v{i}": a.copy() for i, a in enumerate(inputs)})
    for _ in range(draw(st.sampled_from((steps, steps // 2, steps // 4)))):
        line = draw(st.sampled_from(MOVES))(draw, program)
        if line is not None:
            _run(program, line)
    names = list(program.values)
    few = st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True)
    program.returned = draw(st.one_of(st.just(names), few))  # what is not returned may be left out or fused
    return program


@st.composite
def arrays(draw: st.DrawFn) -> Any:
    """Draw a small array; one in four of its kind holds NaN and infinities."""
    shape, dtype = draw(st.sampled_from(SHAPES)), draw(st.sampled_from(DTYPES))
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    if np.dtype(dtype).kind in "fc":
        numbers = draw(st.sampled_from((NUMBERS, NUMBERS, NUMBERS, SPECIAL)))
        return np.asarray(random.choice(numbers, shape)).astype(dtype)
    return np.asarray(random.integers(0 if dtype[0] == "u" else -3, 4, shape)).astype(dtype)


def _run(program: Program, line: str) -> None:
    """Add a line, with its value by NumPy; a line that begins with no name gets a new one."""
    scope = {n: v.copy() for n, v in program.values.items()}
    if line.startswith("xp.") or not _assigns(line):
        line = f"v{len(scope)} = {line}"
    with quiet():
        exec(line, {"xp": eager}, scope)
    name = line.partition(" ")[0].partition("[")[0]
    found = np.array(scope[name])
    if found.size <= LARGEST:
        program.values[name] = found
        program.lines.append(line)


def _assigns(line: str) -> bool:
    return any(f" {o}= " in line for o in ("", *"+-*/&|^@", "//", "%", "**", "<<", ">>"))


def exact(a: Any) -> bool:
    """Say whether no order of arithmetic would round ``a`` otherwise: short dyadic numbers, NaN and infinities."""
    finite = a[np.isfinite(a)]
    return a.dtype.kind not in "fc" or bool(np.all((np.abs(finite) < 2**8) & (finite * 64 == np.round(finite * 64))))


def pick(draw: st.DrawFn, program: Program, fits: Callable[[Any], bool] = lambda a: True) -> str | None:
    """Return the name of a value that fits, the last ones more often; None if there is none."""
    names = [n for n, a in program.values.items() if fits(a)]
    return draw(st.one_of(st.sampled_from(names[-3:]), st.sampled_from(names))) if names else None


def of(kinds: str, *, sharp: bool = False) -> Callable[[Any], bool]:
    """Return a test for dtypes of some kinds; where a jump could turn rounding into a difference, for exact values."""
    return lambda a: a.dtype.kind in kinds and (not sharp or exact(a))


def scalar(draw: st.DrawFn, a: Any) -> str:
    """Return a Python number that an array takes beside it without a change of dtype."""
    whole = ("0", "1", "2", "3", *(() if a.dtype.kind == "u" else ("-1", "-2")))
    real = (*whole, "0.5", "-1.5", "2.0")
    found = {"b": ("True", "False"), "f": real, "c": (*real, "1j", "(1-2j)")}.get(a.dtype.kind, whole)
    return draw(st.sampled_from(found))


def _partner(draw: st.DrawFn, program: Program, a: Any, kinds: str, *, sharp: bool = False) -> str:
    """Return a second operand: an array that broadcasts and whose promotion is defined, or a number."""

    def fits(b: Any) -> bool:
        return of(kinds, sharp=sharp)(b) and _promotes(a, b) and _broadcast(a.shape, b.shape) is not None

    return (draw(st.booleans()) and pick(draw, program, fits)) or scalar(draw, a)


def _promotes(a: Any, b: Any) -> bool:
    kinds = {a.dtype.kind, b.dtype.kind}
    return len(kinds) == 1 or kinds == {"f", "c"} or (kinds == {"i", "u"} and "uint64" not in (a.dtype, b.dtype))


def _broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...] | None:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


UNARY = {
    "abs positive negative square": "iufc",
    "conj": "fc",
    "real": "fc",
    "imag": "c",
    "exp sin cos tanh atan sinh asinh log1p": "f",
    "sqrt reciprocal": "fc",
    "logical_not": "b",
    "bitwise_invert": "biu",
    "zeros_like ones_like matrix_transpose": "biufc",
}
SHARP = {"floor ceil trunc round": "iuf", "sign": "iuf", "isnan isfinite isinf": "iufc", "signbit": "f"}
BINARY = {
    "add subtract multiply": "iufc",
    "divide": "fc",
    "maximum minimum": "iuf",
    "atan2 hypot logaddexp": "f",
    "logical_and logical_or logical_xor": "b",
    "bitwise_and bitwise_or bitwise_xor": "biu",
}
COMPARISONS = {"equal not_equal": "biufc", "less less_equal greater greater_equal": "iuf", "copysign": "f"}


def _spread(table: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, kinds) for names, kinds in table.items() for name in names.split()]


def unary(draw: st.DrawFn, program: Program) -> str | None:
    """Return an elementwise function of one array, or an operator."""
    sharp = draw(st.booleans())
    name, kinds = draw(st.sampled_from(_spread(SHARP if sharp else UNARY)))
    deep = name == "matrix_transpose"
    x = pick(draw, program, lambda a: of(kinds, sharp=sharp)(a) and a.ndim >= 2 * deep)
    symbol = {"negative": "-", "positive": "+", "bitwise_invert": "~"}.get(name)
    if x is None:
        return None
    if deep:
        return f"{x}.mT"
    return f"{symbol}{x}" if symbol and draw(st.booleans()) else f"xp.{name}({x})"


SYMBOLS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "floor_divide": "//", "remainder": "%"}
SYMBOLS |= {"bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^", "equal": "==", "not_equal": "!=", "less": "<"}
SYMBOLS |= {"less_equal": "<=", "greater": ">", "greater_equal": ">="}


def binary(draw: st.DrawFn, program: Program) -> str | None:
    """Return an elementwise function of two operands, one of which may be a number, or the operator."""
    sharp = draw(st.booleans())
    name, kinds = draw(st.sampled_from(_spread(COMPARISONS if sharp else BINARY)))
    x = pick(draw, program, of(kinds, sharp=sharp))
    if x is None:
        return None
    operands = [x, _partner(draw, program, program.values[x], kinds, sharp=sharp)]
    if draw(st.booleans()):
        operands.reverse()  # with a number, the reflected operator
    symbol = SYMBOLS.get(name) if draw(st.integers(0, 2)) else None
    return f" {symbol} ".join(operands) if symbol else f"xp.{name}({', '.join(operands)})"


def divided(draw: st.DrawFn, program: Program) -> str | None:
    """Return a quotient, remainder, power or shift for operands for which it is defined."""
    x = pick(draw, program, lambda a: of("iuf", sharp=True)(a) and np.all(np.isfinite(a)))
    if x is None:
        return None
    choices = [
        f"{x} // 2",
        f"{x} % 3",
        f"xp.remainder({x}, 2)",
        f"{x} ** 2",
        f"xp.pow({x}, 3)",
        f"2 // xp.maximum({x}, xp.ones_like({x}))",
    ]
    whole = [f"{x} << 1", f"{x} >> 1", f"xp.bitwise_right_shift({x}, 2)"]
    real = [f"xp.abs({x}) ** 0.5", f"2.0 ** {x}", f"{x} // -0.5", f"{x} % -2.0", f"xp.nextafter({x}, {x} + 1)"]
    return draw(st.sampled_from(choices + (real if program.values[x].dtype.kind == "f" else whole)))


def in_place(draw: st.DrawFn, program: Program) -> str | None:
    """Return an augmented assignment that keeps shape and dtype, as the standard demands."""
    x = pick(draw, program)
    a = program.values[x]
    symbols = {"b": "&|^", "f": "+-*/", "c": "+-*/"}.get(a.dtype.kind, "+-*&|^")

    def fits(b: Any) -> bool:
        same = _promotes(a, b) and np.result_type(a, b) == a.dtype
        return bool(same and _broadcast(a.shape, b.shape) == a.shape)

    y = (draw(st.booleans()) and pick(draw, program, fits)) or scalar(draw, a)
    return f"{x} {draw(st.sampled_from(symbols))}= {y}"


def reduction(draw: st.DrawFn, program: Program) -> str | None:
    """Return a reduction over no axis, one, or several."""
    name = draw(st.sampled_from("sum sum prod max min mean var std all any count_nonzero argmax argmin".split()))
    smooth = {"sum": "iufc", "prod": "iuf", "mean": "fc", "var": "f", "std": "f"}
    sharp = name not in {*smooth, "max", "min"}
    kinds = smooth.get(name, "iuf" if name in ("max", "min", "argmax", "argmin") else "biufc")
    x = pick(draw, program, lambda a: of(kinds, sharp=sharp)(a) and (a.size or name in ("sum", "prod", "all")))
    if x is None:
        return None
    n = program.values[x].ndim
    several = name in {*smooth, "max", "min", "all", "any", "count_nonzero"}
    axes = [None, *range(-n, n), *([tuple(range(n)), (0,)] if several and n else [])]
    options = [f"axis={draw(st.sampled_from(axes))}", f"keepdims={draw(st.booleans())}"]
    if name in ("var", "std") and program.values[x].size > 1:
        options = ["correction=0.5", options[1]]
    return f"xp.{name}({x}, {', '.join(options)})"


def manipulation(draw: st.DrawFn, program: Program) -> str:
    """Return another arrangement of an array's elements."""
    x = pick(draw, program)
    a = program.values[x]
    n = a.ndim
    axis = draw(st.integers(-n, n - 1)) if n else 0
    choices = [
        *(f"xp.reshape({x}, {s})" for s in ((-1,), (*a.shape, 1), a.shape[::-1]) if a.size or -1 not in s),
        f"xp.permute_dims({x}, {tuple(draw(st.permutations(range(n))))})",
        f"xp.expand_dims({x}, axis={draw(st.integers(-n - 1, n))})",
        f"xp.flip({x})",
        f"xp.roll({x}, {draw(st.integers(-3, 3))})",
        f"xp.broadcast_to({x}, {(2, *a.shape)})",
        f"xp.repeat({x}, 2)",
        f"xp.tile({x}, (2,))",
        f"xp.stack([{x}, {x}], axis={draw(st.integers(-n - 1, n))})",
        f"xp.asarray({x}, copy=True)",
    ]
    if _broadcast(a.shape, (2, 1)):
        choices.append(f"xp.broadcast_arrays({x}, xp.zeros((2, 1)))[0]")
    if n:
        choices += [f"xp.flip({x}, axis={axis})", f"xp.roll({x}, {draw(st.integers(-3, 3))}, axis={axis})"]
        choices += [f"xp.moveaxis({x}, {axis}, {draw(st.integers(-n, n - 1))})", f"xp.repeat({x}, 2, axis={axis})"]
        choices += [f"xp.concat([{x}, {x}], axis={axis})", f"xp.concat([{x}, {x}], axis=None)"]
        choices += [f"xp.unstack({x}, axis={axis})[-1]"] * bool(a.shape[axis])
        choices += [f"xp.squeeze({x}, axis={axis})"] * (a.shape[axis] == 1)
        choices += [f"xp.take({x}, xp.asarray([{a.shape[axis] - 1}, 0]), axis={axis})"] * bool(a.shape[axis])
    if n == 2:
        choices += [f"{x}.T", f"xp.tril({x})", f"xp.triu({x}, k=1)", f"xp.linalg.diagonal({x}, offset=-1)"]
    return draw(st.sampled_from(choices))


def along(draw: st.DrawFn, program: Program) -> str | None:
    """Return a function that works along an axis: sums so far, differences, orders."""
    x = pick(draw, program, lambda a: of("iuf", sharp=True)(a) and a.ndim and a.size)
    if x is None:
        return None
    axis = draw(st.integers(-program.values[x].ndim, program.values[x].ndim - 1))
    backwards, first = draw(st.booleans()), draw(st.booleans())
    choices = [
        f"xp.cumulative_sum({x}, axis={axis}, include_initial={first})",
        f"xp.cumulative_prod({x}, axis={axis}, include_initial={first})",
        f"xp.diff({x}, axis={axis})",
        f"xp.sort({x}, axis={axis}, descending={backwards})",
        f"xp.argsort({x}, axis={axis}, descending={backwards})",
        f"xp.take_along_axis({x}, xp.argsort({x}, axis={axis}), axis={axis})",
        f"xp.searchsorted(xp.asarray([0, 1, 2], dtype={x}.dtype), {x})",
        f"xp.nonzero({x})[{axis}]",
        f"xp.isin({x}, xp.asarray([0, 1], dtype={x}.dtype))",
    ]
    return draw(st.sampled_from(choices))


def product(draw: st.DrawFn, program: Program) -> str | None:
    """Return a product of two arrays with an axis in common."""
    x = pick(draw, program, lambda a: of("iufc")(a) and a.ndim)
    if x is None:
        return None
    a = program.values[x]
    y = pick(draw, program, lambda b: of("iufc")(b) and b.ndim and _promotes(a, b) and b.shape[-1:] == a.shape[-1:])
    b = program.values[y]
    choices = [f"xp.tensordot({x}, {y}, axes=((-1,), (-1,)))", *[f"xp.linalg.outer({x}, {x})"] * (a.ndim == 1)]
    if _broadcast(a.shape, b.shape) is not None:
        choices.append(f"xp.vecdot({x}, {y})")
    if b.ndim == 1:
        choices += [f"{x} @ {y}", f"xp.matmul({y}, {x}.mT)" if a.ndim > 1 else f"xp.matmul({y}, {x})"]
    elif a.ndim < 3 and b.ndim < 3:
        choices += [f"{x} @ {y}.mT", f"xp.matmul({x}, xp.matrix_transpose({y}))"]
    return draw(st.sampled_from(choices))


def creation(draw: st.DrawFn, program: Program) -> str:
    """Return an array made of numbers alone, or beside another."""
    x, dtype = pick(draw, program), draw(st.sampled_from(DTYPES))
    shape = draw(st.sampled_from(SHAPES))
    choices = [
        f"xp.zeros({shape}, dtype=xp.{dtype})",
        f"xp.ones({shape})",
        f"xp.full({shape}, {scalar(draw, np.zeros((), dtype))}, dtype=xp.{dtype})",
        f"xp.full({shape}, {draw(st.sampled_from(('2', '0.5', 'True', '1j')))})",
        f"xp.full_like({x}, {scalar(draw, program.values[x])})",
        f"xp.arange({draw(st.integers(0, 4))})",
        f"xp.arange({draw(st.integers(-3, 1))}, {draw(st.integers(2, 5))}, {draw(st.sampled_from((1, 2, 3)))})",
        "xp.arange(3, -1, -1, dtype=xp.float32)",
        "xp.arange(0.0, 2.0, 0.5)",
        f"xp.linspace(-1, 3, {draw(st.integers(0, 5))}, endpoint={draw(st.booleans())})",
        f"xp.eye(3, {draw(st.integers(2, 4))}, k={draw(st.integers(-2, 2))})",
        "xp.asarray([[1.0, 2.0, -0.5], [0.25, 3.0, 1.5]])",
        "xp.meshgrid(xp.arange(2), xp.arange(3))[1]",
        "xp.asarray([True, False, True])",
    ]
    return draw(st.sampled_from(choices))


def chosen(draw: st.DrawFn, program: Program) -> str | None:
    """Return values chosen by a condition, kept within bounds, or cast."""
    x = pick(draw, program, of("iufc", sharp=True))
    if x is None:
        return None
    a = program.values[x]
    y = _partner(draw, program, a, "iufc")
    condition = f"{x} {draw(st.sampled_from(('==', '!=')))} {scalar(draw, a)}"
    choices = [f"xp.where({condition}, {x}, {y})", f"xp.where({condition}, {y}, {x})", f"xp.astype({x}, xp.complex128)"]
    if a.dtype.kind != "c":
        choices += [f"xp.clip({x}, {low}, {high})" for low, high in ((0, 2), (1, None), (None, 2))]
        choices += [f"xp.astype({x}, xp.{t})" for t in ("float64", "float32", "bool")]
        if np.all(np.isfinite(a)):
            choices += [f"xp.astype(xp.abs({x}), xp.{t})" for t in ("int64", "int32", "uint8")]
    return draw(st.sampled_from(choices))


def indexed(draw: st.DrawFn, program: Program) -> str:
    """Return part of an array."""
    x = pick(draw, program)
    return f"{x}[{draw(indices.keys(x, program.values[x], apart=False))}]"


def assigned(draw: st.DrawFn, program: Program) -> str:
    """Return an assignment to part of an array, of a number, of another array or of the part itself, changed."""
    x = pick(draw, program)
    a = program.values[x]
    key = draw(indices.keys(x, a, apart=True))
    scope: dict[str, Any] = dict(program.values)
    with quiet():
        exec(f"part = {x}[{key}]", {"xp": eager}, scope)
    part = np.asarray(scope["part"])
    number = scalar(draw, a)
    y = pick(draw, program, lambda b: b.dtype == a.dtype and _broadcast(b.shape, part.shape) == part.shape)
    choices = [f"{x}[{key}] = {number}", *([f"{x}[{key}] = {y}"] * 2 if y else [])]
    if a.dtype.kind != "b":
        choices += [f"{x}[{key}] = {x}[{key}] * 2", f"{x}[{key}] += {number}"]
    return draw(st.sampled_from(choices))


MOVES: Sequence[Callable[[st.DrawFn, Program], str | None]] = (
    *(unary, binary, binary, divided, in_place, in_place, reduction, reduction, manipulation, manipulation),
    *(along, product, creation, chosen, indexed, indexed, indexed, assigned, assigned),
)
"""Ways to write a line; one that stands here often is drawn often."""
