"""The handle: operators, rebinding, demands for values, and what it refuses to become."""

import copy
import operator
import pickle
import sys

import numpy as np
import pytest

from kbplug import backend as K
from kbplug.errors import ArgumentError, DTypeError, ShapeError, SymbolicError
from kbplug.graph.node import placeholder
from kbplug.graph.op import lookup
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor, lift, outputs, tensor
from kbplug.ops.namespace import namespace as xp


def symbol(shape=(3,), dtype="float64"):
    return Tensor(placeholder(Spec(shape, dtype)))


def below(lines=1):
    """Return ``file:line`` of a line below the caller's."""
    return f"{__file__}:{sys._getframe(1).f_lineno + lines}"


BINARY = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "floor_divide": operator.floordiv,
    "remainder": operator.mod,
    "pow": operator.pow,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "equal": operator.eq,
    "not_equal": operator.ne,
}
BITWISE = {
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
    "bitwise_left_shift": operator.lshift,
    "bitwise_right_shift": operator.rshift,
}
COMPARISONS = {
    "less": "greater",
    "less_equal": "greater_equal",
    "greater": "less",
    "greater_equal": "less_equal",
    "equal": "equal",
    "not_equal": "not_equal",
}


@pytest.mark.parametrize(("name", "function"), [*BINARY.items(), *BITWISE.items()])
def test_an_operator_is_its_op(name, function):
    dtype = "int64" if name in BITWISE else "float64"
    x, y = symbol(dtype=dtype), symbol(dtype=dtype)
    assert function(x, y).node is lookup(name)(x, y).node
    assert function(x, 2).node is lookup(name)(x, 2).node


@pytest.mark.parametrize("name", [n for n in (*BINARY, *BITWISE) if n not in COMPARISONS])
@pytest.mark.parametrize("left", [2, np.full(3, 2), np.int64(2)], ids=["scalar", "ndarray", "numpy scalar"])
def test_a_reflected_operator_keeps_the_order(name, left):
    x = symbol(dtype="int64" if name in BITWISE else "float64")
    assert (BINARY | BITWISE)[name](left, x).node is lookup(name)(left, x).node


@pytest.mark.parametrize(("name", "mirrored"), COMPARISONS.items())
@pytest.mark.parametrize("left", [2, np.full(3, 2)], ids=["scalar", "ndarray"])
def test_python_turns_a_comparison_round(name, mirrored, left):
    x = symbol()
    assert BINARY[name](left, x).node is lookup(mirrored)(x, left).node


def test_matrix_product_and_unary_operators():
    x, y, n, p = symbol((2, 3)), symbol((3, 2)), symbol(dtype="int8"), symbol(dtype="bool")
    assert (x @ y).node is lookup("matmul")(x, y).node
    assert (np.ones((4, 2)) @ x).shape == (4, 3)
    assert (-x).node is lookup("negative")(x).node
    assert (+x).node is lookup("positive")(x).node
    assert abs(x).node is lookup("abs")(x).node
    assert (~n).node is lookup("bitwise_invert")(n).node
    assert (~p).dtype == "bool"
    assert x.T.node is x.mT.node
    with pytest.raises(ArgumentError, match=r"\.T needs 2 dimensions, not 1"):
        symbol().T  # noqa: B018


def test_a_numpy_array_on_the_left_becomes_a_constant():
    x = symbol((2,), "float32")
    found = np.ones(2, "float32") * x
    assert isinstance(found, Tensor)
    assert found.dtype == "float32"
    with pytest.raises(TypeError, match="__array_ufunc__"):
        np.add(np.ones(2), x)


@pytest.mark.parametrize("other", [None, "text", b"bytes", {}, set()])
def test_what_is_no_number_is_left_to_python(other):
    x = symbol()
    with pytest.raises(TypeError, match="unsupported operand"):
        x + other
    assert (x == other) is False
    assert (x != other) is True


def test_python_scalars_are_weak_and_dtypes_promote():
    x = symbol(dtype="float32")
    n = symbol(dtype="int8")
    assert (x + 1).dtype == (2.5 * x).dtype == (x + True).dtype == "float32"
    assert (x * 1j).dtype == "complex64"
    assert (n + 1).dtype == "int8"
    assert (n + 0.5).dtype == "float64"
    assert (n + x).dtype == "float32"
    assert (n + symbol(dtype="int32")).dtype == "int32"
    assert (x + np.float64(1)).dtype == "float32", "a NumPy float64 inherits from Python's float"
    assert (x + np.ones(3)).dtype == "float64"


def test_dtypes_that_do_not_meet_are_refused_with_the_line():
    a, b = symbol(dtype="uint64"), symbol(dtype="int8")
    where = below(2)
    with pytest.raises(DTypeError, match="add: uint64 and int8 have no common dtype; cast one of them first") as caught:
        a + b
    assert caught.value.__notes__ == [f"add was called at {where}."]


def test_an_error_carries_the_users_line_once():
    where = below(2)
    with pytest.raises(ShapeError, match="do not broadcast") as caught:
        xp.mean(symbol((2,)) + symbol((3,)))
    assert caught.value.__notes__ == [f"add was called at {where}."]


def test_a_tensor_knows_the_line_that_made_it():
    x = symbol()
    where = below()
    y = xp.exp(x)
    again = xp.exp(x)
    assert y.where == where
    assert y.node.where == where
    assert again.where != where, "the handle is another's"
    assert again.node is y.node


def test_in_place_operators_bind_the_name_anew():
    x = y = symbol()
    before = y.node
    x += 1
    assert y.node is before
    assert x.node is (y + 1).node
    for operation in (operator.isub, operator.imul, operator.itruediv, operator.ipow, operator.imod):
        assert operation(y, 2) is not y
    assert y.node is before


def test_setting_an_item_rebinds_this_handle_alone():
    x = tensor([1.0, 2.0, 3.0])
    same_node, twice = Tensor(x.node), x * 2
    x[1] = 7
    assert x.value().tolist() == [1.0, 7.0, 3.0]
    assert same_node.value().tolist() == [1.0, 2.0, 3.0]
    assert twice.value().tolist() == [2.0, 4.0, 6.0]


def test_setting_casts_to_the_dtype_of_the_tensor():
    x = tensor(np.zeros(3, "float32"))
    x[0] = 0.1
    x[1] = np.float64(1e-3)
    x[2] = np.ones((), "int64")
    assert x.dtype == "float32"
    assert x.value().tolist() == np.array([0.1, 1e-3, 1], "float32").tolist()


@pytest.mark.parametrize(
    ("dtype", "value", "message"),
    [
        ("int64", 0.5, "The scalar 0.5 does not fit int64"),
        ("int64", np.array([0.5]), "A tensor of int64 cannot take in float64; cast the value first."),
        ("float32", 1j, "The scalar 1j does not fit float32"),
        ("float64", np.array([1j]), "A tensor of float64 cannot take in complex128"),
        ("bool", np.array([1]), "A tensor of bool cannot take in int64"),
        ("int8", 300, "The integer 300 is out of range for int8"),
    ],
)
def test_setting_drops_nothing(dtype, value, message):
    x = tensor(np.zeros(1, dtype))
    before = x.node
    with pytest.raises(DTypeError, match=message):
        x[0] = value
    assert x.node is before


def test_a_concrete_tensor_is_a_number_on_demand():
    x = tensor(2.0) * 1.5
    assert (bool(x), int(x), float(x), complex(x)) == (True, 3, 3.0, 3 + 0j)
    assert all(type(v) is t for v, t in [(bool(x), bool), (int(x), int), (float(x), float), (complex(x), complex)])
    assert operator.index(tensor(4)) == 4
    assert [10, 20, 30][tensor(1)] == 20
    assert list(range(int(tensor(3)))) == [0, 1, 2]
    assert not tensor(0.0) > 1


DEMANDS = {"bool": bool, "int": int, "float": float, "complex": complex, "index": operator.index}


@pytest.mark.parametrize(("name", "demand"), DEMANDS.items())
def test_a_symbolic_tensor_has_no_value(name, demand):
    where = below()
    x = symbol((), "int64") * 2
    for kind in (SymbolicError, ValueError, TypeError):
        with pytest.raises(kind) as caught:
            demand(x)
    assert str(caught.value) == (
        f"The tensor built at {where} has no value before a call, since a placeholder stands below it. "
        "Compute it with K.function; choose between values with K.switch or where instead of `if`."
    )


@pytest.mark.parametrize(("name", "demand"), DEMANDS.items())
def test_more_than_one_element_is_no_number(name, demand):
    with pytest.raises(ArgumentError, match=rf"{name}\(\) needs a 0-d tensor, not one of shape \(2,\)"):
        demand(tensor([1, 2]))


def test_only_an_integer_is_an_index():
    with pytest.raises(DTypeError, match="Only an integer tensor can be an index, not one of float64"):
        operator.index(tensor(1.0))
    with pytest.raises(TypeError):
        operator.index(tensor(True))


def test_it_never_turns_into_a_numpy_array_by_itself():
    where = below()
    x = tensor([1.0, 2.0]) + 1
    for convert in (np.asarray, np.array, lambda t: np.concatenate([t, t])):
        with pytest.raises(ArgumentError, match=r"silently cut its graph; use K\.eval") as caught:
            convert(x)
        assert where in str(caught.value)
    with pytest.raises(TypeError, match="does not support ufuncs"):
        np.sum(x)


def test_a_tensor_that_no_line_built_is_named_without_one():
    with pytest.raises(ArgumentError, match=r"^The lazy tensor does not turn into a NumPy array by itself"):
        np.asarray(tensor([1.0]))
    with pytest.raises(SymbolicError, match=r"^The tensor has no value before a call"):
        symbol(()).value()


def test_it_hashes_by_identity_and_compares_elementwise():
    x = symbol()
    other = Tensor(x.node)
    assert len({x, other, x}) == 2
    assert {x: "x"}[x] == "x"
    assert isinstance(x == other, Tensor)
    assert (x == other).dtype == "bool"


def test_it_carries_any_attribute_and_nodes_do_not_share_them():
    x = symbol()
    a, b = xp.exp(x), xp.exp(x)
    a._keras_shape = (None, 3)
    a._uses_learning_phase = True
    assert a.node is b.node
    assert not hasattr(b, "_keras_shape")


def test_it_is_printed_with_its_value_or_its_spec():
    assert repr(symbol((None, 2), "float32")) == "<tensor float32[?, 2]>"
    x = tensor([1.0, 2.0]) * 2
    x.name = "twice"
    assert repr(x) == "<tensor 'twice' float64[2]\n[2. 4.]>"


def test_a_number_is_formatted_and_an_array_is_not():
    assert f"{tensor(2.0) / 3:.3f} {tensor(7):>3}" == "0.667   7"
    assert f"{tensor([1.0])}" == repr(tensor([1.0]))
    with pytest.raises(TypeError, match="unsupported format string"):
        format(tensor([1.0]), ".3f")
    with pytest.raises(SymbolicError, match="has no value before a call"):
        format(symbol(()), ".3f")


@pytest.mark.parametrize("make_copy", [copy.copy, copy.deepcopy])
def test_a_copy_is_another_handle_on_the_same_node(make_copy):
    x = symbol() + 1
    x.note = ["own"]
    twin = make_copy(x)
    assert twin is not x
    assert twin.node is x.node
    assert twin.note == ["own"]
    assert (twin.note is x.note) == (make_copy is copy.copy)


def test_a_tensor_is_not_pickled():
    for x in (symbol(), tensor([1.0]) + 1):
        with pytest.raises(ArgumentError, match=r"is not pickled; keep its value, K\.eval\(tensor\), or"):
            pickle.dumps(x)


def test_iterating_goes_over_the_first_dimension():
    x = symbol((2, 3))
    assert [t.node for t in x] == [x[0].node, x[1].node]
    a, b = x
    assert a.shape == b.shape == (3,)
    with pytest.raises(ArgumentError, match="0-d tensor cannot be iterated"):
        iter(symbol(()))
    with pytest.raises(SymbolicError, match="whose first size is unknown"):
        iter(symbol((None,)))


def test_anything_array_like_is_lifted():
    assert lift(3) is tensor(3).node
    assert tensor([[1, 2], [3, 4]]).shape == (2, 2)
    assert tensor(np.float32(1)).dtype == "float32"
    assert tensor([True]).dtype == "bool"
    x = symbol(())
    assert tensor([x, 1.0]).shape == (2,)
    assert tensor(x) is x
    with pytest.raises(DTypeError, match="An array of dtype object has no place in a graph"):
        tensor([object()])
    with pytest.raises(ArgumentError, match="does not become an array"):
        tensor([[1, 2], [3]])


def test_later_writes_to_an_array_do_not_reach_the_graph():
    values = np.ones(3)
    x = tensor(values) * 1
    values[:] = 5
    assert x.value().tolist() == [1, 1, 1]
    assert not x.value().flags.writeable, "what a tensor came to is kept for the next demand"


def test_each_result_is_a_tensor():
    x = symbol((2, 3))
    first, second = outputs(lookup("unstack")(x, axis=0))
    assert first.shape == second.shape == (3,)
    assert outputs(x) == (x,)


def test_a_concrete_tensor_tells_the_size_that_its_data_has():
    x = tensor([3.0, -1.0, 2.0])
    kept = x[x > 0]
    assert kept.spec.shape == (None,)
    assert (kept.shape, kept.size) == ((2,), 2)
    assert (kept * 2).shape == (2,)
    assert [float(v) for v in kept] == [3.0, 2.0]
    (places,) = xp.nonzero(x)
    assert (places.shape, places.size) == ((3,), 3)
    assert repr(kept) == "<tensor float64[2]\n[3. 2.]>"


def test_a_symbolic_tensor_or_one_that_reads_a_cell_leaves_the_size_open():
    x = symbol()
    assert (x[x > 0].shape, x[x > 0].size) == ((None,), None)
    v = K.variable([1.0, -1.0])
    assert v[v > 0].shape == (None,)
    K.set_value(v, [1.0, 1.0])
    assert K.eval(v[v > 0]).shape == (2,)


def test_what_is_asked_for_twice_is_computed_once():
    kept = xp.exp(tensor(np.arange(4.0)))
    assert kept.value() is kept.value()
    v = K.variable(1.0)
    assert (v + 0).value() is not (v + 0).value()
