"""What NumPy does its own way is what the op's body does, and no pass changes what an op or its derivative gives."""

from kbplug import plugins
from kbplug.graph.graph import Graph
from kbplug.testing.application import apply, narrows
from kbplug.testing.checks import check_kernel, check_passes
from kbplug.testing.derivatives import levels
from registry.cases import cases, on_engines


def has_kernel(op, sample):
    return op.name in plugins.kernels_for(plugins.engine("numpy"))


def repeatable(op, sample):
    return "random" not in op.traits  # the engine's own generator draws other numbers than the portable body


def in_double(op, sample):
    return narrows(sample)


def no_cell(op, sample):
    return op.name != "read"  # its value is no input of the graph


@cases(has_kernel, repeatable)
def test_the_kernel_computes_what_the_body_does(op, sample):
    check_kernel(op, sample, "numpy")


@cases(has_kernel, repeatable, in_double)
def test_the_kernel_computes_what_the_body_does_in_single_precision(op, sample):
    check_kernel(op, sample, "numpy", narrow=True)


@on_engines
@cases(no_cell)
def test_no_pass_changes_the_value(op, sample, engine):
    found = apply(op, sample)
    check_passes(Graph([t.node for t in found.inputs], [t.node for t in found.outputs]), found.values, engine)


@cases(no_cell, lambda op, sample: sample.smooth and op.derivative != "none")
def test_no_pass_changes_the_derivative(op, sample):
    for level in levels(apply(op, sample, hidden=sample.unknown), op.name, 1)[1:]:
        check_passes(Graph([t.node for t in level.inputs], [t.node for t in level.outputs]), level.values, "numpy")
