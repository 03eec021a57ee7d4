"""Where each value dies, and which buffer may be written over."""

from hypothesis import given, settings

from kbplug.graph.graph import Graph
from kbplug.graph.node import CONSTANT, placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor, tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.passes.release import last_uses, reuse
from kbplug.testing.graphs import graphs

IN_PLACE = frozenset({"add", "multiply", "exp", "negative"})


def symbol(shape=(3,)):
    return Tensor(placeholder(Spec(shape, "float64")))


def graph_of(inputs, results):
    return Graph([t.node for t in inputs], [t.node for t in results])


@given(graphs())
@settings(max_examples=40)
def test_a_value_dies_where_it_is_read_last(drawn):
    graph = drawn.hidden
    place = {n: i for i, n in enumerate(graph.nodes)}
    deaths = {v: n for n, values in last_uses(graph).items() for v in values}
    kept = set(graph.outputs)
    for node, users in graph.uses.items():
        if users and node not in kept and node.op is not CONSTANT:
            assert deaths[node] is max(users, key=place.__getitem__)
        else:
            assert node not in deaths


def test_outputs_and_constants_live_on():
    x, c = symbol(), tensor([1.0, 2.0, 3.0])
    y = xp.exp(x)
    assert last_uses(graph_of([x], [y, y * c])) == {y.node: (x.node,)}


def reused(inputs, results):
    return {b.op.name: a for b, a in reuse(graph_of(inputs, results), IN_PLACE).items()}


def test_a_buffer_that_dies_is_written_over():
    x = symbol()
    y = xp.exp(x)
    assert reused([x], [y * 2]) == {"multiply": y.node}


def test_an_offset_is_added_into_the_result_of_a_convolution():
    x, kernel, offset = symbol((2, 5, 1)), symbol((3, 1, 4)), symbol((4,))
    y = xp.conv(x, kernel)
    assert reused([x, kernel, offset], [y + offset]) == {"add": y.node}


def test_what_is_fed_is_never_written_over():
    x = symbol()
    assert reused([x], [x * 2]) == {}


def test_what_is_returned_or_read_later_is_never_written_over():
    x = symbol()
    y = xp.exp(x)
    assert reused([x], [y, y * 2]) == {}
    first, second = xp.negative(y), y * 2
    assert reused([x], [first + second]) == {"multiply": y.node, "add": first.node}


def test_what_another_shares_memory_with_is_never_written_over():
    x = symbol((3, 3))
    y = xp.exp(x)
    transposed = xp.matrix_transpose(y)
    assert reused([x], [transposed, y * 2]) == {}


def test_what_may_be_of_another_shape_is_never_written_over():
    row, matrix, unknown = symbol(), symbol((2, 3)), symbol((None,))
    assert reused([row, matrix], [xp.exp(row) * matrix]) == {}
    assert reused([unknown, row], [xp.exp(unknown) * row]) == {}
    y = xp.exp(unknown)
    assert reused([unknown], [y * 2]) == {"multiply": y.node}


def test_another_dtype_is_another_buffer():
    x = symbol()
    y = xp.exp(x)
    assert reused([x], [xp.astype(y, "float32")]) == {}
    assert reused([x], [y * 1j]) == {}


def test_a_number_has_no_buffer():
    x = symbol(())
    assert reused([x], [xp.exp(x) * 2]) == {}


def test_only_what_surely_filled_its_own_buffer_is_written_over():
    x = symbol((3, 3))
    product = xp.matmul(x, x)
    assert reused([x], [product * 2]) == {"multiply": product.node}
    for view in (xp.matrix_transpose(x), x[::-1], xp.roll(x, 1)):
        assert reused([x], [view * 2]) == {}


def test_a_buffer_of_unknown_size_is_written_over_where_the_sizes_surely_agree():
    x, y = symbol((None,)), symbol((None,))
    ahead = xp.exp(x)
    assert reused([x], [ahead + xp.negative(x)]) == {"add": ahead.node}, "both have the extent of x"
    assert reused([x, y], [xp.exp(x) + xp.exp(y)]) == {}, "one may be broadcast to the other"
    rows, bias, column = symbol((None, 4)), symbol((4,)), symbol((None, 1))
    wide = xp.exp(rows)
    assert reused([rows, bias], [wide + bias]) == {"add": wide.node}
    assert reused([rows, column], [xp.exp(rows) + column]) == {}, "the column may be the longer one"
    assert reused([rows], [xp.exp(rows) + xp.asarray([[1.0] * 4] * 3)]) == {}, "three rows may meet one"
