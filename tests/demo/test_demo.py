"""The main job: the tour says what a reader of the old notebook expects; the network learns alike on every engine."""

import json
import sys

import numpy as np
import pytest

from kbplug import backend as K
from kbplug import config, engine_scope
from kbplug.cli import main
from kbplug.demo import digits, network, tour


def test_the_digits_are_whole_and_split_without_overlap():
    data = digits.load()
    assert len(data.images) == len(data.labels) == 1797
    assert {len(row) for row in data.images} == {64}
    assert set(data.labels) == set(range(10))
    assert all(0.0 <= v <= 1.0 for row in data.images for v in row)
    seen, held_out = digits.split(data)
    assert (len(seen.labels), len(held_out.labels)) == (1437, 360)
    assert seen.one_hot()[0] == [float(seen.labels[0] == digit) for digit in range(10)]


def test_the_tour_shows_specs_values_and_settings():
    told = {}
    tour.tour(told.__setitem__)
    assert told["K.placeholder(shape=(2, 4, 5))"].shape == (2, 4, 5)
    assert told["K.placeholder(shape=(None, 4, 5))"].shape == (None, 4, 5)
    assert told["K.placeholder(ndim=3)"].shape == (None, None, None)
    assert "[[1. 2.]" in str(told["K.variable([[1, 2], [3, 4]])"])
    np.testing.assert_array_equal(told["K.dot(a, K.transpose(a))"], [[5.0, 11.0], [11.0, 25.0]])
    np.testing.assert_array_equal(told["its gradient at x = [1, 2]"], [3.0, 12.0])
    np.testing.assert_array_equal(told["its second derivative at x = [1, 2]"], [6.0, 12.0])
    assert told["K.get_value(calls)"] == 1.0
    assert told["K.backend()"] == K.backend()


def losses(engine, epochs):
    config.set_rng("portable")
    with engine_scope(engine):
        made = network.build(seed=1)
        return network.train(made, digits.split(digits.load()), epochs, 1, lambda epoch: None)


def test_the_same_losses_on_both_engines():
    np.testing.assert_allclose(losses("strict", 2), losses("numpy", 2), rtol=0, atol=1e-5)


def test_the_command_reaches_its_goal_and_draws(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "loss.png"
    assert main(["demo", "--picture", str(picture)]) == 0
    said = capsys.readouterr().out
    assert "the goal of 0.96 was reached" in said
    assert "float32[?, 4, 5]" in said
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_command_fails_honestly_when_the_goal_is_missed(capsys):
    assert main(["demo", "--epochs", "1", "--json"]) == 1
    (epoch,) = json.loads(capsys.readouterr().out)
    assert 0 < epoch["accuracy"] < 0.96
    assert epoch["loss"] > epoch["test_loss"] > 0


def test_without_matplotlib_the_command_says_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["demo", "--epochs", "1", "--picture", str(tmp_path / "loss.png")]) == 1
    assert "pip install 'kbplug[plot]'" in capsys.readouterr().out
    assert not (tmp_path / "loss.png").exists()


def test_an_unknown_engine_is_told_with_a_hint(capsys):
    assert main(["demo", "--backend", "nunpy"]) == 1
    assert "numpy" in capsys.readouterr().err
