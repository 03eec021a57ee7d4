"""The ways to convolve on NumPy: which one a shape takes, each against PyTorch within its bound, and bounded memory."""

import tracemalloc

import numpy as np
import pytest

from kbplug.engines.numpy import batches, conv, depthwise, matrix, pointwise, spectral, winograd

torch = pytest.importorskip("torch")
from references import conv as reference  # noqa: E402  (it imports PyTorch)

PLAIN = {"strides": 1, "padding": "valid", "dilation": 1, "groups": 1, "data_format": "channels_last"}

CASES = [
    # way, array, kernel, parameters
    (winograd, (3, 26, 26, 32), (3, 3, 32, 64), {}),
    (winograd, (2, 13, 18, 33), (3, 3, 33, 40), {"padding": "same"}),
    (winograd, (1, 75, 20, 64), (3, 3, 64, 32), {"padding": ((2, 1), (0, 3))}),
    (spectral, (1, 64, 64, 1), (31, 31, 1, 1), {"padding": "same"}),
    (spectral, (5, 61, 47, 3), (17, 22, 3, 7), {}),
    (spectral, (3, 47, 63, 4), (21, 15, 4, 5), {"strides": (1, 2), "padding": "same"}),
    (spectral, (3, 97, 90, 2), (15, 16, 2, 5), {"dilation": (3, 2), "padding": ((30, 7), (0, 33))}),
    (spectral, (2, 1025, 5), (511, 5, 6), {"padding": "causal"}),
    (spectral, (2, 2000, 3), (700, 3, 2), {"strides": 3, "padding": "same"}),
    (spectral, (2, 23, 24, 21, 5), (9, 10, 11, 5, 6), {"padding": "same"}),
    (spectral, (2, 23, 27, 25, 2), (13, 10, 15, 2, 3), {"strides": (1, 2, 1)}),
    (spectral, (6, 9, 80, 8), (11, 99, 8, 9), {"padding": "same"}),
    (pointwise, (3, 9, 7, 24), (1, 1, 24, 40), {}),
    (pointwise, (3, 9, 7, 24), (1, 1, 24, 40), {"strides": 2, "padding": "same"}),
    (pointwise, (2, 11, 5), (1, 5, 7), {"padding": ((1, 2),)}),
    (depthwise, (3, 15, 13, 24), (3, 5, 1, 24), {"groups": 24, "padding": "same"}),
    (depthwise, (3, 15, 13, 6), (3, 2, 1, 12), {"groups": 6, "strides": 2}),
    (depthwise, (3, 15, 13, 70), (3, 3, 1, 140), {"groups": 70, "strides": 2, "padding": "same"}),
    (depthwise, (2, 7, 8, 6, 5), (2, 3, 2, 1, 5), {"groups": 5, "dilation": 2}),
    (matrix, (3, 26, 26, 1), (3, 3, 1, 32), {}),
    (matrix, (3, 27, 24, 4), (3, 2, 2, 6), {"groups": 2, "strides": 2, "padding": "same"}),
    (matrix, (3, 26, 25, 32), (3, 3, 32, 64), {"strides": 2, "padding": "same"}),
    (matrix, (3, 26, 25, 32), (3, 3, 32, 64), {"dilation": 3}),
    (matrix, (2, 17, 16, 12), (5, 4, 4, 9), {"groups": 3, "padding": "same"}),
    (matrix, (2, 301, 20), (7, 20, 33), {"padding": "causal"}),
    (matrix, (2, 9, 8, 10, 17), (3, 2, 3, 17, 18), {"strides": (1, 2, 1), "padding": "same"}),
]
BOUNDS = {"float32": 3e-6, "float64": 1e-14}
WINOGRAD = {"float32": 2e-5, "float64": 3e-14}
SPECTRAL = {"float32": 1e-6, "float64": 1e-14}
"""Of the largest element of a result."""


def slides_of(x, kernel, params):
    return conv._slides("conv", x[1:-1], kernel[:-2], params)


def chosen(x, kernel, params, dtype="float32", **given):
    return conv.way(slides_of(x, kernel, params), x[0], kernel, params["groups"], np.dtype(dtype), **given)


def ours(x, kernel, g, params):
    shape, window = x.shape[1:-1], kernel.shape[:-2]
    return (
        conv.conv(x, kernel, **params),
        conv.conv_input(g, kernel, shape=shape, **params),
        conv.conv_kernel(x, g, shape=window, **params),
    )


def theirs(x, kernel, g, params):
    x, kernel, g = (torch.tensor(np.asarray(a, np.float64), requires_grad=True) for a in (x, kernel, g))
    y = reference.convolve(x, kernel, **params)
    return [t.detach().numpy() for t in (y, *torch.autograd.grad(y, (x, kernel), g))]


def operands(x, kernel, params, dtype):
    random = np.random.default_rng(5)
    counts = [w.count for w in slides_of(x, kernel, params)]
    shapes = x, kernel, (x[0], *counts, kernel[-1])
    return [random.standard_normal(shape).astype(dtype) for shape in shapes]


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize(("way", "x", "kernel", "given"), CASES)
def test_each_way_is_taken_by_its_shapes_and_is_pytorchs(way, x, kernel, given, dtype):
    params = {**PLAIN, **given}
    assert chosen(x, kernel, params, dtype) is way
    arrays = operands(x, kernel, params, dtype)
    bound = {winograd: WINOGRAD, spectral: SPECTRAL}.get(way, BOUNDS)[dtype]
    for found, expected in zip(ours(*arrays, params), theirs(*arrays, params), strict=True):
        assert found.dtype == dtype
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= bound * np.abs(expected).max()


@pytest.mark.parametrize(("way", "x", "kernel", "given"), CASES)
def test_blocks_and_threads_change_no_result(way, x, kernel, given, monkeypatch):
    params = {**PLAIN, **given}
    arrays = operands(x, kernel, params, "float64")
    expected = ours(*arrays, params)
    for module, name in ((matrix, "BUDGET"), (depthwise, "BUDGET"), (winograd, "_BUDGET"), (batches, "LARGE")):
        monkeypatch.setattr(module, name, 1)
    for found, whole in zip(ours(*arrays, params), expected, strict=True):
        np.testing.assert_allclose(found, whole, rtol=1e-11, atol=1e-11 * np.abs(whole).max())


@pytest.mark.parametrize(
    ("x", "kernel", "given"),
    [
        ((2, 26, 26, 31), (3, 3, 31, 64), {}),
        ((2, 26, 26, 64), (3, 3, 64, 31), {}),
        ((2, 26, 26, 64), (3, 3, 32, 64), {"groups": 2}),
        ((2, 26, 26, 64), (3, 3, 64, 64), {"strides": 2}),
        ((2, 26, 26, 64), (3, 3, 64, 64), {"dilation": 2}),
        ((2, 7, 7, 64), (3, 3, 64, 64), {}),
        ((2, 26, 26, 64), (3, 5, 64, 64), {}),
    ],
)
def test_tiles_are_left_where_they_save_nothing(x, kernel, given):
    params = {**PLAIN, **given}
    assert chosen(x, kernel, params) is matrix


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("size", [8, 64, 512])
@pytest.mark.parametrize("width", [1, 16, 256])
def test_a_small_kernel_is_never_taken_by_its_frequencies(size, width, dtype):
    for strides, padding in ((1, "same"), (1, "valid"), (2, "same")):
        params = {**PLAIN, "strides": strides, "padding": padding}
        assert chosen((32, size, size, width), (3, 3, width, width), params, dtype) is not spectral


@pytest.mark.parametrize(
    ("x", "kernel", "given"),
    [
        ((8, 64, 64, 3), (7, 7, 3, 32), {"padding": "same"}),
        ((8, 64, 64, 3), (31, 31, 3, 8), {"padding": "same", "strides": 8}),
        ((4, 16000, 1), (401, 1, 40), {"padding": "same", "strides": 160}),
        ((8, 64, 64, 4), (31, 31, 2, 4), {"padding": "same", "groups": 2}),
        ((1, 2000, 2000, 16), (31, 31, 16, 16), {"padding": "same"}),
        ((0, 64, 64, 3), (31, 31, 3, 8), {"padding": "same"}),
    ],
)
def test_frequencies_are_left_where_they_save_nothing_or_take_too_much_room(x, kernel, given):
    assert chosen(x, kernel, {**PLAIN, **given}) is matrix


def test_tiles_of_no_samples_have_a_slope_of_zero():
    x, kernel = (0, 26, 26, 32), (3, 3, 32, 64)
    assert chosen(x, kernel, PLAIN) is winograd
    found = ours(*operands(x, kernel, PLAIN, "float32"), PLAIN)
    assert [f.shape for f in found] == [(0, 24, 24, 64), x, kernel]
    assert not found[2].any()


def test_a_half_has_no_frequencies():
    assert chosen((1, 64, 64, 1), (31, 31, 1, 1), PLAIN, "float16") is matrix


@pytest.mark.parametrize(("x", "kernel"), [((3, 26, 26, 32), (3, 3, 32, 64)), ((1, 64, 64, 1), (31, 31, 1, 1))])
def test_without_transforms_every_convolution_slides(x, kernel):
    assert chosen(x, kernel, PLAIN, transforms=False) is matrix
    arrays = operands(x, kernel, PLAIN, "float32")
    found = conv.SLIDING["conv"](*arrays[:2], **PLAIN)
    out = np.empty_like(found)
    matrix.conv(*arrays[:2], slides_of(x, kernel, PLAIN), out)
    np.testing.assert_array_equal(found, out)
    assert not np.array_equal(found, conv.conv(*arrays[:2], **PLAIN))


def test_cuts_of_transforms_change_no_result(monkeypatch):
    x, kernel, params = (5, 61, 47, 3), (17, 22, 3, 7), {**PLAIN, "padding": "same"}
    arrays = operands(x, kernel, params, "float64")
    expected = ours(*arrays, params)
    weight = spectral._weight(slides_of(x, kernel, params), np.dtype("float64"))
    monkeypatch.setattr(spectral, "KERNEL", 7 * weight)
    monkeypatch.setattr(spectral, "SAMPLES", 1)
    assert chosen(x, kernel, params, "float64") is spectral
    for found, whole in zip(ours(*arrays, params), expected, strict=True):
        np.testing.assert_allclose(found, whole, rtol=0, atol=1e-13 * np.abs(whole).max())


@pytest.mark.parametrize(
    ("x", "kernel", "given"),
    [
        ((256, 28, 28, 16), (5, 5, 16, 16), {"padding": "same"}),
        ((1, 512, 256, 16), (5, 5, 16, 16), {"padding": "same"}),
        ((256, 28, 28, 32), (3, 3, 32, 32), {"padding": "same"}),
        ((256, 28, 28, 32), (3, 3, 1, 32), {"padding": "same", "groups": 32}),
        ((512, 64, 64, 8), (15, 15, 8, 8), {}),
    ],
)
def test_no_way_copies_the_windows_of_a_batch(x, kernel, given):
    params = {**PLAIN, **given}
    arrays = operands(x, kernel, params, "float32")
    for name, left, right, more in (
        ("conv", arrays[0], arrays[1], {}),
        ("conv_input", arrays[2], arrays[1], {"shape": x[1:-1]}),
        ("conv_kernel", arrays[0], arrays[2], {"shape": kernel[:-2]}),
    ):
        tracemalloc.start()
        found = conv.KERNELS[name](left, right, **more, **params)
        beside = tracemalloc.get_traced_memory()[1] - found.nbytes
        tracemalloc.stop()
        assert beside < 0.75 * arrays[0].nbytes, name
