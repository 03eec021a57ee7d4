"""Ops: declared once, bound to operands and parameters, arranged again."""

import inspect

import pytest

from kbplug.errors import ArgumentError, OpError
from kbplug.graph.op import ZERO, Op, lookup, register
from kbplug.ops import REGISTRY


def op(function, **rules):
    """Return an op that is not registered."""
    return Op("under_test", inspect.signature(function), doc="For a test.", infer=lambda *s, **p: s[0], **rules)


PLAIN = op(lambda a, b=None, c=None, /, order=1, *, axis, keepdims=False: None)
MANY = op(lambda *arrays, axis=0: None)


def test_arrays_travel_by_position_and_parameters_by_name():
    assert PLAIN.arrays == ("a", "b", "c")
    assert PLAIN.positional == ("order",)
    assert MANY.arrays == ()


def test_binding_fills_in_the_defaults():
    assert PLAIN.bind((1, 2, 3), {"axis": 0}) == ((1, 2, 3), {"order": 1, "axis": 0, "keepdims": False})
    assert MANY.bind((), {}) == ((), {"axis": 0})
    assert MANY.bind(tuple("abcd"), {"axis": 1}) == (tuple("abcd"), {"axis": 1})


@pytest.mark.parametrize(
    "operands", [("a",), ("a", None), ("a", None, None), ("a", "b"), ("a", None, "c"), ("a", "b", "c")]
)
def test_absent_operands_come_back_in_their_places(operands):
    present, params = PLAIN.bind(operands, {"axis": 0})
    assert present == tuple(o for o in operands if o is not None)
    padded = [*operands, None, None][:3]
    assert PLAIN.arrange(present, params) == (padded, {"order": 1, "axis": 0, "keepdims": False})


BAD = [
    ((), {"axis": 0}, r"under_test takes the arrays \(a, b=None, c=None.*, but was given 0"),
    ((1, 2, 3, 4), {"axis": 0}, "but was given 4"),
    ((1,), {}, "under_test needs the parameter 'axis'"),
    ((1,), {"axes": 0}, "under_test has no parameter 'axes'. Did you mean 'axis'?"),
]


@pytest.mark.parametrize(("operands", "params", "message"), BAD)
def test_a_call_that_fits_no_signature_is_refused(operands, params, message):
    with pytest.raises(ArgumentError, match=message):
        PLAIN.bind(operands, params)


def test_how_a_gradient_passes():
    assert PLAIN.derivative == "none"
    assert op(lambda x, /: None, vjp=ZERO).derivative == "zero"
    assert op(lambda x, /: None, vjp=lambda g, y, x: (g,)).derivative == "rule"
    assert op(lambda x, /: None, traits=("composite",)).derivative == "composite"


def test_rules_are_attached_after_the_declaration():
    found = op(lambda x, /: None)

    @found.derive
    def rule(g, y, x):
        return (g,)

    @found.implement
    def body(xp, x):
        return x

    assert found.vjp is rule
    assert found.lower is body


def test_a_name_is_declared_once():
    with pytest.raises(OpError, match="The op 'add' is declared twice: in elementwise and in somewhere"):
        register(Op("add", inspect.signature(lambda: None), doc="", infer=lambda: None, chapter="somewhere"))
    assert lookup("add").chapter == "elementwise"


def test_an_unknown_name_is_told_with_the_nearest():
    with pytest.raises(OpError, match=r"There is no op 'multiplx'\. Did you mean 'multiply'\?"):
        lookup("multiplx")


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_every_op_is_documented_in_one_line(name):
    doc = REGISTRY[name].doc
    assert doc.endswith(".")
    assert "\n" not in doc
    assert REGISTRY[name].chapter
