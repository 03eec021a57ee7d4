"""Whole regions run on the CPU: chains, casts, bounds, several results, results written in place, odd addresses."""

import numpy as np
import pytest
from emulator import COMPILER, Emulated, as_numbers, in_memory, place
from regions import operands, region

from kbplug import plugins
from kbplug.autodiff import gradients
from kbplug.graph.graph import Graph
from kbplug.graph.node import placeholder
from kbplug.graph.op import lookup
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.passes.expand import expand
from kbplug.passes.fuse import fuse
from kbplug.passes.simplify import simplify
from kbplug.testing.checks import interpreted
from kbplug_cupy.codegen.launch import launch, result_shapes
from kbplug_cupy.codegen.program import read

pytestmark = pytest.mark.skipif(COMPILER is None, reason="There is no g++ to compile kernels for the CPU.")
tanh, exp, where, clip, astype = (lookup(name) for name in ("tanh", "exp", "where", "clip", "astype"))


def computed(graph, arrays, directory, *, into=None, flags=("-O1",)):
    """Return the results of a region for arrays in memory; ``into`` takes the one there is."""
    program = read(graph)
    shapes = result_shapes(program, [a.shape for a in arrays])
    specs = [n.result.dtype for n in graph.outputs]
    results = [into] if into is not None else [in_memory(np.zeros(s), d) for s, d in zip(shapes, specs, strict=True)]
    found = launch(program, [place(a) for a in (*arrays, *results)], aliased=into is not None)
    if found is not None:
        Emulated([found.kernel], directory, flags).run(found, [*arrays, *results])
    return results


def test_a_chain_with_a_bias_a_condition_and_a_scalar(tmp_path):
    graph = region(lambda x, b, s: where(x > b, tanh(x + b) * s, 0.25), (2, "float32"), (1, "float32"), (0, "float32"))
    x, b, s = operands((5, 12), "float32", 1), operands((12,), "float32", 2), operands((), "float32", 3)
    (found,) = computed(graph, [x, b, s], tmp_path)
    np.testing.assert_allclose(found, np.where(x > b, np.tanh(x + b) * s, np.float32(0.25)), rtol=1e-6)


def test_several_results(tmp_path):
    graph = region(lambda x, y: (x * y, x > y, exp(x)), (2, "float64"), (2, "float64"))
    x, y = operands((3, 7), "float64", 1), operands((3, 7), "float64", 2)
    found = computed(graph, [x, y], tmp_path)
    np.testing.assert_array_equal(found[0], x * y)
    np.testing.assert_array_equal(found[1], x > y)
    np.testing.assert_allclose(found[2], np.exp(x), rtol=1e-15)


def test_results_of_rows_beside_results_of_elements(tmp_path):
    graph = region(lambda x, c: (x * c, exp(c)), (2, "float32"), (2, "float32"))
    x, c = operands((5, 70), "float32", 1), operands((5, 1), "float32", 2)
    found = computed(graph, [x, c], tmp_path)
    np.testing.assert_array_equal(found[0], x * c)
    np.testing.assert_allclose(found[1], np.exp(c), rtol=1e-6)


def test_a_reduction_with_what_it_is_made_of(tmp_path):
    total = lookup("sum")
    graph = region(lambda x: (exp(x), total(exp(x), axis=-1, keepdims=True), exp(x) * 2), (2, "float32"))
    x = operands((5, 70), "float32", 1)
    found = computed(graph, [x], tmp_path)
    np.testing.assert_allclose(found[0], np.exp(x), rtol=1e-6)
    np.testing.assert_allclose(found[1], np.exp(x).sum(-1, keepdims=True), rtol=1e-6)
    np.testing.assert_allclose(found[2], 2 * np.exp(x), rtol=1e-6)


def test_a_normalisation_and_its_gradient_are_one_region_of_several_results(tmp_path):
    x, scale = (Tensor(placeholder(Spec(shape, "float32"))) for shape in ((6, 70), (70,)))
    mean, var = (lookup(name)(x, axis=-1, keepdims=True) for name in ("mean", "var"))
    z = (x - mean) / lookup("sqrt")(var + 1e-5)
    loss = lookup("sum")(lookup("logsumexp")(z * scale, axis=-1))
    graph = Graph([x.node, scale.node], [loss.node, z.node, *(g.node for g in gradients(loss, [x, scale]))])
    (found,) = fuse(simplify(expand(simplify(graph), ())), lambda body: len)[1]
    assert len(found.outputs) > 2
    arrays = [operands([n or 6 for n in i.result.shape], "float32", k) for k, i in enumerate(found.inputs)]
    expected = interpreted(found, arrays, plugins.engine("numpy"))
    for a, b in zip(computed(found, arrays, tmp_path), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)


def test_a_result_written_over_an_operand(tmp_path):
    graph = region(lambda w, g: w - 0.1 * g, (2, "float32"), (1, "float32"))
    w, g = operands((4, 8), "float32", 1), operands((8,), "float32", 2)
    expected = w - np.float32(0.1) * g
    computed(graph, [w, g], tmp_path, into=w)
    np.testing.assert_array_equal(w, expected)


def test_a_result_written_over_a_transposed_operand(tmp_path):
    graph = region(lambda w: w * w, (2, "float32"))
    w = operands((6, 4), "float32", 1).T
    expected = w * w
    computed(graph, [w], tmp_path, into=w)
    np.testing.assert_array_equal(w, expected)


@pytest.mark.parametrize("offset", range(4))
def test_an_address_that_vectors_cannot_use(tmp_path, offset):
    graph = region(lambda x: x + x, (1, "float32"))
    x = operands((20,), "float32", 1)[offset:]
    (found,) = computed(graph, [x], tmp_path)
    np.testing.assert_array_equal(found, x + x)


SOURCES = ("bool", "int8", "uint8", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64")


@pytest.mark.parametrize("source", SOURCES)
def test_casts_to_every_dtype(tmp_path, source):
    x = operands((13,), source, 5, 0.0, 100.0)
    targets = ["complex128"] if source == "complex64" else [t for t in SOURCES if t != source]
    graph = region(lambda t: tuple(astype(t, dtype=d) for d in targets), (1, source))
    stored = in_memory(x, source)
    for found, target in zip(computed(graph, [stored], tmp_path), targets, strict=True):
        expected = as_numbers(in_memory(as_numbers(stored, source), target), target)
        np.testing.assert_array_equal(as_numbers(found, target), expected, err_msg=f"{source} to {target}")


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_double_is_rounded_to_half_once(tmp_path):
    x = np.array(
        [1 + 2**-11 + 2**-40, 1 + 2**-11 - 2**-40, 1 + 2**-11, 65519.999, 65520.0, 2.0**-25, 2.0**-25 + 2**-60]
    )
    (found,) = computed(region(lambda t: astype(t, dtype="float16"), (1, "float64")), [x], tmp_path)
    np.testing.assert_array_equal(found, x.astype("float16"))


@pytest.mark.parametrize("bounds", [(-1.0, 1.0), (None, 0.5), (-0.5, None), (None, None)])
def test_bounds_of_clip(tmp_path, bounds):
    x = np.array([np.nan, -np.inf, -0.7, 0.0, 0.7, np.inf], dtype="float32")
    (found,) = computed(region(lambda t: clip(t, *bounds) + 0.0, (1, "float32")), [x], tmp_path)
    expected = x if bounds == (None, None) else np.clip(x, *bounds)
    np.testing.assert_array_equal(found, expected)


def test_half_results_are_rounded_after_each_op_as_unfused_ones_are(tmp_path):
    graph = region(lambda x, y: (x + y) - x, (1, "float16"), (1, "float16"))
    x, y = operands((50,), "float16", 1, 100, 1000), operands((50,), "float16", 2, 0, 1)
    (found,) = computed(graph, [x, y], tmp_path)
    np.testing.assert_array_equal(found, (x + y) - x)
