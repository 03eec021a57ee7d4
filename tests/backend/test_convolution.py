"""Convolutions, pooling and local layers of K against PyTorch, in both layouts."""

import numpy as np
import pytest

from kbplug import backend as K
from kbplug.errors import ArgumentError, ShapeError

torch = pytest.importorskip("torch")
functional = torch.nn.functional

LAYOUTS = ["channels_last", "channels_first"]
PLACES = (8, 6, 5)
WINDOW = (3, 2, 2)


def shaped(layout, samples, places, channels):
    return (samples, *places, channels) if layout == "channels_last" else (samples, channels, *places)


def first(x, layout):
    """Return ``x`` with its channels first."""
    return x.movedim(-1, 1) if layout == "channels_last" else x


def back(x, layout):
    return x.movedim(1, -1) if layout == "channels_last" else x


def padded(x, window, strides, dilation, fill=0.0):
    """Return ``x`` padded as TensorFlow's ``same`` has it."""
    widths = []
    for size, n, step, apart in zip(x.shape[2:], window, strides, dilation, strict=True):
        total = max((-(-size // step) - 1) * step + (n - 1) * apart + 1 - size, 0)
        widths = [total // 2, total - total // 2, *widths]
    return functional.pad(x, widths, value=fill)


def kernel_of(k):
    """Return a kernel of Keras in PyTorch's order."""
    return k.movedim(-1, 0).movedim(-1, 1)


def theirs(layout, padding, strides, dilation, groups=1):
    def convolve(x, k):
        spatial = x.ndim - 2
        x = first(x, layout)
        if padding == "same":
            x = padded(x, k.shape[:-2], strides, dilation)
        elif padding == "causal":
            x = functional.pad(x, (dilation[0] * (k.shape[0] - 1), 0))
        conv = getattr(functional, f"conv{spatial}d")
        return back(conv(x, kernel_of(k), stride=strides, dilation=dilation, groups=groups), layout)

    return convolve


STEPS = [(1, 1), (2, 1), (3, 1), (1, 2), (1, 3)]  # stride and dilation, of which only one exceeds 1
WAYS = [(padding, *steps) for padding in ("valid", "same") for steps in STEPS]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("spatial", "padding", "stride", "dilation"),
    [*((1, "causal", *steps) for steps in STEPS), *((spatial, *way) for spatial in (1, 2, 3) for way in WAYS)],
)
def test_convolution(spatial, padding, stride, dilation, layout, agree, normal):  # noqa: PLR0917
    strides, dilations = (stride,) * spatial, (dilation,) * spatial
    conv = getattr(K, f"conv{spatial}d")

    def ours(x, k):
        given = (strides[0], dilations[0]) if spatial == 1 else (strides, dilations)
        return conv(x, k, given[0], padding, layout, given[1])

    x, k = normal(*shaped(layout, 2, PLACES[:spatial], 3)), normal(*WINDOW[:spatial], 3, 4)
    agree(ours, theirs(layout, padding, strides, dilations), x, k, rtol=1e-7, atol=1e-9, unknown=[False])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("padding", "stride", "dilation"), WAYS)
def test_depthwise_convolution(padding, stride, dilation, layout, agree, normal):  # noqa: PLR0917
    strides, dilations = (stride,) * 2, (dilation,) * 2

    def reference(x, k):
        each = k.reshape(*k.shape[:2], 1, -1)
        return theirs(layout, padding, strides, dilations, groups=3)(x, each)

    agree(
        lambda x, k: K.depthwise_conv2d(x, k, strides, padding, layout, dilations),
        reference,
        normal(*shaped(layout, 2, (7, 6), 3)),
        normal(3, 2, 3, 4),
        rtol=1e-7,
        unknown=[False],
    )


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("padding", "stride", "dilation"), WAYS)
@pytest.mark.parametrize("spatial", [1, 2])
def test_separable_convolution(spatial, padding, stride, dilation, layout, agree, normal):  # noqa: PLR0917
    ones, strides, dilations = (1,) * spatial, (stride,) * spatial, (dilation,) * spatial

    def reference(x, depth, point):
        each = depth.reshape(*depth.shape[:-2], 1, -1)
        middle = theirs(layout, padding, strides, dilations, groups=3)(x, each)
        return theirs(layout, "valid", ones, ones)(middle, point)

    conv = getattr(K, f"separable_conv{spatial}d")
    arrays = normal(*shaped(layout, 2, PLACES[:spatial], 3)), normal(*WINDOW[:spatial], 3, 2), normal(*ones, 6, 4)
    given = (strides[0], dilations[0]) if spatial == 1 else (strides, dilations)
    agree(
        lambda x, d, p: conv(x, d, p, given[0], padding, layout, given[1]),
        reference,
        *arrays,
        rtol=1e-7,
        unknown=[False],
    )


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("padding", "stride"), [("valid", 1), ("valid", 2), ("same", 2)])
@pytest.mark.parametrize("spatial", [2, 3])
def test_transposed_convolution_is_the_gradient_of_convolution(spatial, padding, stride, layout, normal):
    conv, transposed = getattr(K, f"conv{spatial}d"), getattr(K, f"conv{spatial}d_transpose")
    strides = (stride,) * spatial
    x, k = K.variable(normal(*shaped(layout, 2, (5, 4, 3)[:spatial], 3))), K.variable(normal(*WINDOW[:spatial], 3, 4))
    y = conv(x, k, strides, padding, layout)
    u = K.constant(normal(*y.shape))
    (wanted,) = K.gradients(K.sum(y * u), [x])
    samples = K.shape(u)[0]  # as layers give it
    found = transposed(u, k, (samples, *x.shape[1:]), strides, padding, layout)
    np.testing.assert_allclose(K.eval(found), K.eval(wanted), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("spatial", [2, 3])
def test_transposed_convolution(spatial, padding, stride, layout, agree, normal):  # noqa: PLR0917
    places, window, strides = (4, 3, 2)[:spatial], WINDOW[:spatial], (stride,) * spatial
    full = [(n - 1) * stride + w for n, w in zip(places, window, strict=True)]
    sizes = full if padding == "valid" else [n * stride for n in places]

    def reference(x, k):
        weights = k.movedim(-1, 0).movedim(-1, 1)
        y = getattr(functional, f"conv_transpose{spatial}d")(first(x, layout), weights, stride=strides)
        for axis, (size, whole) in enumerate(zip(sizes, full, strict=True)):
            y = y.narrow(2 + axis, (whole - size) // 2, size)
        return back(y, layout)

    transposed = getattr(K, f"conv{spatial}d_transpose")
    agree(
        lambda x, k: transposed(x, k, shaped(layout, 2, sizes, 3), strides, padding, layout),
        reference,
        normal(*shaped(layout, 2, places, 4)),
        normal(*window, 3, 4),
        rtol=1e-7,
        atol=1e-9,
        unknown=[False],
    )


def test_batches_of_any_size_are_convolved(normal):
    x, k = K.placeholder((None, 5, 5, 2)), K.variable(normal(3, 3, 2, 4))
    y = K.conv2d(x, k, padding="same")
    assert y.shape == (None, 5, 5, 4)
    f = K.function([x], [y, K.gradients(K.sum(y), [k])[0]])
    assert [f([np.ones((n, 5, 5, 2))])[0].shape for n in (1, 3)] == [(1, 5, 5, 4), (3, 5, 5, 4)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("mode", ["max", "avg"])
@pytest.mark.parametrize("window", [(3, 2), (2, 4), (3, 2, 2), (1, 3, 2)], ids=str)
def test_pooling(window, mode, padding, stride, layout, agree, normal):  # noqa: PLR0917
    spatial = len(window)
    strides, ones = (stride,) * spatial, (1,) * spatial

    def reference(x):
        x = first(x, layout)
        if mode == "max":
            x = padded(x, window, strides, ones, fill=-torch.inf) if padding == "same" else x
            return back(getattr(functional, f"max_pool{spatial}d")(x, window, strides), layout)
        pool = getattr(functional, f"avg_pool{spatial}d")
        if padding == "valid":
            return back(pool(x, window, strides), layout)
        share = pool(padded(torch.ones_like(x), window, strides, ones), window, strides)
        return back(pool(padded(x, window, strides, ones), window, strides) / share, layout)

    pool = getattr(K, f"pool{spatial}d")
    x = normal(*shaped(layout, 2, (5, 6, 4)[:spatial], 3))
    agree(lambda x: pool(x, window, strides, padding, layout, mode), reference, x, rtol=1e-7, unknown=[False])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_locally_connected_sequences(layout, agree, normal):
    def reference(x, k):
        x = first(x, layout)
        rows = x.unfold(2, 3, 2)  # samples, channels, positions, window
        rows = rows.permute(0, 2, 3, 1) if layout == "channels_last" else rows.permute(0, 2, 1, 3)
        return back(torch.einsum("npf,pfo->nop", rows.flatten(2), k), layout)

    x = normal(*shaped(layout, 2, (7,), 4))
    agree(lambda x, k: K.local_conv1d(x, k, (3,), (2,), layout), reference, x, normal(3, 12, 5), unknown=[False])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_locally_connected_images(layout, agree, normal):
    def reference(x, k):
        x = first(x, layout)
        rows = x.unfold(2, 3, 2).unfold(3, 2, 1)  # samples, channels, rows, columns, window
        rows = rows.permute(0, 2, 3, 4, 5, 1) if layout == "channels_last" else rows.permute(0, 2, 3, 1, 4, 5)
        rows = rows.flatten(3).flatten(1, 2)
        return back(torch.einsum("npf,pfo->nop", rows, k).reshape(2, 5, 3, 3), layout)

    x = normal(*shaped(layout, 2, (7, 4), 3))
    k = normal(9, 18, 5)
    agree(lambda x, k: K.local_conv2d(x, k, (3, 2), (2, 1), (3, 3), layout), reference, x, k, unknown=[False])


def test_local_layers_take_batches_of_any_size(normal):
    x = K.placeholder((None, 7, 4))
    y = K.local_conv1d(x, K.variable(normal(3, 12, 5)), (3,), (2,))
    assert y.shape == (None, 3, 5)
    assert K.function([x], [y])([np.ones((6, 7, 4))])[0].shape == (6, 3, 5)


X4 = (1, 4, 4, 1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: K.conv1d(K.zeros(X4), K.zeros((2, 1, 1))), ShapeError, "needs 3 in all"),
        (lambda: K.conv2d(K.zeros(X4), K.zeros((2, 2, 3, 1))), ShapeError, "conv"),
        (lambda: K.conv2d(K.zeros(X4), K.zeros((2, 2, 1, 1)), padding="full"), ArgumentError, "padding"),
        (lambda: K.conv2d(K.zeros(X4), K.zeros((2, 2, 1, 1)), data_format="NHWC"), ArgumentError, "data format"),
        (lambda: K.depthwise_conv2d(K.zeros(X4), K.zeros(2)), ShapeError, r"needs 4 dimensions, not the shape \(2,\)"),
        (lambda: K.separable_conv1d(K.zeros((1, 4, 1)), K.zeros(2), K.zeros(2)), ShapeError, "needs 3 dimensions"),
        (lambda: K.conv2d_transpose(K.zeros(X4), K.zeros((2, 2, 1, 1)), (1, 5)), ShapeError, "needs 4 sizes, not 2"),
        (lambda: K.conv2d(K.zeros(X4), K.zeros((2, 2, 1, 1)), 1.9), ArgumentError, "must be a whole number, not 1.9"),
        (lambda: K.conv2d(K.zeros(X4), K.zeros((2, 2, 1, 1)), (1, 1.9)), ArgumentError, "whole number, not 1.9"),
        (lambda: K.pool2d(K.zeros(X4), (2.5, 2)), ArgumentError, "A size of a window must be a whole number, not 2.5"),
        (lambda: K.pool2d(K.zeros((1, 4, 1)), (2, 2)), ShapeError, "pool2d needs 4 dimensions"),
        (lambda: K.pool2d(K.zeros(X4), (2, 2), pool_mode="sum"), ArgumentError, "must be 'max' or 'avg'"),
        (lambda: K.pool2d(K.zeros(X4), (2, 2), padding="full"), ArgumentError, "padding"),
        (lambda: K.local_conv1d(K.zeros(X4), K.zeros((2, 3, 4)), (2,), (1,)), ShapeError, "locally connected"),
    ],
)
def test_what_cannot_be_meant(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_pooling_takes_integers_of_numpy_and_no_fractions():
    x = K.constant(np.arange(16.0).reshape(1, 4, 4, 1))
    two = (np.int64(2), np.int64(2))
    assert K.eval(K.pool2d(x, two, two)).ravel().tolist() == [5.0, 7.0, 13.0, 15.0]
    with pytest.raises(ArgumentError, match=r"A stride must be a whole number, not 2\.5"):
        K.pool2d(x, (2, 2), (2.5, 2.5))
