"""Profiles: one row per node in the order of the run, counts beside times, and what is said where none can be made."""

import io
import sys

import numpy as np
import pytest
from rich.console import Console

import kbplug
import kbplug.array_api as xp
from kbplug import backend as K
from kbplug.errors import ArgumentError, FeedError
from kbplug.runtime import timing
from kbplug.runtime.profile import Profile


@pytest.fixture(scope="module", autouse=True)
def _briefly():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timing, "SECONDS", 0.01)
        yield


@pytest.fixture(scope="module")
def network():
    x, w = K.placeholder((None, 4), name="x"), K.variable(np.ones((4, 3), "float32"))
    y = K.softmax(K.dot(x, w))
    return K.function([x], [K.sum(y, axis=0)], updates=[K.update_add(w, 1.0)], name="network")


@pytest.fixture(scope="module")
def profile(network):
    return network.profile([np.ones((5, 4))])


def test_rows_stand_in_the_order_of_the_run():
    x, w = K.placeholder((3, 4)), K.placeholder((4, 2))
    product = K.dot(x, w)
    picked = xp.cumulative_sum(xp.sort(product, axis=0), axis=0)
    found = K.function([x, w], [picked, product]).profile([np.ones((3, 4)), np.ones((4, 2))])
    assert [row.op for row in found.rows] == ["matmul", "sort", "cumulative_sum"]
    assert [row.operations for row in found.rows] == [3 * 2 * 4 * 2, None, 6]


def test_sizes_are_those_of_the_call(profile):
    product = next(row for row in profile.rows if row.op == "matmul")
    assert str(product.spec) == "float32[5, 3]"
    assert product.operations == 5 * 3 * 4 * 2
    assert product.bytes == (20 + 12 + 15) * 4
    assert "test_profile.py" in product.where


def test_times_are_measured(profile):
    assert all(row.seconds > 0 for row in profile.rows)
    assert profile.seconds > 0
    assert profile.limits.operations > 0
    assert profile.limits.bytes > 0
    assert all(row.share is None or row.share >= 0 for row in profile.rows)
    times = [row.seconds for row in profile.slowest()]
    assert times == sorted(times, reverse=True)


def test_nothing_is_committed():
    total = K.variable(0.0)
    count = K.function([], [total * 1.0], updates=[K.update_add(total, 1.0)])
    count.profile()
    assert float(total) == 0.0


def test_it_prints_as_a_table(profile):
    out = io.StringIO()
    Console(file=out, width=120).print(profile)
    for text in (str(profile), out.getvalue()):
        assert "network on numpy" in text
        assert "matmul" in text
        assert "float32[5, 3]" in text


def test_it_draws_a_picture(profile, tmp_path):
    pytest.importorskip("matplotlib")
    profile.plot(tmp_path / "profile.png")
    assert (tmp_path / "profile.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_it_says_what_to_install(profile, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ArgumentError, match=r"pip install kbplug\[plot\]"):
        profile.plot(tmp_path / "profile.png")


def test_bad_feeds_are_told(network):
    with pytest.raises(FeedError, match="network takes 1 inputs, but was given 0"):
        network.profile()
    with pytest.raises(FeedError, match=r"Input 0 of network \(x\) expects the shape"):
        network.profile([np.ones(3)])


def test_loops_and_large_graphs_have_a_row_each():
    x = K.placeholder((2, 5, 3))
    _, outputs, _ = K.rnn(lambda x, states: (x * states[0], [x * states[0]]), x, [K.ones((2, 3))])
    found = K.function([x], [outputs]).profile([np.ones((2, 5, 3))])
    assert [row.operations for row in found.rows if row.op == "scan"] == [5 * 6]


def test_large_regions_show_what_is_inside():
    x = K.placeholder((1 << 20,))
    found = K.function([x], [K.exp(K.tanh(x) * 2.0)]).profile([np.zeros(1 << 20, "float32")])
    (row,) = [row for row in found.rows if row.op == "fused"]
    assert row.inside == ("tanh", "multiply", "exp")
    assert row.operations == 3 << 20
    assert row.bytes == 8 << 20


def test_another_engine_is_profiled_too():
    x = K.placeholder((4,))
    with kbplug.engine_scope("strict"):
        found = K.function([x], [K.exp(x)]).profile([np.ones(4)])
    assert isinstance(found, Profile)
    assert found.engine == "strict"
    assert [row.op for row in found.rows] == ["exp"]


def test_sparse_inputs_are_fed_as_in_a_call():
    sparse = pytest.importorskip("scipy.sparse")
    x = K.placeholder((2, 3), sparse=True)
    function = K.function([x], [K.dot(x, K.ones((3, 2)))])
    assert function.profile([sparse.eye(2, 3).tocsr()]).rows
