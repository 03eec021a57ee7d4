"""The derivative of every op: what finite differences say, to order two, complex numbers included."""

from kbplug.testing.checks import check_agreement, check_gradient, check_unknown_sizes
from registry.cases import cases


def smooth(op, sample):
    return sample.smooth


def differentiable(op, sample):
    return op.derivative != "none"


def hideable(op, sample):
    return sample.unknown


@cases(smooth)
def test_the_derivative_is_what_differences_say(op, sample):
    check_gradient(op, sample, order=2)


@cases(differentiable)
def test_the_derivative_is_the_same_on_another_engine(op, sample):
    check_agreement(op, sample, "strict", order=2)


@cases(differentiable, hideable)
def test_the_derivative_is_the_same_with_sizes_unknown(op, sample):
    check_unknown_sizes(op, sample, "numpy", order=2)
