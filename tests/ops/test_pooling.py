"""Pooling against PyTorch over a grid; ties and oddities; unknown sizes; what is refused."""

import itertools
import warnings

import numpy as np
import pytest

import kbplug
from kbplug.autodiff import gradients
from kbplug.engines.numpy import pooling as kernels
from kbplug.errors import ArgumentError, DTypeError, ShapeError
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops import lookup
from kbplug.ops.namespace import namespace as xp
from kbplug.runtime.function import Function

torch = pytest.importorskip("torch")

SIZES = (8, 7, 5)
LAYOUTS = ("channels_last", "channels_first")
ENGINES = ("numpy", "strict")


def tensor(*shape, dtype="float64"):
    return Tensor(placeholder(Spec(shape, dtype)))


def array(count, data_format):
    x = np.random.default_rng(count).normal(size=(2, *SIZES[:count], 3))
    return np.moveaxis(x, -1, 1) if data_format == "channels_first" else x


def pytorch(kind, x, count, *, window, strides, width, data_format):
    """Return PyTorch's pooling, which pads both sides alike."""
    options = {"count_include_pad": False} if kind == "avg" else {}
    function = getattr(torch.nn.functional, f"{kind}_pool{count}d")
    if data_format == "channels_first":
        return function(x, window, strides, width, **options)
    return function(x.movedim(-1, 1), window, strides, width, **options).movedim(1, -1)


@pytest.mark.parametrize("data_format", LAYOUTS)
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("kind", ["max", "avg"])
def test_values_and_two_derivatives_are_pytorchs(kind, count, data_format):
    x = array(count, data_format)
    for i, (window, strides, width) in enumerate(itertools.product((2, 3), (1, 2, 3), (0, 1))):
        params = {
            "window": window,
            "strides": strides,
            "padding": ((width, width),) * count,
            "data_format": data_format,
        }
        given = torch.tensor(x, requires_grad=True)
        y = pytorch(kind, given, count, window=window, strides=strides, width=width, data_format=data_format)
        (first,) = torch.autograd.grad(y.sin().sum(), given, create_graph=True)
        (second,) = torch.autograd.grad(first.cos().sum(), given)
        a = tensor(*((None,) * x.ndim if i % 2 else x.shape))
        b = lookup(f"{kind}_pool")(a, **params)
        (c,) = gradients(xp.sum(xp.sin(b)), [a])
        (d,) = gradients(xp.sum(xp.cos(c)), [a])
        function = Function([a], [b, c, d])
        for engine in ENGINES:
            with kbplug.engine_scope(engine):
                for actual, expected in zip(function([x]), (y, first, second), strict=True):
                    np.testing.assert_allclose(actual, expected.detach(), atol=1e-12, err_msg=f"{engine} {params}")


ODD = {"plain": None, "ties": 0.0, "nan": np.nan, "inf": np.inf, "-inf": -np.inf}


@pytest.mark.parametrize("oddity", ODD)
@pytest.mark.parametrize("data_format", LAYOUTS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_kernels_of_numpy_are_the_lowerings(count, data_format, oddity):
    x = array(count, data_format)
    random = np.random.default_rng(7)
    if ODD[oddity] is not None:
        x = np.where(random.random(x.shape) < 0.4, ODD[oddity], np.round(x))
    for window, strides, padding in itertools.product(
        (1, 2, 3), (None, 1, 3), ("valid", "same", "causal", ((0, 1),) * count)
    ):
        if window == 1 and isinstance(padding, tuple):
            continue
        params = {"window": window, "strides": strides, "padding": padding, "data_format": data_format}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # infinities meet
            y = lookup("max_pool").lower(np, x, **params)
            g, u = random.normal(size=y.shape), random.normal(size=x.shape)
            if oddity == "inf":
                g.flat[0] = u.flat[0] = np.inf
            for name, arrays, more in (
                ("max_pool", (x,), {}),
                ("max_pool_input", (g, x, y), {}),
                ("max_pool_pick", (u, x, y), {}),
                ("avg_pool", (x,), {}),
                ("avg_pool_input", (g,), {"shape": SIZES[:count]}),
            ):
                expected = lookup(name).lower(np, *arrays, **more, **params)
                actual = kernels.KERNELS[name](*arrays, **more, **params)
                np.testing.assert_allclose(actual, expected, atol=1e-12, err_msg=f"{name} {params}")


@pytest.mark.parametrize("engine", ENGINES)
def test_ties_share_the_gradient_of_their_window(engine):
    x = tensor(1, 4, 1)
    (slope,) = gradients(xp.sum(xp.max_pool(x, window=3, strides=1)), [x])
    with kbplug.engine_scope(engine):
        found = Function([x], [slope])([np.array([2.0, 2.0, 1.0, 2.0]).reshape(1, 4, 1)])[0]
    np.testing.assert_allclose(found.ravel(), [0.5, 1.0, 0.0, 0.5])


@pytest.mark.parametrize("engine", ENGINES)
def test_padding_is_no_element(engine):
    x = tensor(1, None, 1)
    most, mean = (
        xp.max_pool(x, window=3, strides=2, padding="same"),
        xp.avg_pool(x, window=3, strides=2, padding="same"),
    )
    (slope,) = gradients(xp.sum(most), [x])
    with kbplug.engine_scope(engine):
        found = Function([x], [most, mean, slope])([np.full((1, 3, 1), -np.inf)])
        np.testing.assert_array_equal(found[0].ravel(), [-np.inf, -np.inf])
        np.testing.assert_allclose(found[2].ravel(), [0.5, 1.0, 0.5])
        np.testing.assert_allclose(Function([x], [mean])([np.array([[[3.0], [5.0], [4.0]]])])[0].ravel(), [4.0, 4.5])


def test_sizes_of_the_result():
    x = tensor(None, None, 7, 3)
    assert xp.max_pool(x, window=2).shape == (None, None, 3, 3)
    assert xp.avg_pool(x, window=(3, 2), strides=1, padding="same").shape == (None, None, 7, 3)
    assert gradients(xp.sum(xp.avg_pool(x, window=2)), [x])[0].shape == x.shape


@pytest.mark.parametrize(
    ("build", "error", "said"),
    [
        (lambda: xp.max_pool(tensor(1, 3, 2), window=4), ShapeError, "spans 4, which does not fit .* size 3"),
        (lambda: xp.max_pool(tensor(3, 2), window=2), ShapeError, "1 to 3 spatial dimensions .* not 0"),
        (lambda: xp.max_pool(tensor(1, 4, 2), window=(2, 2)), ArgumentError, "1 dimensions, but its window"),
        (lambda: xp.avg_pool(tensor(1, 4, 2), window=0), ArgumentError, "a whole number of 1 or more"),
        (lambda: xp.avg_pool(tensor(1, 4, 2), window=2, strides=0), ArgumentError, "strides 0"),
        (lambda: xp.avg_pool(tensor(1, 4, 2), window=2, padding=((2, 0),)), ArgumentError, "narrower than its window"),
        (lambda: xp.max_pool(tensor(1, 4, 2, dtype="complex128"), window=2), DTypeError, "real floating-point"),
        (lambda: xp.avg_pool_input(tensor(1, 3, 2), shape=(4,), window=2), ShapeError, r"given \(3,\) .* have \(2,\)"),
    ],
)
def test_what_is_refused(build, error, said):
    with pytest.raises(error, match=said):
        build()
