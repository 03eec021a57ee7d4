"""How many operations an op takes and how many bytes it moves at the least: a formula each. It measures nothing.

An operation is one on floating-point numbers or integers, a comparison too. One on complex numbers counts once, and
so does an elementwise function however hard it is, as in XLA's cost analysis. Padding counts like elements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ceil, log2, prod

from kbplug.dtypes import bits
from kbplug.graph.graph import Graph, topological
from kbplug.graph.node import Node, placeholder
from kbplug.graph.spec import Shape, Spec
from kbplug.ops.declare import decomposition
from kbplug.ops.linalg.products import contracted

Formula = Callable[[Node], int]


def _result(node: Node) -> int:
    return _size(node.result)


def _taken(node: Node, i: int = 0) -> int:
    return _size(node.inputs[i].result)


def _size(spec: Spec) -> int:
    if spec.size is None:
        raise _UnknownSizeError
    return spec.size


class _UnknownSizeError(Exception):
    """A size that a formula needs is not known."""


def _per_element(count: int) -> Formula:
    return lambda node: count * _taken(node)


def _product(node: Node) -> int:
    """Return 2 m n k: Golub and Van Loan, Matrix Computations, 4th edition, section 1.1."""
    return 2 * _result(node) * (node.inputs[0].result.shape[-1] or 0)


def _tensordot(node: Node) -> int:
    a, b = (i.result for i in node.inputs)
    axes, _ = contracted(node.params["axes"], a.ndim, b.ndim)
    return 2 * _result(node) * prod(a.shape[i] or 0 for i in axes)


def _vecdot(node: Node) -> int:
    return 2 * _result(node) * (node.inputs[0].result.shape[node.params["axis"]] or 0)


def _convolution(image: int) -> Formula:
    """Return 2 N K P Q C R S of a convolution: Chetlur et al., 2014, on cuDNN; its derivatives are alike.

    ``image`` is the operand with an element for each position and filter, -1 for the result.
    """

    def formula(node: Node) -> int:
        kernel = node.result.shape if node.op.name == "conv_kernel" else node.inputs[1].result.shape
        positions = _result(node) if image < 0 else _taken(node, image)
        return 2 * positions * prod(n or 0 for n in kernel[:-1])

    return formula


def _pooling(node: Node) -> int:
    window, ndim = node.params["window"], node.inputs[0].result.ndim - 2
    each = window**ndim if isinstance(window, int) else prod(window)
    return min(_result(node), _taken(node)) * each


def _per_matrix(formula: Callable[[int, int], float]) -> Formula:
    """Return a formula of the rows and columns of each matrix."""

    def of_node(node: Node) -> int:
        *batch, rows, columns = _known(node.inputs[0].result.shape)
        return ceil(prod(batch) * formula(rows, columns))

    return of_node


def _orthogonal(m: int, n: int) -> float:
    """Return the triangle by Householder's reflections, and as many columns of Q as it has rows."""
    k = min(m, n)
    return 2 * k * k * (max(m, n) - k / 3) + 2 * k * k * (m - k / 3)


def _solve(node: Node) -> int:
    """Return a factorisation and two triangular solutions for each right side: Golub and Van Loan, chapter 3."""
    a, b = (i.result for i in node.inputs)
    *batch, n, _ = _known(a.shape)
    sides = 1 if b.ndim == 1 else _known(b.shape)[-1]
    return ceil(prod(batch) * (2 / 3 * n**3 + 2 * n**2 * sides))


def _fourier(node: Node) -> int:
    """Return 5 n log2 n for each transform, half of it for a real one, as FFTW's benchmark counts."""
    operand, name = node.inputs[0].result, node.op.name
    n = max(_size(operand), _result(node))
    axes = node.params.get("axes") or (node.params.get("axis", -1),)
    larger = operand.shape if operand.size == n else node.result.shape
    points = prod(_known(tuple(larger[i] for i in axes)))
    return ceil((2.5 if "rfft" in name else 5) * n * log2(max(points, 1)))


def _known(shape: Shape) -> tuple[int, ...]:
    if None in shape:
        raise _UnknownSizeError
    return tuple(n for n in shape if n is not None)


FORMULAS: Mapping[str, Formula] = {
    "matmul": _product,
    "tensordot": _tensordot,
    "vecdot": _vecdot,
    "linalg.outer": _result,
    "conv": _convolution(-1),
    "conv_input": _convolution(0),
    "conv_kernel": _convolution(1),
    **dict.fromkeys(("avg_pool", "avg_pool_input", "max_pool", "max_pool_input", "max_pool_pick"), _pooling),
    **dict.fromkeys(("sum", "prod", "max", "min", "all", "any", "mean", "count_nonzero"), _per_element(1)),
    **dict.fromkeys(("argmax", "argmin", "cumulative_sum", "cumulative_prod", "sum_like"), _per_element(1)),
    **dict.fromkeys(("segment_sum", "segment_mean", "segment_max", "segment_min"), _per_element(1)),
    **dict.fromkeys(("var", "std"), _per_element(4)),  # the mean, and the mean of squared distances from it
    "linalg.vector_norm": _per_element(2),
    "scatter_add": lambda node: _taken(node, 1),
    "linalg.solve": _solve,
    # Golub and Van Loan, Matrix Computations, 4th edition, chapters 3 to 5.
    "linalg.cholesky": _per_matrix(lambda _, n: n**3 / 3),
    "linalg.qr": _per_matrix(_orthogonal),
    "linalg.inv": _per_matrix(lambda _, n: 2 * n**3),
    **dict.fromkeys(("linalg.det", "linalg.slogdet"), _per_matrix(lambda _, n: 2 / 3 * n**3)),
    **dict.fromkeys(("fft.fft", "fft.ifft", "fft.fftn", "fft.ifftn"), _fourier),
    **dict.fromkeys(("fft.rfft", "fft.irfft", "fft.rfftn", "fft.irfftn"), _fourier),
    **dict.fromkeys(("fft.fftshift", "fft.ifftshift", "linalg.diagonal", "stop_gradient", "astype"), lambda _: 0),
}
"""Op name to its number of operations. Composites are the sum of what they are made of."""

_MOVING = frozenset({"graph", "sizes", "creation", "manipulation", "indexing", "state"})
"""Chapters whose ops move elements and compute none."""

_PICKS = frozenset({"getitem", "take", "take_along_axis"})
_VIEWS = frozenset(
    {
        *("item", "reshape", "broadcast_to", "broadcast_arrays", "expand_dims", "squeeze", "permute_dims", "flip"),
        *("matrix_transpose", "moveaxis", "unstack", "getitem", "linalg.diagonal", "stop_gradient", "print"),
    }
)


def operations(node: Node) -> int | None:
    """Return the operations of ``node``, or None where no formula stands or a size is unknown.

    Examples
    --------
    >>> x, w = K.placeholder((8, 4)), K.placeholder((4, 2))
    >>> operations(K.dot(x, w).node), operations(K.tanh(x).node), operations(K.sum(x).node)
    (128, 32, 32)
    """
    try:
        return _operations(node)
    except _UnknownSizeError:
        return None


def _operations(node: Node) -> int | None:
    name = node.op.name
    if name in FORMULAS:
        return FORMULAS[name](node)
    if name in ("fused", "cond", "scan", "while_"):
        return _nested(node)
    if "composite" in node.op.traits:
        return of_graph(decomposition(node), [i.result for i in node.inputs])
    if "elementwise" in node.op.traits:
        return _result(node)
    return 0 if node.op.chapter in _MOVING else None


def _nested(node: Node) -> int | None:
    params, specs = node.params, [i.result for i in node.inputs]
    if node.op.name == "fused":
        return of_graph(params["body"], specs)
    if node.op.name == "cond":
        found = [of_graph(params[branch], specs[1:]) for branch in ("then", "orelse")]
        return None if None in found else max(f for f in found if f is not None)
    if node.op.name == "while_":
        return None  # only its run tells how often
    carries, end = params["carries"], params["carries"] + params["sequences"]
    steps = params["length"] if carries == end else specs[carries].shape[0]
    each = [s.like(shape=s.shape[1:]) for s in specs[carries:end]]
    once = of_graph(params["body"], [*specs[:carries], *each, *specs[end:]])
    return None if steps is None or once is None else steps * once


def of_graph(graph: Graph, specs: Sequence[Spec]) -> int | None:
    """Return the operations of a graph whose inputs have ``specs``, or None if those of a node are unknown."""
    arguments = [placeholder(s) for s in specs]
    return _total(operations(n) for n in topological(graph(*arguments), arguments) if n not in set(arguments))


def _total(counts: Iterable[int | None]) -> int | None:
    total = 0
    for count in counts:
        if count is None:
            return None
        total += count
    return total


def traffic(node: Node) -> int | None:
    """Return the bytes that ``node`` reads and writes at the least: each operand and result once, a view none.

    Examples
    --------
    >>> x = K.placeholder((8, 4))
    >>> traffic(K.tanh(x).node), traffic(K.reshape(x, (4, 8)).node)
    (256, 0)
    """
    own = (node.spec,) if isinstance(node.spec, Spec) else node.spec
    operands = [i.result for i in dict.fromkeys(node.inputs)]
    if node.op.name in _VIEWS and len(operands) == 1:
        return 0
    if node.op.name in _PICKS:  # only what is picked is read
        operands = [node.result, *operands[1:]]
    specs = [*own, *operands]
    return _total(None if s.size is None else s.size * bits(s.dtype) // 8 for s in specs)
