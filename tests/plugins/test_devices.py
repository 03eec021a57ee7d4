"""Devices: named alike on every engine, chosen by settings or arguments, and refused in one sentence."""

import json
import subprocess
import sys

import array_api_strict as xp
import numpy as np
import pytest

import kbplug
from kbplug import backend as K
from kbplug import config, plugins
from kbplug.errors import EngineError, SettingsError


@pytest.fixture(autouse=True)
def afresh():
    plugins.reset()
    yield
    plugins.reset()


def where(engine):
    return engine.from_numpy(np.ones(2)).device


def trained(steps=5):
    """Return the losses of a small network with dropout, whose draws are portable."""
    config.set_rng("portable")
    x, t = K.placeholder((None, 3)), K.placeholder((None, 1))
    w = K.variable(np.linspace(-1, 1, 6).reshape(3, 2))
    v = K.variable([[0.5], [-0.5]])
    y = K.dot(K.dropout(K.tanh(K.dot(x, w)), 0.3, seed=3), v)
    loss = K.mean(K.square(y - t))
    updates = [K.update_sub(p, 0.1 * g) for p, g in zip((w, v), K.gradients(loss, [w, v]), strict=True)]
    f = K.function([x, t], [loss], updates=updates)
    given = np.arange(12, dtype="float32").reshape(4, 3) / 10
    return [float(f([given, given[:, :1]])[0]) for _ in range(steps)]


@pytest.mark.parametrize("device", ["device1", "device2"])
def test_a_program_runs_on_the_device_of_the_settings(monkeypatch, device):
    expected = trained()
    plugins.reset()
    monkeypatch.setenv("KBPLUG_BACKEND", "strict")
    monkeypatch.setenv("KBPLUG_DEVICE", device)
    assert kbplug.engine().device == device
    assert where(kbplug.engine()) == xp.Device(device)
    np.testing.assert_allclose(trained(), expected, rtol=1e-6)


def test_an_argument_goes_before_the_settings(monkeypatch):
    monkeypatch.setenv("KBPLUG_BACKEND", "strict")
    monkeypatch.setenv("KBPLUG_DEVICE", "device1")
    assert kbplug.engine().device == "device1"
    with kbplug.engine_scope("strict", device="device2") as inside:
        assert (inside.device, config.settings().device) == ("device2", "device2")
        with kbplug.engine_scope("numpy") as numpy:  # the settings' device is the settings' engine's
            assert (numpy.device, config.settings().device) == ("cpu", None)
    assert kbplug.engine().device == config.settings().device == "device1"
    assert kbplug.set_engine("strict", device="device2").device == config.settings().device == "device2"
    assert kbplug.set_engine("strict").device == "cpu"


def test_one_engine_on_one_device_is_one_engine():
    there = kbplug.engine("strict", "device1")
    assert kbplug.engine("strict", "device1") is there
    assert kbplug.engine("strict", "cpu") is kbplug.engine("strict")
    assert kbplug.engine("numpy", "cpu") is kbplug.engine("numpy")
    assert kbplug.engine(device="cpu") is kbplug.engine()


def test_variables_move_between_devices():
    w = K.variable([1.0, 2.0])
    f = K.function([], [w], updates=[K.update(w, w * 3)])
    for device in ("cpu", "device1", "device2", "device1"):
        with kbplug.engine_scope("strict", device=device) as engine:
            f([])
            assert w.cell.on(engine).device == engine.xp.asarray([0]).device
    assert K.get_value(w).tolist() == [81.0, 162.0]


@pytest.mark.parametrize(
    ("name", "device", "told"),
    [
        ("numpy", "cuda:0", "The engine 'numpy' has no device 'cuda:0' here; it has cpu."),
        (
            "strict",
            "device3",
            "The engine 'strict' has no device 'device3' here; it has cpu, device1, device2. Did",
        ),
    ],
)
def test_an_unknown_device_is_one_finished_sentence(monkeypatch, name, device, told):
    for ask in (kbplug.engine, kbplug.set_engine, lambda n, d: kbplug.engine_scope(n, d).__enter__()):
        with pytest.raises(EngineError) as caught:
            ask(name, device)
        assert str(caught.value).startswith(told)
    monkeypatch.setenv("KBPLUG_BACKEND", name)
    monkeypatch.setenv("KBPLUG_DEVICE", device)
    plugins.reset()
    with pytest.raises(EngineError, match="The device is from KBPLUG_DEVICE"):
        kbplug.engine()


def test_what_is_no_name_of_a_device_is_refused_and_auto_is_the_engines_choice():
    with pytest.raises(SettingsError, match=r"engine\(\): device is 0, but it must be a device such as 'cpu' or"):
        kbplug.engine("numpy", 0)
    assert kbplug.engine("numpy", "auto") is kbplug.engine("numpy")


def test_a_kind_of_device_is_the_first_of_that_kind():
    class Two(kbplug.Engine):
        name = "two"

        def devices(self):
            return ("cuda:0", "cuda:1", "cpu")

    assert kbplug.engine(Two(), "cuda").device == "cuda:0"
    assert kbplug.engine(Two(), "cuda:1").device == "cuda:1"


def test_engines_lists_devices_without_loading_and_those_here_on_demand():
    def told(*flags):
        command = [sys.executable, "-m", "kbplug", "engines", "--json", *flags]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return {e["name"]: e["devices"] for e in json.loads(done.stdout)["engines"]}

    everywhere = told()
    assert everywhere["numpy"] == ["cpu"]
    assert everywhere["strict"] == ["cpu", "device1", "device2"]
    here = told("--devices")
    assert here["numpy"] == ["cpu"]
    assert here["strict"] == ["cpu", "device1", "device2"]
    table = subprocess.run([sys.executable, "-m", "kbplug", "engines"], capture_output=True, text=True, check=True)
    assert "cpu, device1, device2" in table.stdout
