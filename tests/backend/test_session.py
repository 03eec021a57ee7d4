"""Sessions: what they compute, and what a new one forgets."""

import pytest

from kbplug import backend as K
from kbplug.backend.session import Session


def test_a_session_computes_and_updates():
    x, v = K.placeholder(()), K.variable(1.0)
    session = K.get_session()
    assert session.run(2 * x, {x: 3.0}) == 6.0
    assert [r.tolist() for r in session.run([v, K.update_add(v, x)], feed_dict={x: 4.0})] == [1.0, 5.0]
    assert float(v) == 5.0


def test_a_session_may_be_set():
    before, other = K.get_session(), Session()
    K.set_session(other)
    assert K.get_session() is other
    K.set_session(before)
    K.manual_variable_initialization(True)
    assert float(K.variable(2.0)) == 2.0


def test_clearing_frees_names_and_the_phase_but_keeps_variables():
    x, v = K.placeholder(()), K.variable(3.0)
    f = K.function([x, K.learning_phase()], [K.in_train_phase(x, v)])
    K.get_uid("layer")
    K.set_learning_phase(1)
    K.clear_session()
    assert K.get_uid("layer") == 1
    assert K.variable(0.0).name == "variable_1"
    assert K.is_tensor(K.learning_phase())
    assert float(v) == 3.0
    assert [f([7.0, phase])[0].tolist() for phase in (0, 1)] == [3.0, 7.0]


@pytest.mark.parametrize("decorate", [K.symbolic, K.eager])
def test_no_graph_is_entered_or_left(decorate):
    assert decorate(len) is len
