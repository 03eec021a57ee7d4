"""Sliding windows run on the CPU: convolution against PyTorch, pooling against NumPy, in 1 to 3 dimensions."""

import functools
import itertools
from math import prod

import numpy as np
import pytest
from emulator import COMPILER, Emulated, as_numbers, in_memory
from regions import operands

from kbplug_cupy.codegen.windows import (
    POOLING,
    Slide,
    geometry,
    matrix_shape,
    overlapped,
    patches,
    pooling,
    sliding,
)

pytestmark = pytest.mark.skipif(COMPILER is None, reason="There is no g++ to compile kernels for the CPU.")
DTYPES = ("float16", "bfloat16", "float32", "float64", "complex64")
BATCH, CHANNELS = 2, 4
SLIDES = {
    1: [Slide(7, 4, 3, 2, 1, 1)],
    2: [Slide(5, 3, 3, 1, 1, 0), Slide(6, 3, 2, 2, 3, 2)],
    3: [Slide(3, 2, 2, 1, 1, 0), Slide(4, 2, 2, 2, 1, 0), Slide(3, 3, 2, 1, 1, 1)],
}
CASES = [
    (op, dtype, rank, first)
    for op, dtype, rank, first in itertools.product(POOLING, DTYPES, SLIDES, (False, True))
    if (dtype == "float32" or (rank, first) == (2, False)) and not (dtype == "complex64" and op.startswith("max"))
]


@functools.cache
def every_kernel():
    """Return each kernel once, by what it does."""
    found = {(op, d, r, f): pooling(op, d, r, channels_first=f) for op, d, r, f in CASES}
    for dtype, rank in [*((d, 2) for d in DTYPES), ("float32", 1), ("float32", 3)]:
        found["patches", dtype, rank] = patches(dtype, rank)
        found["overlapped", dtype, rank] = overlapped(dtype, rank)
    return found


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return Emulated(every_kernel().values(), tmp_path_factory.mktemp("windows"))


def _strides(array):
    return tuple(s // array.itemsize for s in array.strides)


def _shape(rank, which):
    return (BATCH, *(getattr(s, "size" if which == "x" else "count") for s in SLIDES[rank]), CHANNELS)


def _array(rank, which, dtype, seed, first=False):
    """Return memory with channels last; laid out with channels first if asked."""
    found = in_memory(np.round(operands(_shape(rank, which), dtype, seed)), dtype)  # rounded, for ties
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(found, -1, 1)), 1, -1) if first else found


def _windows(rank):
    """Yield each position with the elements of the array in its window."""
    for position in itertools.product(*(range(s.count) for s in SLIDES[rank])):
        inside = []
        for w in itertools.product(*(range(s.window) for s in SLIDES[rank])):
            at = [p * s.stride + k * s.dilation - s.before for p, k, s in zip(position, w, SLIDES[rank], strict=True)]
            if all(0 <= i < s.size for i, s in zip(at, SLIDES[rank], strict=True)):
                inside.append((slice(None), *at))
        yield (slice(None), *position), inside


def _expected(op, rank, arrays):
    shape = _shape(rank, POOLING[op].result)
    out = np.zeros(shape, np.result_type(arrays[0], np.float32))
    for p, inside in _windows(rank):
        if op in ("max", "mean"):
            out[p] = getattr(np, op)([arrays[0][i] for i in inside], axis=0)
        elif op == "mean share":
            out[p] = arrays[0][p] / len(inside)
        elif op == "mean spread":
            for i in inside:
                out[i] += arrays[0][p]
        else:
            first, x, y = arrays
            hits = [x[i] == y[p] for i in inside]
            if op == "max spread":
                for i, hit in zip(inside, hits, strict=True):
                    out[i] += np.where(hit, first[p], 0)
            else:
                total = sum(hits)
                picked = first[p] if op == "max share" else sum(h * first[i] for h, i in zip(hits, inside, strict=True))
                out[p] = picked / total
    return out


@pytest.mark.parametrize(("op", "dtype", "rank", "first"), CASES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_pooling(op, dtype, rank, first, library):
    given = [_array(rank, which, dtype, i, first) for i, which in enumerate(POOLING[op].operands)]
    if len(given) == 3:
        given[2][...] = in_memory(_expected("max", rank, [as_numbers(given[1], dtype)]), dtype)
    out = np.zeros_like(_array(rank, POOLING[op].result, dtype, 9, first))
    numbers = geometry(CHANNELS, SLIDES[rank], [_strides(a) for a in (*given, out)])
    library.run(sliding(every_kernel()[op, dtype, rank, first], out.size, numbers), [*given, out])
    expected = _expected(op, rank, [as_numbers(a, dtype) for a in given])
    eps = {"float16": 2**-9, "bfloat16": 2**-6}.get(dtype, 1e-6)
    np.testing.assert_allclose(as_numbers(out, dtype), expected, rtol=eps, atol=eps)


def _patches(library, x, rank, groups, dtype):
    out = np.zeros(matrix_shape(BATCH, CHANNELS, groups, SLIDES[rank]), x.dtype)
    numbers = [*geometry(CHANNELS, SLIDES[rank], [_strides(x)]), BATCH, CHANNELS // groups]
    library.run(sliding(every_kernel()["patches", dtype, rank], out.size, numbers), [x, out])
    return out


def _overlapped(library, matrix, rank, groups, dtype):
    out = np.zeros(_shape(rank, "x"), matrix.dtype)
    numbers = [*geometry(CHANNELS, SLIDES[rank], [_strides(out)]), BATCH, CHANNELS // groups]
    library.run(sliding(every_kernel()["overlapped", dtype, rank], out.size, numbers), [matrix, out])
    return out


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_a_convolution_is_a_product_with_patches(rank, groups, library):
    torch = pytest.importorskip("torch")
    convolve = getattr(torch.nn.functional, f"conv{rank}d")
    slides, filters = SLIDES[rank], 6 if groups < 4 else 8
    x = operands(_shape(rank, "x"), "float32", 1)
    window = [s.window for s in slides]
    weights = operands((groups, prod(window) * CHANNELS // groups, filters // groups), "float32", 2)
    found = (_patches(library, x, rank, groups, "float32") @ weights).transpose(1, 0, 2)
    found = found.reshape(BATCH, *(s.count for s in slides), filters)
    taken = weights.reshape(groups, *window, CHANNELS // groups, filters // groups)
    taken = np.moveaxis(taken, (-1, -2), (1, 2)).reshape(filters, CHANNELS // groups, *window)
    padded = np.pad(x, [(0, 0), *((s.before, 9) for s in slides), (0, 0)])
    settings = {"stride": [s.stride for s in slides], "dilation": [s.dilation for s in slides], "groups": groups}
    expected = convolve(torch.from_numpy(np.moveaxis(padded, -1, 1).copy()), torch.from_numpy(taken.copy()), **settings)
    kept = (slice(None), *(slice(0, s.count) for s in slides))
    np.testing.assert_allclose(found, np.moveaxis(expected.numpy(), 1, -1)[kept], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize(("dtype", "rank"), [("float64", 2), ("complex64", 2), ("float32", 1), ("float32", 3)])
def test_adding_patches_up_is_the_transpose_of_taking_them(rank, groups, dtype, library):
    x = operands(_shape(rank, "x"), dtype, 1)
    u = operands(matrix_shape(BATCH, CHANNELS, groups, SLIDES[rank]), dtype, 2)
    there = np.sum(_patches(library, x, rank, groups, dtype) * u)
    back = np.sum(x * _overlapped(library, u, rank, groups, dtype))
    np.testing.assert_allclose(there, back, rtol=1e-4)
