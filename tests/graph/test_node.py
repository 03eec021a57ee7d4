"""Nodes are unique: an equal one is the living one, and what nobody holds is gone."""

import gc
import math
import threading
import time
import weakref

import numpy as np
import pytest

from kbplug.autodiff import gradients
from kbplug.errors import ArgumentError, DTypeError
from kbplug.graph.graph import Graph
from kbplug.graph.node import (
    ArrayValue,
    array_constant,
    infer,
    item,
    literal,
    living,
    make,
    parameter,
    placeholder,
    remake,
    scalar_of,
)
from kbplug.graph.op import lookup
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor, tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.runtime.function import Function

VECTOR = Spec((3,), "float64")


def test_an_equal_node_is_the_same_node():
    x, y = placeholder(VECTOR), placeholder(VECTOR)
    a, b = Tensor(x), Tensor(y)
    assert (a + b).node is (a + b).node
    assert (a + b).node is not (b + a).node
    assert xp.sum(a, axis=0).node is xp.sum(a, axis=0, keepdims=False).node
    assert xp.sum(a, axis=0).node is not xp.sum(a, axis=-1).node


def test_placeholders_are_never_equal():
    assert placeholder(VECTOR, "x") is not placeholder(VECTOR, "x")
    assert parameter(0, VECTOR) is parameter(0, VECTOR)
    assert parameter(0, VECTOR) is not parameter(1, VECTOR)


APART = [0, 1, 0.0, -0.0, 1.0, True, False, 0j, complex(0, -0.0), 1 + 0j, math.inf, -math.inf, 2, 2.0, math.nan]


def test_values_that_python_calls_equal_stay_apart():
    nodes = [literal(v) for v in APART]
    assert len(set(nodes)) == len(APART)
    assert [literal(v) for v in APART] == nodes


def test_parameters_that_python_calls_equal_stay_apart():
    op = lookup("constant")
    values = [1, 1.0, True, (1,), (1.0,), (True,), ((1,),), "1", None]
    nodes = [make(op, (), {"value": v}, VECTOR) for v in values]
    assert len(set(nodes)) == len(values)


def test_nan_equals_itself_whatever_made_it():
    assert literal(math.nan) is literal(float("nan")) is literal(math.inf - math.inf)
    assert literal(math.nan, "float32") is not literal(math.nan)


def test_arrays_are_told_apart_by_dtype_shape_and_bytes():
    zeros = np.zeros((2, 2))
    arrays = [zeros, -zeros, zeros.reshape(4), zeros.astype("int64"), zeros.astype("float32"), zeros + 1]
    nodes = [tensor(a).node for a in arrays]
    assert len(set(nodes)) == len(arrays)
    assert [tensor(a.copy()).node for a in arrays] == nodes


def test_values_of_equal_hash_are_not_merged():
    class Colliding(ArrayValue):
        __slots__ = ()
        __hash__ = lambda self: 1  # noqa: E731

    a, b = (array_constant(Colliding(None, key), VECTOR) for key in "ab")
    assert a is not b


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        (0.1, "float32", float(np.float32(0.1))),
        (1e-8, "float16", float(np.float16(1e-8))),
        (65519.999, "float16", 65504.0),
        (65520.0, "float16", math.inf),
        (-1e300, "float32", -math.inf),
        (2**24 + 1, "float32", 2.0**24),
        (0.1 + 0.2j, "complex64", complex(np.complex64(0.1 + 0.2j))),
        (1.00390625, "bfloat16", 1.0),
        (1.01171875, "bfloat16", 1.015625),
        (0.1, "float64", 0.1),
        (True, "int8", 1),
        (3, "complex128", 3 + 0j),
    ],
)
def test_a_scalar_is_rounded_to_its_dtype(value, dtype, expected):
    found = scalar_of(literal(value, dtype))
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("value", "dtype", "message"),
    [
        (0.5, "int32", "The scalar 0.5 does not fit int32; cast the array to a wider dtype first."),
        (1j, "float64", "The scalar 1j does not fit float64"),
        (2, "bool", "The scalar 2 does not fit bool"),
        (128, "int8", "The integer 128 is out of range for int8"),
        (-1, "uint8", "The integer -1 is out of range for uint8"),
        (2**64, "uint64", "out of range for uint64"),
        (10**400, "float64", "out of range for float64"),
    ],
)
def test_a_scalar_that_does_not_fit_is_refused(value, dtype, message):
    with pytest.raises(DTypeError, match=message):
        literal(value, dtype)


def test_what_stands_below_is_known_above():
    x, c = Tensor(placeholder(VECTOR)), tensor(2.0)
    assert (x * c).node.symbolic
    assert not (c * c).node.symbolic
    assert not (c * c).node.stateful


def test_a_node_is_immutable_where_it_counts():
    node = xp.sum(Tensor(placeholder(VECTOR))).node
    with pytest.raises(TypeError):
        node.params["axis"] = 1
    assert repr(node) == "<sum(placeholder, axis=None, dtype=None, keepdims=False) -> float64[]>"


def test_a_leaf_infers_nothing():
    with pytest.raises(ArgumentError, match="A leaf has the spec it was made with"):
        infer(lookup("placeholder"), (), {"uid": 1, "name": None})


def test_remaking_infers_anew():
    x, y = placeholder(VECTOR), placeholder(Spec((None,), "float32"))
    node = xp.exp(Tensor(x)).node
    assert remake(node, (x,)) is node
    assert remake(node, (y,)).spec == y.spec


def test_one_result_of_several():
    node = lookup("unstack")(Tensor(placeholder(Spec((2, 3), "int8"))), axis=0).node
    assert len(node.spec) == 2
    assert item(node, 1).spec == Spec((3,), "int8")
    assert item(node, 1) is item(node, 1)


def test_nodes_that_nobody_holds_are_gone():
    gc.collect()
    before = living()
    x = Tensor(placeholder(VECTOR))
    y = xp.exp(x) * 1234.5678
    assert living() > before
    ref = weakref.ref(y.node)
    del x, y
    gc.collect()
    assert ref() is None
    assert living() <= before  # what other tests left may have gone as well


def test_threads_that_build_the_same_node_get_the_same_node():
    x = Tensor(placeholder(VECTOR))
    start, found = threading.Barrier(8), []

    def build():
        start.wait()
        found.append([(x * float(i) + x).node for i in range(200)])

    threads = [threading.Thread(target=build) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(nodes == found[0] for nodes in found)


@pytest.mark.parametrize("depth", [10_000, pytest.param(100_000, marks=pytest.mark.nightly)])
def test_depth_is_free(depth):
    """A chain far deeper than Python's stack is built, differentiated, compiled, run and let go."""
    gc.collect()
    before, begin = living(), time.process_time()
    x = y = Tensor(placeholder(Spec((), "float64")))
    for i in range(depth):
        y = y * 1.0001 if i % 2 else y + x
    (slope,) = gradients(y, [x])
    assert len(Graph((x.node,), (slope.node,)).nodes) > depth
    run = Function([x], [y, slope])
    value, derivative = run([0.0])
    assert value == 0.0
    assert np.isfinite(derivative)
    del y, slope, run
    x = None  # the loop's names, too, hold nodes
    gc.collect()
    assert living() <= before + 10
    assert time.process_time() - begin < 60  # a walk that were quadratic would take hours
