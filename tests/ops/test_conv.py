"""Convolution against PyTorch over a grid; derivatives of derivatives; unknown sizes; what is refused."""

import itertools

import numpy as np
import pytest

import kbplug
from kbplug.autodiff import gradients
from kbplug.engines.numpy import conv as kernels
from kbplug.engines.numpy import matrix
from kbplug.errors import ArgumentError, DTypeError, ShapeError
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops import lookup
from kbplug.ops.conv import conv_transpose
from kbplug.ops.namespace import namespace as xp
from kbplug.runtime.function import Function

torch = pytest.importorskip("torch")
from references import conv as reference  # noqa: E402  (it imports PyTorch)

SIZES, WINDOW = (8, 7, 5), (3, 2, 2)
DEPTHWISE = (4, 8, 4)
SPREADS = [
    (strides, dilation, padding)
    for strides, dilation, padding in itertools.product((1, 2, 3), (1, 2), ("valid", "same", "causal", ((2, 1),) * 3))
]
CHANNELS = [(3, 4, 1), (4, 6, 2), DEPTHWISE, (1, 2, 1)]
ENGINES = ("numpy", "strict")


def tensor(*shape, dtype="float64"):
    return Tensor(placeholder(Spec(shape, dtype)))


def operands(count, channels, filters, groups, data_format):
    random = np.random.default_rng(count)
    x = random.normal(size=(2, *SIZES[:count], channels))
    kernel = random.normal(size=(*WINDOW[:count], channels // groups, filters))
    return np.moveaxis(x, -1, 1) if data_format == "channels_first" else x, kernel


def settings(count, spread, groups, data_format):
    strides, dilation, padding = spread
    padding = padding if isinstance(padding, str) else padding[:count]
    return {
        "strides": strides,
        "dilation": dilation,
        "padding": padding,
        "groups": groups,
        "data_format": data_format,
    }


def ours(arrays, build, engine, hidden):
    inputs = [tensor(*((None,) * a.ndim if hidden else a.shape)) for a in arrays]
    with kbplug.engine_scope(engine):
        return Function(inputs, build(*inputs))(arrays)


def theirs(arrays, build):
    inputs = [torch.tensor(np.ascontiguousarray(a), requires_grad=True) for a in arrays]
    return [t.detach().numpy() for t in build(*inputs)]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_values_and_two_derivatives_are_pytorchs(count, channels, data_format):
    for i, spread in enumerate(SPREADS[count + channels[-1] :: 5]):
        params = settings(count, spread, channels[-1], data_format)
        arrays = operands(count, *channels, data_format)

        def build(x, kernel, params=params):
            y = xp.conv(x, kernel, **params)
            first = gradients(xp.sum(xp.sin(y)), [x, kernel])
            second = gradients(sum(xp.sum(xp.cos(g)) for g in first), [x, kernel])
            return [y, *first, *second]

        def build_theirs(x, kernel, params=params):
            y = reference.convolve(x, kernel, **params)
            first = torch.autograd.grad(y.sin().sum(), [x, kernel], create_graph=True)
            second = torch.autograd.grad(sum(g.cos().sum() for g in first), [x, kernel])
            return [y, *first, *second]

        expected = theirs(arrays, build_theirs)
        for engine in ENGINES if i % 3 == 0 else ENGINES[:1]:
            found = ours(arrays, build, engine, hidden=i % 2 == 0)
            for a, b in zip(found, expected, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9, err_msg=f"{engine} {params}")


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("channels", [*CHANNELS, (4, 4, 4)])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_kernels_of_numpy_are_the_lowerings(count, channels, data_format):
    for spread in SPREADS:
        params = settings(count, spread, channels[-1], data_format)
        x, kernel = operands(count, *channels, data_format)
        y = lookup("conv").lower(np, x, kernel, **params)
        np.testing.assert_allclose(kernels.conv(x, kernel, **params), y, atol=1e-12)
        for name, arrays, shape in (
            ("conv_input", (y, kernel), SIZES[:count]),
            ("conv_kernel", (x, y), WINDOW[:count]),
        ):
            expected = lookup(name).lower(np, *arrays, shape=shape, **params)
            np.testing.assert_allclose(kernels.KERNELS[name](*arrays, shape=shape, **params), expected, atol=1e-11)


@pytest.mark.parametrize("strides", [1, 2])
def test_a_kernel_of_size_one_is_a_product(strides):
    random = np.random.default_rng(3)
    x, kernel = random.normal(size=(2, 5, 4, 3)), random.normal(size=(1, 1, 3, 6))
    params = settings(2, (strides, 1, "same"), 1, "channels_last")
    np.testing.assert_allclose(kernels.conv(x, kernel, **params), x[:, ::strides, ::strides] @ kernel[0, 0])


def test_a_batch_in_parts_is_a_batch(monkeypatch):
    x, kernel = operands(2, 3, 4, 1, "channels_last")
    params = settings(2, (1, 1, "same"), 1, "channels_last")
    whole = kernels.conv(x, kernel, **params)
    monkeypatch.setattr(matrix, "BUDGET", 1)
    np.testing.assert_allclose(kernels.conv(x, kernel, **params), whole)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_transposed_convolution_is_pytorchs(count, known, engine):
    function = getattr(torch.nn.functional, f"conv_transpose{count}d")
    random = np.random.default_rng(4)
    x, kernel = random.normal(size=(*(2, 4, 3, 2)[: count + 1], 6)), random.normal(size=(*WINDOW[:count], 2, 6))
    given = torch.tensor(x).movedim(-1, 1), torch.tensor(kernel).movedim((-1, -2), (0, 1))
    for strides, extra in ((1, 0), (2, 0), (2, 1), (3, 2)):
        expected = function(*given, stride=strides, padding=0, output_padding=extra, groups=2).movedim(1, -1)
        a, b = tensor(*x.shape), tensor(*kernel.shape)
        sizes = tuple(expected.shape[1:-1])
        lengths = sizes if known else [tensor(dtype="int64") for _ in sizes]
        inputs = [a, b] if known else [a, b, *lengths]
        y = conv_transpose(a, b, lengths, strides=strides, groups=2)
        assert y.shape == (2, *(sizes if known else (None,) * count), 4)
        with kbplug.engine_scope(engine):
            found = Function(inputs, [y])([x, kernel, *([] if known else map(np.int64, sizes))])[0]
        np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("params", "shape"),
    [
        ({}, (None, None, 5, 8)),
        ({"padding": "same"}, (None, None, 7, 8)),
        ({"padding": "same", "strides": 2}, (None, None, 4, 8)),
        ({"padding": ((0, 0), (1, 2)), "dilation": 2}, (None, None, 6, 8)),
    ],
)
def test_sizes_of_the_result(params, shape):
    assert xp.conv(tensor(None, None, 7, 4), tensor(3, 3, 4, 8), **params).shape == shape


def test_a_cotangent_has_the_shape_that_is_known():
    x, kernel = tensor(None, 8, None, 4), tensor(3, 3, 4, 8)
    slopes = gradients(xp.sum(xp.conv(x, kernel, strides=2, padding="same")), [x, kernel])
    assert [g.shape for g in slopes] == [x.shape, kernel.shape]


@pytest.mark.parametrize(
    ("build", "error", "said"),
    [
        (lambda: xp.conv(tensor(2, 7, 4), tensor(3, 3, 4, 8)), ShapeError, "not 3 and 4 dimensions"),
        (lambda: xp.conv(tensor(2, 4), tensor(4, 8)), ShapeError, "1 to 3 spatial dimensions"),
        (lambda: xp.conv(tensor(2, 7, 3), tensor(3, 4, 8)), ShapeError, "has 3 channels, but .* takes 4"),
        (lambda: xp.conv(tensor(2, 7, 8), tensor(3, 4, 9), groups=2), ShapeError, "split 9 filters into 2 groups"),
        (lambda: xp.conv(tensor(2, 2, 4), tensor(3, 4, 8)), ShapeError, "spans 3, which does not fit .* size 2"),
        (lambda: xp.conv(tensor(2, 7, 4), tensor(3, 4, 8), padding="full"), ArgumentError, "use valid, same, causal"),
        (lambda: xp.conv(tensor(2, 7, 4), tensor(3, 4, 8), data_format="NWC"), ArgumentError, "'NWC' is none of"),
        (lambda: xp.conv(tensor(2, 7, 4, dtype="int64"), tensor(3, 4, 8, dtype="int64")), DTypeError, "Cast first"),
        (
            lambda: xp.conv_input(tensor(2, 5, 8), tensor(3, 4, 8), shape=(9,)),
            ShapeError,
            r"given \(5,\) .* have \(7,\)",
        ),
        (lambda: xp.conv_input(tensor(2, 5, 7), tensor(3, 4, 8), shape=(7,)), ShapeError, "sizes 7 and 8 differ"),
        (lambda: xp.conv_kernel(tensor(2, 7, 4), tensor(3, 5, 8), shape=(3,)), ShapeError, "sizes 2 and 3 differ"),
        (
            lambda: xp.conv_kernel(tensor(2, 7, 3), tensor(2, 5, 8), shape=(3,), groups=2),
            ShapeError,
            "3 channels into 2",
        ),
    ],
)
def test_what_is_refused(build, error, said):
    with pytest.raises(error, match=said):
        build()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("build", "arrays", "said"),
    [
        (xp.conv, ((1, 2, 4), (3, 4, 8)), "does not fit into a dimension of size 2"),
        (lambda y, k: xp.conv_input(y, k, shape=(9,)), ((1, 5, 8), (3, 4, 8)), r"given \(5,\) .* have \(7,\)"),
    ],
)
def test_what_is_refused_when_run(build, arrays, said, engine):
    inputs = [tensor(*(None,) * len(shape)) for shape in arrays]
    function = Function(inputs, [build(*inputs)])
    with kbplug.engine_scope(engine), pytest.raises(ShapeError, match=said):
        function([np.zeros(shape) for shape in arrays])
