"""Functions whose answer in PyTorch is not the standard's."""

import math

import numpy as np
import pytest
import torch

from kbplug_torch.functions import KERNELS

INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("name", "z", "expected"),
    [
        ("acos", 0j, (math.pi / 2, -0.0)),
        ("acos", complex(-0.0, -0.0), (math.pi / 2, 0.0)),
        ("log1p", complex(NAN, INF), (INF, NAN)),
        ("log1p", complex(-INF, NAN), (INF, NAN)),
        ("log1p", complex(2.0, INF), (INF, math.pi / 2)),
        ("log1p", 1e-20 + 0j, (1e-20, 0.0)),
    ],
)
def test_complex_limits(name, z, expected):
    for shape in ((), (1,), (9,)):  # PyTorch has a way of its own for many numbers at once
        found = KERNELS[name](torch.full(shape, z, dtype=torch.complex128)).reshape(-1)[0].item()
        np.testing.assert_array_equal([found.real, found.imag], expected)
        assert math.copysign(1.0, found.imag) == math.copysign(1.0, expected[1]) or math.isnan(expected[1])


@pytest.mark.parametrize(("a", "b", "sign"), [(-0.0, 2.0, 1.0), (0.0, -2.0, -1.0), (4.0, -2.0, -1.0)])
def test_a_remainder_of_zero_has_the_sign_of_the_divisor(a, b, sign):
    found = KERNELS["remainder"](torch.tensor(a), torch.tensor(b)).item()
    assert (found, math.copysign(1.0, found)) == (0.0, sign)


def test_bytes_are_totalled_without_a_sign():
    x = torch.tensor([[1, 2], [3, 250]], dtype=torch.uint8)
    for name, params in [("sum", {}), ("prod", {}), ("linalg.trace", {}), ("cumulative_sum", {"axis": 0})]:
        assert KERNELS[name](x, dtype=None, **params).dtype == torch.uint64
        assert KERNELS[name](x, dtype=torch.int64, **params).dtype == torch.int64
    assert KERNELS["sum"](x, dtype=None, axis=0).tolist() == [4, 252]
