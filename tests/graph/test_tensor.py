"""What the operators of a tensor do to those who hold it."""

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
