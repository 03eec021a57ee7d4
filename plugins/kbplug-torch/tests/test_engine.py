"""The engine by itself: options, devices, conversions, and the compiler."""

import subprocess
import sys

import numpy as np
import pytest
import torch

import kbplug
from kbplug import backend as K
from kbplug_torch.engine import TorchEngine


@pytest.fixture
def engine():
    return TorchEngine(device="cpu")


@pytest.mark.parametrize("dtype", sorted(TorchEngine.capabilities.dtypes))
@pytest.mark.parametrize("view", ["plain", "reversed", "transposed", "read-only", "empty", "0-d"])
def test_values_come_back_as_they_went(engine, dtype, view):
    whole = np.arange(6).reshape(2, 3).astype(dtype)
    views = {"reversed": whole[::-1, ::-1], "transposed": whole.T, "empty": whole[:0], "0-d": whole[0, 0, ...]}
    there = views.get(view, whole)
    if view == "read-only":
        there.setflags(write=False)
    inside = engine.from_numpy(there)
    assert isinstance(inside, torch.Tensor)
    back = engine.to_numpy(inside)
    assert (back.dtype, back.shape) == (there.dtype, there.shape)
    np.testing.assert_array_equal(back, there)


def test_a_lazily_conjugated_tensor_leaves_as_its_values(engine):
    x = torch.tensor([1 + 2j, 3 - 4j])
    np.testing.assert_array_equal(engine.to_numpy(x.conj()), [1 - 2j, 3 + 4j])
    np.testing.assert_array_equal(engine.to_numpy(x.conj().imag), [-2, 4])


def test_a_device_that_is_not_here_is_refused():
    with pytest.raises(ValueError, match=r"options\.torch\.device is 'cuda:97', but here are"):
        TorchEngine(device="cuda:97")


def test_the_probe_names_the_library_and_every_device(engine):
    probe = engine.probe()
    assert probe.ok
    assert probe.versions["torch"] == torch.__version__
    assert probe.devices[-1] == "cpu"


def test_equal_states_draw_equal_numbers_and_others_do_not(engine):
    draw = engine.kernels["random.bits"]
    states = [torch.tensor(s) for s in ([1, 2, 3], [1, 2, 4], [2, 1, 3], [1, 2, 3])]
    drawn = [draw(s, shape=(50,)).tolist() for s in states]
    assert drawn[0] == drawn[3]
    assert len({tuple(d) for d in drawn}) == 3


def test_truncated_normal_numbers_have_the_moments_they_should(engine):
    drawn = engine.kernels["random.truncated_normal"](torch.tensor([1, 2, 3]), shape=(20000,), dtype=torch.float64)
    assert drawn.abs().max() <= 2
    assert abs(drawn.mean()) < 0.02
    assert abs(drawn.std() - 0.8796) < 0.02  # Johnson and Kotz, 1970: sqrt(1 - 4 phi(2) / (2 Phi(2) - 1))


def test_a_compiled_function_gives_what_the_plain_one_does(monkeypatch):
    # The backend "aot_eager" traces as the full compiler does and needs no C++ compiler.
    original = torch.compile
    monkeypatch.setattr(torch, "compile", lambda run, **options: original(run, backend="aot_eager", **options))
    compiled, plain = TorchEngine(device="cpu", compile=True), TorchEngine(device="cpu")
    x, w = K.placeholder((None, 3), dtype="float32"), K.variable(np.ones((3, 2)), dtype="float32")
    y = K.sum(K.tanh(K.dot(x, w)))
    f = K.function([x], [y, K.gradients(y, [w])[0]])
    for rows in (4, 7):
        value = np.linspace(-1, 1, rows * 3, dtype="float32").reshape(rows, 3)
        found = []
        for engine in (compiled, plain):
            with kbplug.engine_scope(engine):
                found.append(f([value]))
        for a, b in zip(*found, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_importing_the_plugin_loads_no_array_library():
    code = "import sys, kbplug_torch; print(*{'numpy', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
