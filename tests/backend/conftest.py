"""How K is compared with PyTorch: the same arrays, values and gradients, sizes known to K and unknown."""

import numpy as np
import pytest

from kbplug import backend as K


@pytest.fixture(autouse=True)
def session():
    """A session of its own for each test."""
    K.clear_session()
    yield
    K.clear_session()


@pytest.fixture(params=["float64", "float32"])
def agree(request):
    torch = pytest.importorskip("torch")
    dtype = request.param

    def compare(ours, theirs, *arrays, rtol=1e-9, atol=1e-12, unknown=(False, True)):
        """Assert that two functions of arrays agree, and their gradients of a weighted sum too."""
        arrays = [np.asarray(a, dtype) for a in arrays]
        if dtype == "float32":
            rtol, atol = 2e-4, 2e-5
        leaves = [torch.tensor(a, requires_grad=True) for a in arrays]
        expected = theirs(*leaves)
        weights = np.random.default_rng(0).normal(size=tuple(expected.shape)).astype(dtype)
        (expected * torch.tensor(weights)).sum().backward()
        for hidden in unknown:
            inputs = [K.placeholder((None,) * a.ndim if hidden else a.shape, dtype=dtype) for a in arrays]
            result = ours(*inputs)
            slopes = K.gradients(K.sum(result * weights), inputs)
            found = K.function(inputs, [result, *slopes])(arrays)
            wanted = [expected.detach(), *(leaf.grad for leaf in leaves)]
            for ours_, theirs_ in zip(found, wanted, strict=True):
                np.testing.assert_allclose(ours_, theirs_.numpy(), rtol=rtol, atol=atol)

    return compare


@pytest.fixture
def normal():
    """Normally distributed float64 arrays of given shapes, the same in each run."""
    generator = np.random.default_rng(7)
    return lambda *shape: generator.normal(size=shape)
