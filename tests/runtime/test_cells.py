"""Cells: a value of fixed spec that changes only by being set or committed, whole or not at all."""

import copy
import pickle
import threading

import numpy as np
import pytest

from kbplug import engine_scope, plugins
from kbplug.errors import ArgumentError, FeedError, ShapeError
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import tensor
from kbplug.runtime.cells import Cell, Locked, Update, Variable, cell_of, commit, reading_after, reads
from kbplug.runtime.function import Function


def variable(value=(1.0, 2.0), name="v", **rules):
    return Variable(Cell(np.array(value), name, **rules))


@pytest.mark.parametrize("keep", [pickle.dumps, copy.deepcopy])
def test_a_variable_is_neither_pickled_nor_copied_deeply(keep):
    with pytest.raises(ArgumentError, match="The variable 'v' is neither pickled nor copied deeply, since functions"):
        keep([variable()])


def test_a_shallow_copy_is_the_same_variable():
    v = variable()
    w = copy.copy(v)
    v.cell.set([3.0, 4.0])
    assert w.cell is v.cell
    assert w.value().tolist() == [3.0, 4.0]


def test_a_cell_keeps_a_copy_and_gives_copies():
    given = np.ones(2)
    cell = Cell(given, "c")
    given[:] = 5
    taken = cell.get()
    taken[:] = 7
    assert cell.get().tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.ones(3), r"The variable 'c' expects the shape \(2,\), but was given \(3,\)"),
        (np.ones(2) * 1j, "The variable 'c' expects float32, but was given complex128; feed its real part"),
        (["a", "b"], "The variable 'c' cannot be fed"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_and_nothing_changes(value, message):
    cell = Cell(np.zeros(2, "float32"), "c")
    with pytest.raises(FeedError, match=message):
        cell.set(value)
    assert cell.get().tolist() == [0.0, 0.0]


def test_a_value_set_is_rounded_to_the_dtype():
    cell = Cell(np.zeros(2, "float32"), "c")
    cell.set([0.1, 1])
    assert cell.get().dtype == "float32"
    assert cell.get().tolist() == [float(np.float32(0.1)), 1.0]


def test_a_cell_of_unknown_size_takes_any():
    cell = Cell(np.zeros(2), "c", spec=Spec((None,), "float64"))
    cell.set(np.ones(5))
    assert cell.get().shape == (5,)


def test_the_value_moves_to_the_engine_that_uses_it_and_stays():
    cell = Cell(np.ones(2), "c")
    numpy, strict = plugins.engine("numpy"), plugins.engine("strict")
    moved = cell.on(strict)
    assert cell.on(strict) is moved
    assert isinstance(cell.on(numpy), np.ndarray)
    assert cell.on(strict) is not moved
    assert cell.get().tolist() == [1.0, 1.0]


def test_two_variables_of_equal_values_are_two():
    a, b = variable(), variable()
    assert a.node is not b.node
    assert cell_of(a.node) is a.cell
    assert reads([a.node, (a + b).node, b.node]) == [a.node, b.node]
    assert (a * b).node.stateful
    assert not (a * b).node.symbolic


def test_a_variable_is_a_tensor_with_a_value():
    v = variable()
    assert float((v * 2)[1]) == 4.0
    assert repr(v) == "<variable 'v' float64[2]\n[1. 2.]>"
    v.cell.set([3.0, 4.0])
    assert (v * 2).value().tolist() == [6.0, 8.0], "nothing of a cell is remembered"


def test_a_variable_is_never_assigned_to_in_place():
    v = variable()
    with pytest.raises(ArgumentError, match="cannot be assigned to in place; use K"):
        v[0] = 5.0


def test_an_update_has_the_spec_of_its_variable():
    v = variable()
    assert Update(v, 3).shape == (2,)
    assert Update(v, tensor(np.float32([1, 2]))).dtype == "float64"
    with pytest.raises(ShapeError, match=r"The variable 'v' has shape \(2,\), but its update has \(3,\)"):
        Update(v, [1.0, 2.0, 3.0])


def test_a_commit_is_all_or_nothing():
    a, b = Cell(np.ones(2), "a"), Cell(np.ones(3), "b")
    with pytest.raises(ShapeError, match=r"The update of 'b' has shape \(2,\).*no variable was changed"):
        commit([a, b], plugins.engine("numpy"), [np.zeros(2), np.zeros(2)])
    assert a.get().tolist() == [1.0, 1.0]


def test_a_failing_call_on_another_engine_commits_nothing():
    v = variable()
    f = Function([], [], updates=[(v, v + 1.0)])
    with engine_scope("strict"):
        f([])
    assert v.cell.get().tolist() == [2.0, 3.0]
    f([])
    assert v.cell.get().tolist() == [3.0, 4.0]


def test_reading_after_sees_what_the_first_update_leaves():
    v = variable()
    first, second = Update(v, v + 1), Update(v, v + 100)
    with reading_after([first, second]):
        ahead = v * 2
    assert ahead.node is (first * 2).node
    assert (v * 2).node is not ahead.node


def test_locks_are_taken_in_one_order_whatever_order_is_asked():
    a, b = Cell(np.ones(1), "a"), Cell(np.ones(1), "b")
    done = []

    def work(cells):
        for _ in range(300):
            with Locked(cells):
                done.append(1)

    threads = [threading.Thread(target=work, args=(order,)) for order in ([a, b], [b, a], [b, b, a])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(done) == 900
