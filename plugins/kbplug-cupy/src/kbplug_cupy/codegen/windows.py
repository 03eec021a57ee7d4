"""Windows that slide over arrays, as kernels: pooling both ways, and the matrices that make a convolution a product.

A thread makes one element of the result, whatever that takes: what flows back to an element is gathered from the
windows that hold it, in a fixed order, so no result hangs on the order of threads.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod

from kbplug_cupy.codegen.kernel import THREADS, Kernel, finish, indented, index_type, signature, stored
from kbplug_cupy.codegen.launch import BLOCKS, Launch
from kbplug_cupy.codegen.layout import Strides
from kbplug_cupy.codegen.types import CTYPES, CType


@dataclass(frozen=True, slots=True)
class Slide:
    """A window along one dimension.

    Parameters
    ----------
    size
        Of the array.
    count
        Positions of the window.
    window, stride, dilation
        Elements of the window, from one position to the next, and from one element to the next.
    before
        Width of the padding in front.
    """

    size: int
    count: int
    window: int
    stride: int
    dilation: int
    before: int

    @property
    def numbers(self) -> tuple[int, ...]:
        """What a kernel takes of it, in the order of ``_DIMENSION``."""
        return (self.size, self.count, self.window, self.stride, self.dilation, self.before)


_DIMENSION = ("n", "m", "k", "t", "d", "e")

ARRAY, POSITIONS = "x", "y"
"""What an array has an element for: each of the array that is slid over, or each position of the window."""


@dataclass(frozen=True, slots=True)
class _Template:
    """What makes one element ``z``.

    Parameters
    ----------
    operands, result
        ``ARRAY`` or ``POSITIONS`` for each.
    before, inside, after
        Lines before the loop, in it, and the expression after it. ``{0}`` and so on are elements of the operands:
        of positions and of the array, one of which the loop moves over.
    """

    operands: str
    result: str
    before: tuple[str, ...]
    inside: tuple[str, ...]
    after: str


_TIE = "if ({1} == {2} || ({1} != {1} && {2} != {2}))"

POOLING = {
    "max": _Template("x", POSITIONS, ("{T} z = -kb_infinity<{T}>();",), ("z = kb_larger<{T}>(z, {0});",), "z"),
    "mean": _Template("x", POSITIONS, ("{T} z = {zero}; int count = 0;",), ("z = z + {0}; ++count;",), "z / {count}"),
    "mean share": _Template("y", POSITIONS, ("int count = 0;",), ("++count;",), "{0} / {count}"),
    "mean spread": _Template("y", ARRAY, ("{T} z = {zero};",), ("z = z + {0};",), "z"),
    "max share": _Template("yxy", POSITIONS, ("int count = 0;",), (_TIE + " ++count;",), "{0} / {count}"),
    "max spread": _Template("yxy", ARRAY, ("{T} z = {zero};",), (_TIE + " z = z + {0};",), "z"),
    "max pick": _Template(
        "xxy", POSITIONS, ("{T} z = {zero}; int count = 0;",), (_TIE + " {{ z = z + {0}; ++count; }}",), "z / {count}"
    ),
}
"""``share``: what each position gives to each of its elements; ``spread``: what an element gets from all positions."""


def _over_window(rank: int, body: Iterable[str]) -> Iterator[str]:
    """Yield a loop over the elements ``j0`` … of the window at the position ``i0`` …, without padding."""
    for a in range(rank):
        yield "  " * a + f"for (I w{a} = 0; w{a} < k{a}; ++w{a}) {{"
        yield "  " * a + f"  const I j{a} = i{a} * t{a} + w{a} * d{a} - e{a};"
        yield "  " * a + f"  if (j{a} < 0 || j{a} >= n{a}) continue;"
    yield from indented(body, rank)
    yield from ("  " * a + "}" for a in reversed(range(rank)))


def _over_positions(rank: int, body: Iterable[str]) -> Iterator[str]:
    """Yield a loop over the positions ``j0`` … whose window holds the element ``i0`` …; ``w0`` … says where."""
    for a in range(rank):
        yield "  " * a + f"for (I w{a} = 0; w{a} < k{a}; ++w{a}) {{"
        yield "  " * a + f"  const I s{a} = i{a} + e{a} - w{a} * d{a}, j{a} = s{a} / t{a};"
        yield "  " * a + f"  if (s{a} < 0 || j{a} * t{a} != s{a} || j{a} >= m{a}) continue;"
    yield from indented(body, rank)
    yield from ("  " * a + "}" for a in reversed(range(rank)))


def _names(rank: int, arrays: int) -> list[str]:
    """Return the names of the numbers: how many elements, channels, the dimensions, and strides of every array."""
    dimensions = [f"{name}{a}" for a in range(rank) for name in _DIMENSION]
    strides = [f"{s}{i}" for i in range(arrays) for s in ("sb", *(f"s{a}_" for a in range(rank)), "sc")]
    return ["total", "c_count", *dimensions, *strides]


def _at(array: int, rank: int, letter: str) -> str:
    places = " + ".join(f"{letter}{a} * s{a}_{array}" for a in range(rank))
    return f"b * sb{array} + {places} + c * sc{array}"


def _element(rank: int, sizes: Sequence[str], channels_first: bool) -> Iterator[str]:
    """Yield lines that take ``i`` apart into ``b``, ``i0`` … and ``c``, in the order of the result's memory."""
    spatial = [(f"i{a}", sizes[a]) for a in reversed(range(rank))]
    channel = [("c", "c_count")]
    yield "I rest = i;"
    for name, size in spatial + channel if channels_first else channel + spatial:
        yield f"const I {name} = rest % {size};"
        yield f"rest /= {size};"
    yield "const I b = rest;"


def _kernel(
    stem: str, types: Sequence[tuple[str, str]], names: Sequence[str], wide: bool, body: Iterable[str]
) -> Kernel:
    """Return a kernel that makes an element in each turn of a loop over ``i``."""
    kind = index_type(wide)
    parameters = [*types, *((f"const {kind}", name) for name in names)]
    loop = [
        f"typedef {kind} I;",
        "for (I i = (I)blockIdx.x * blockDim.x + threadIdx.x; i < total; i += (I)gridDim.x * blockDim.x) {",
        *indented(body),
        "}",
    ]
    return finish(stem, [*signature(parameters), *indented(loop), "}"], [t for t, _ in parameters])


def _arrays(stored_type: str, operands: int) -> list[tuple[str, str]]:
    taken = [(f"const {stored_type}* __restrict__", f"a{i}") for i in range(operands)]
    return [*taken, (f"{stored_type}* __restrict__", "b0")]


@functools.cache
def pooling(op: str, dtype: str, rank: int, *, channels_first: bool = False, wide: bool = False) -> Kernel:
    """Return a kernel of ``POOLING`` over ``rank`` dimensions."""
    template, ctype = POOLING[op], CTYPES[dtype]
    loop = _over_window if template.result == POSITIONS else _over_positions
    letters = ["i" if kind == template.result else "j" for kind in template.operands]
    reads = [f"kb_value(a{i}[{_at(i, rank, letter)}])" for i, letter in enumerate(letters)]
    words = {"T": ctype.total, "zero": _zero(ctype), "count": _count(ctype)}

    def filled(text: str) -> str:
        return text.format(*(f"v{i}" for i in range(len(reads))), **words)

    outer = [f"const {ctype.total} v{i} = {reads[i]};" for i, letter in enumerate(letters) if letter == "i"]
    inner = [f"const {ctype.total} v{i} = {reads[i]};" for i, letter in enumerate(letters) if letter == "j"]
    sizes = [f"{'m' if template.result == POSITIONS else 'n'}{a}" for a in range(rank)]
    result = f"b0[{_at(len(reads), rank, 'i')}] = {stored(f'({ctype.total})({filled(template.after)})', dtype)};"
    body = [
        *_element(rank, sizes, channels_first),
        *outer,
        *map(filled, template.before),
        *loop(rank, [*inner, *map(filled, template.inside)]),
        result,
    ]
    names = _names(rank, len(reads) + 1)
    return _kernel(op.replace(" ", "_"), _arrays(ctype.stored, len(reads)), names, wide, body)


def _zero(ctype: CType) -> str:
    return f"{ctype.total}{{0, 0}}" if ctype.kind == "complex" else "0"


def _count(ctype: CType) -> str:
    part = ctype.total.removeprefix("kb_complex<").removesuffix(">")
    return f"{ctype.total}{{({part})count, 0}}" if ctype.kind == "complex" else f"({ctype.total})count"


@functools.cache
def patches(dtype: str, rank: int, *, wide: bool = False) -> Kernel:
    """Return the kernel that copies windows into matrices of shape (groups, batch * positions, window * channels)."""
    ctype = CTYPES[dtype]
    order = [("c", "g_size"), *((f"w{a}", f"k{a}") for a in reversed(range(rank)))]
    order += [(f"i{a}", f"m{a}") for a in reversed(range(rank))]
    body = ["I rest = i;", *(line for n, s in order for line in (f"const I {n} = rest % {s};", f"rest /= {s};"))]
    body += ["const I b = rest % batch, channel = rest / batch * g_size + c;"]
    body += [f"const I j{a} = i{a} * t{a} + w{a} * d{a} - e{a};" for a in range(rank)]
    inside = " && ".join(f"j{a} >= 0 && j{a} < n{a}" for a in range(rank))
    read = f"a0[{_at(0, rank, 'j').replace('c * sc0', 'channel * sc0')}]"
    body += [f"b0[i] = {inside} ? {read} : {_nothing(ctype)};"]
    return _kernel("patches", _arrays(ctype.stored, 1), [*_names(rank, 1), "batch", "g_size"], wide, body)


def _nothing(ctype: CType) -> str:
    return (
        _zero(ctype) if ctype.kind == "complex" else f"{ctype.stored}(0.0f)" if ctype.narrow else f"({ctype.stored})0"
    )


@functools.cache
def overlapped(dtype: str, rank: int, *, channels_first: bool = False, wide: bool = False) -> Kernel:
    """Return the kernel that adds windows up again where they came from: the transpose of ``patches``."""
    ctype = CTYPES[dtype]
    row, element = "b", "0"
    for a in range(rank):
        row, element = f"({row} * m{a} + j{a})", f"({element} * k{a} + w{a})"
    rows, window = (" * ".join(["batch", *(f"m{a}" for a in range(rank))]), " * ".join(f"k{a}" for a in range(rank)))
    place = f"((c / g_size * {rows} + {row}) * ({window}) + {element}) * g_size + c % g_size"
    body = [
        *_element(rank, [f"n{a}" for a in range(rank)], channels_first),
        f"{ctype.total} z = {_zero(ctype)};",
        *_over_positions(rank, [f"z = z + kb_value(a0[{place}]);"]),
        f"b0[{_at(0, rank, 'i')}] = {stored('z', dtype)};",
    ]
    return _kernel("overlapped", _arrays(ctype.stored, 1), [*_names(rank, 1), "batch", "g_size"], wide, body)


def sliding(kernel: Kernel, total: int, numbers: Sequence[int], processors: int = 64) -> Launch:
    """Return the launch of a kernel that makes ``total`` elements; ``numbers`` follow their count."""
    blocks = min(-(-total // THREADS), processors * BLOCKS)
    return Launch(kernel, (total, *numbers), (blocks, 1), (THREADS, 1))


def geometry(channels: int, slides: Sequence[Slide], strides: Sequence[Strides]) -> list[int]:
    """Return the numbers that kernels share: channels, dimensions, and strides as (batch, *spatial, channels)."""
    return [channels, *(n for s in slides for n in s.numbers), *(n for own in strides for n in own)]


def is_wide(*reaches: int) -> bool:
    """Say whether positions need more than 31 bits, from how far into each array they reach."""
    return max(reaches) >= 2**30


def matrix_shape(batch: int, channels: int, groups: int, slides: Sequence[Slide]) -> tuple[int, int, int]:
    """Return the shape of what ``patches`` makes."""
    window = prod(s.window for s in slides)
    return groups, batch * prod(s.count for s in slides), window * (channels // groups)
