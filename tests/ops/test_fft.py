"""What the registry-wide suite cannot know of Fourier transforms: PyTorch's gradients, inference, messages."""

import numpy as np
import pytest

from kbplug.autodiff import vjp
from kbplug.errors import ArgumentError, DTypeError
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.testing.application import fitting, run
from kbplug.testing.samples.fft import COMPLEX, COMPLEX_CUBE, CUBE, REAL

NORMS = ("backward", "ortho", "forward")
ALONG_ONE = {"fft": COMPLEX, "ifft": COMPLEX, "rfft": REAL, "irfft": COMPLEX, "hfft": COMPLEX, "ihfft": REAL}
ALONG_SEVERAL = {"fftn": COMPLEX_CUBE, "ifftn": COMPLEX_CUBE, "rfftn": CUBE, "irfftn": COMPLEX_CUBE}


def assert_agrees(ours, theirs, x):
    """Raise unless a function and its gradient for random cotangents are PyTorch's."""
    torch = pytest.importorskip("torch")
    leaf = torch.tensor(x, requires_grad=True)
    y = theirs(torch.fft, leaf)
    rng = np.random.default_rng(5)
    cotangent = rng.normal(size=y.shape) + (1j * rng.normal(size=y.shape) if y.is_complex() else 0)
    (expected,) = torch.autograd.grad(y, [leaf], torch.tensor(cotangent))

    x_in, given = fitting(x), fitting(cotangent)
    result = ours(xp.fft, x_in)
    (gradient,) = vjp([result], [given], [x_in])
    value, found = run([x_in, given], [result, gradient], [x, cotangent], "numpy")
    np.testing.assert_allclose(value, y.detach().resolve_conj().numpy(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found, expected.resolve_conj().numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("axis", [-1, 0])
@pytest.mark.parametrize("n", [None, 2, 3, 6, 7])
@pytest.mark.parametrize("name", ALONG_ONE)
def test_gradients_along_one_axis_agree_with_pytorch(name, n, axis, norm):
    assert_agrees(
        lambda lib, x: getattr(lib, name)(x, n=n, axis=axis, norm=norm),
        lambda lib, x: getattr(lib, name)(x, n=n, dim=axis, norm=norm),
        ALONG_ONE[name],
    )


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(
    ("s", "axes"), [(None, None), ((3, 3), None), ((2, 4), (2, 0)), (None, (0, 1)), ((5, 1, 3), (-1, 0, 1))]
)
@pytest.mark.parametrize("name", ALONG_SEVERAL)
def test_gradients_along_several_axes_agree_with_pytorch(name, s, axes, norm):
    assert_agrees(
        lambda lib, x: getattr(lib, name)(x, s=s, axes=axes, norm=norm),
        lambda lib, x: getattr(lib, name)(x, s=s, dim=axes, norm=norm),
        ALONG_SEVERAL[name],
    )


def unknown(*shape, dtype="complex128"):
    return Tensor(placeholder(Spec(shape, dtype)))


@pytest.mark.parametrize(
    ("result", "spec"),
    [
        (lambda: xp.fft.fft(unknown(None, 4)), "complex128[?, 4]"),
        (lambda: xp.fft.fft(unknown(None, 4, dtype="float32"), n=3, axis=0), "complex64[3, 4]"),
        (lambda: xp.fft.rfft(unknown(None, dtype="float32")), "complex64[?]"),
        (lambda: xp.fft.rfft(unknown(None, dtype="float64"), n=5), "complex128[3]"),
        (lambda: xp.fft.irfft(unknown(None, dtype="complex64")), "float32[?]"),
        (lambda: xp.fft.irfft(unknown(4)), "float64[6]"),
        (lambda: xp.fft.irfft(unknown(None), n=7), "float64[7]"),
        (lambda: xp.fft.hfft(unknown(2, None)), "float64[2, ?]"),
        (lambda: xp.fft.ihfft(unknown(2, 6, dtype="float64")), "complex128[2, 4]"),
        (lambda: xp.fft.fftn(unknown(2, None, 3), s=[4, 5]), "complex128[2, 4, 5]"),
        (lambda: xp.fft.rfftn(unknown(2, None, 6, dtype="float32"), axes=[1, 0]), "complex64[2, ?, 6]"),
        (lambda: xp.fft.rfftn(unknown(4, None, 6, dtype="float32"), axes=[1, 0]), "complex64[3, ?, 6]"),
        (lambda: xp.fft.irfftn(unknown(2, None, 4)), "float64[2, ?, 6]"),
        (lambda: xp.fft.fftshift(unknown(None, 3), axes=0), "complex128[?, 3]"),
        (lambda: xp.fft.fftfreq(5, d=0.5, dtype="float32", device=None), "float32[5]"),
        (lambda: xp.fft.rfftfreq(5), "float64[3]"),
    ],
)
def test_inference_with_unknown_sizes(result, spec):
    assert str(result().spec) == spec


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: xp.fft.fft(np.ones(3, int)), DTypeError, "fft.fft is not defined for int64"),
        (lambda: xp.fft.rfft(COMPLEX), DTypeError, "fft.rfft is not defined for complex128"),
        (lambda: xp.fft.fft(REAL, n=0), ArgumentError, "needs at least 1 point along axis 1"),
        (lambda: xp.fft.irfft(REAL[:, :1]), ArgumentError, "fft.irfft needs at least 1 point along axis 1"),
        (lambda: xp.fft.fft(REAL, norm="forwards"), ArgumentError, "not 'forwards'"),
        (lambda: xp.fft.hfft(REAL, norm="none"), ArgumentError, "not 'none'"),
        (lambda: xp.fft.fft(REAL, axis=2), ArgumentError, "Axis 2 is out of range"),
        (lambda: xp.fft.fftn(CUBE, s=(2,), axes=(0, 1)), ArgumentError, "needs a length for each axis"),
        (lambda: xp.fft.fftn(CUBE, axes=(0, 0)), ArgumentError, "name a dimension twice"),
        (lambda: xp.fft.rfftn(CUBE, axes=()), ArgumentError, "A transform needs at least one axis"),
        (lambda: xp.fft.fftn(1.0), ArgumentError, "A transform needs at least one axis"),
        (lambda: xp.fft.fftn(CUBE, s=(2, 2, 2, 2)), ArgumentError, "Axis -4 is out of range"),
        (lambda: xp.fft.fftshift(np.ones(3, int)), DTypeError, "fft.fftshift is not defined for int64"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
