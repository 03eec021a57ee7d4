"""Where the values of a step are written: in rows, in turn, in parts; and when a buffer is taken over."""

from hypothesis import given, settings

from kbplug.graph.graph import Graph
from kbplug.graph.spec import Spec
from kbplug.ops.namespace import namespace as xp
from kbplug.passes.loops import loops
from kbplug.passes.places import Part, Row, Slot, Turn, places
from recurrences import of, recurrences


def fills(node):
    return over(node) or node.op.name in ("matmul", "concat")


def over(node):
    return "elementwise" in node.op.traits


def placed(inputs, outputs, carries):
    body = Graph([t.node for t in inputs], [t.node for t in outputs])
    found = places(body, carries, fills, over)
    return found, lambda t: found.of.get(t.node)


def test_what_is_stacked_is_written_into_its_row_and_what_is_carried_in_turn():
    a, b, x = of(3), of(3), of(3)
    stacked, carried = xp.tanh(x), xp.exp(b)
    _, at = placed([a, b, x], [stacked, carried, stacked], 2)
    assert at(stacked) == Row(0)
    assert at(carried) == Turn(1)


def test_what_a_carry_becomes_is_written_where_the_next_step_finds_it():
    a, x = of(3), of(3)
    new = xp.tanh(a + x)
    _, at = placed([a, x], [new, a], 1)
    assert at(new) == Row(0, next=True)
    assert at(a + x) == at(new), "the sum is written there too, and over"


def test_an_operand_that_is_read_again_is_not_written_over():
    a, x = of(3), of(3)
    both = a + x
    new = xp.tanh(both)
    _, at = placed([a, x], [new * both], 1)
    assert at(both) != at(new * both)
    assert isinstance(at(both), Slot)


def test_parts_are_written_into_the_whole():
    a, x = of(2, 3), of(2, 3)
    left, right = xp.tanh(a), xp.exp(x)
    whole = xp.concat([left, right], axis=1)
    _, at = placed([a, x], [a * 2.0, whole], 1)
    assert at(whole) == Row(0)
    assert (at(left), at(right)) == (Part(whole.node, 1, 0, 3), Part(whole.node, 1, 3, 6))


def test_a_buffer_is_taken_over_once_its_value_is_read_through_every_view():
    a, x = of(3, 3), of(3, 3)
    first = xp.tanh(x)
    turned = xp.permute_dims(first, (1, 0))
    second = xp.exp(x) * a
    end = xp.matmul(second, turned)
    third = xp.matmul(x, end)
    found, at = placed([a, x], [xp.matmul(third, third)], 1)
    assert at(first) != at(second), "the view is read later"
    assert at(third) in (at(first), at(second)), "both are read, so that one is free"
    assert len(found.slots) == 3


def test_a_value_is_not_written_over_the_view_it_is_made_from():
    x = of(3, 3)
    first = xp.tanh(x)
    both = first * xp.permute_dims(first, (1, 0))
    _, at = placed([x], [xp.matmul(both, x)], 1)
    assert at(both) != at(first)


@given(recurrences())
@settings(max_examples=40)
def test_no_two_living_values_share_a_buffer(drawn):
    inputs, outputs, _ = drawn
    graph = loops(Graph([t.node for t in inputs], [t.node for t in outputs]))
    for scan in (n for n in graph.nodes if n.op.name == "scan"):
        body, carries = scan.params["body"], scan.params["carries"]
        specs = [n.result for n in body.nodes if isinstance(n.spec, Spec)]
        if all(size is not None for spec in specs for size in spec.shape):
            _check(body, places(body, carries, fills, over))


def _check(body, found):
    order = {n: i for i, n in enumerate(body.nodes)}
    last = {}
    for node in reversed(body.nodes):  # what is no call into a buffer may be a view
        reads = [order[u] if fills(u) else max(order[u], last[u]) for u in body.uses[node]]
        last[node] = max(reads, default=order[node])
    slots = [n for n in body.body if isinstance(found.of.get(n), Slot)]
    for i, a in enumerate(slots):
        for b in slots[i + 1 :]:
            if found.of[a] == found.of[b]:
                assert last[a] < order[b] or (last[a] == order[b] and over(b) and a.spec == b.spec)
