"""What the operators of a tensor do to those who hold it."""

import numpy as np
import pytest

from kbplug import backend as K


def test_augmented_assignment_leaves_other_holders_of_the_tensor_alone():
    first = K.constant([1.0, 2.0])
    total = first
    total += K.constant([10.0, 20.0])
    total *= 2.0
    assert K.eval(first).tolist() == [1.0, 2.0]
    assert K.eval(total).tolist() == [22.0, 44.0]


def test_assignment_to_elements_rebinds_the_handle_alone():
    first = K.constant([1.0, 2.0])
    other = K.identity(first)
    first[0] = 5.0
    assert K.eval(first).tolist() == [5.0, 2.0]
    assert K.eval(other).tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("scalar", "dtype"),
    [(np.float64(2.0), "float32"), (np.float64(0.0), "float32"), (np.complex128(2j), "complex64")],
)
def test_a_scalar_that_inherits_from_pythons_is_weak(scalar, dtype):
    x = K.constant([1.0, 2.0], dtype="float32")
    for product in (x * scalar, scalar * x):
        assert product.dtype == dtype
        np.testing.assert_array_equal(K.eval(product), np.asarray([1.0, 2.0]) * scalar)
