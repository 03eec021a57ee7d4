"""NumPy's pooling against PyTorch in both precisions, whole and in slices on threads; ties share evenly."""

import numpy as np
import pytest

from kbplug.engines.numpy import batches, pooling

torch = pytest.importorskip("torch")
from torch.nn import functional  # noqa: E402

CASES = [
    # window, strides, array: side by side and filling it, with a rest, with gaps, overlapping
    ((2, 2), (2, 2), (3, 24, 24, 64)),
    ((2, 3), (2, 3), (2, 25, 20, 5)),
    ((2, 2), (3, 4), (2, 25, 20, 5)),
    ((3, 3), (2, 2), (4, 31, 30, 16)),
    ((3, 2), (1, 1), (2, 9, 8, 3)),
]


def with_torch(function, x, window, strides):
    given = torch.tensor(np.moveaxis(x, -1, 1).copy(), requires_grad=True)
    y = function(given, window, strides)
    g = torch.tensor(np.random.default_rng(1).standard_normal(tuple(y.shape)), dtype=y.dtype)
    (slope,) = torch.autograd.grad(y, given, g)
    return [np.ascontiguousarray(np.moveaxis(t.detach().numpy(), 1, -1)) for t in (y, g, slope)]


@pytest.fixture(params=["whole", "threads"])
def sliced(request, monkeypatch):
    if request.param == "threads":
        monkeypatch.setattr(batches, "LARGE", 1)


@pytest.mark.usefixtures("sliced")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("window", "strides", "shape"), CASES)
def test_pools_and_slopes_are_pytorchs(window, strides, shape, dtype):
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    params = {"window": window, "strides": strides, "padding": "valid", "data_format": "channels_last"}
    bound = 16 * np.finfo(dtype).eps
    y, g, slope = with_torch(functional.max_pool2d, x, window, strides)
    np.testing.assert_array_equal(pooling.max_pool(x, **params), y)
    np.testing.assert_allclose(pooling.max_pool_input(g, x, y, **params), slope, rtol=bound, atol=bound)
    y, g, slope = with_torch(functional.avg_pool2d, x, window, strides)
    np.testing.assert_allclose(pooling.avg_pool(x, **params), y, rtol=bound, atol=bound)
    found = pooling.avg_pool_input(g, shape=shape[1:-1], **params)
    np.testing.assert_allclose(found, slope, rtol=bound, atol=bound)


@pytest.mark.usefixtures("sliced")
def test_one_tie_in_a_large_batch_is_shared():
    x = np.random.default_rng(2).permutation(64 * 24 * 24 * 4).astype("float32").reshape(64, 24, 24, 4)
    x[40, 2:4, 6:8, 1] = 1e9
    params = {"window": 2, "strides": None, "padding": "valid", "data_format": "channels_last"}
    y = pooling.max_pool(x, **params)
    slope = pooling.max_pool_input(np.ones_like(y), x, y, **params)
    assert (slope[40, 2:4, 6:8, 1] == 0.25).all()
    slope[40, 2:4, 6:8, 1] = [[1, 0], [0, 0]]
    assert set(np.unique(slope)) == {0, 1}
    assert (slope.reshape(64, 12, 2, 12, 2, 4).sum((2, 4)) == 1).all()


def test_of_no_samples_nothing_is_shared():
    params = {"window": 2, "strides": None, "padding": "valid", "data_format": "channels_last"}
    x, y = np.zeros((0, 4, 6, 3), "float32"), np.zeros((0, 2, 3, 3), "float32")
    assert pooling.max_pool_input(y, x, y, **params).shape == x.shape
    assert pooling.max_pool_pick(x, x, y, **params).shape == y.shape
