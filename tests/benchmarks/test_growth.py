"""Compiling takes work in proportion to a graph's nodes, and no more of Python's stack for longer chains."""

import inspect
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from kbplug import backend as K

SHAPES = ("chain", "wide", "stacked", "variables", "layered")


@pytest.fixture
def growth(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    return import_module("growth")


def calls(work):
    """Return how many functions of Python are called meanwhile."""
    count = 0

    def note(frame, event, argument):
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", SHAPES)
def test_work_grows_with_the_nodes(growth, name):
    shape = getattr(growth, name)
    growth.stages(shape, 50)  # what is done once in a process
    few, many = (calls(lambda n=n: growth.stages(shape, n)) for n in (200, 1000))
    assert many / few < 5.5


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("nodes", [2000, pytest.param(100_000, marks=pytest.mark.nightly)])
def test_long_graphs_need_no_more_stack(growth, name, nodes):
    growth.stages(getattr(growth, name), 50)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 100)
    try:
        growth.stages(getattr(growth, name), nodes)
    finally:
        sys.setrecursionlimit(limit)


def test_a_long_chain_is_evaluated_and_cut_for_shards_without_more_stack():
    w, x = K.variable(np.eye(4) * 0.9), K.placeholder((None, 4))
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 100)
    try:
        ends = []
        for h in (K.ones((600, 4)), x):
            for _ in range(300):
                h = K.tanh(K.dot(h, w)) + h  # noqa: PLW2901 -- the chain grows from what it begins with
            ends.append(K.sum(h))
        assert np.isfinite(K.eval(ends[0]))
        step = K.function([x], [ends[1]], updates=[K.update_sub(w, K.gradients(ends[1], [w])[0])])
        assert np.isfinite(step([np.ones((600, 4), "float32")])[0])
    finally:
        sys.setrecursionlimit(limit)
