"""The engine by itself: options, devices, and the compiler."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend

import kbplug
from kbplug import backend as K
from kbplug_torch.engine import TorchEngine


@pytest.fixture
def engine():
    return TorchEngine(device="cpu")


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


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # PyTorch's compiler uses what Python and PyTorch deprecate
def test_torch_compile_makes_one_program_of_a_training_step(monkeypatch):
    if not shutil.which("g++"):
        pytest.skip("no C++ compiler is here")
    monkeypatch.setattr("torch._inductor.config.compile_threads", 1)  # else it starts processes for one small kernel
    original = torch.compile
    watch = CompileCounterWithBackend("inductor")
    monkeypatch.setattr(torch, "compile", lambda run, **options: original(run, backend=watch, **options))
    x, t = K.placeholder((16, 3), dtype="float32"), K.placeholder((16, 1), dtype="float32")
    given = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
    found = []
    for options in ({"compile": True}, {}):
        w, v = K.variable(np.full((3, 4), 0.5), dtype="float32"), K.variable(np.ones((4, 1)), dtype="float32")
        loss = K.mean(K.square(K.dot(K.tanh(K.dot(x, w)), v) - t))
        updates = [K.update_sub(p, 0.1 * g) for p, g in zip((w, v), K.gradients(loss, [w, v]), strict=True)]
        train = K.function([x, t], [loss], updates=updates)
        with kbplug.engine_scope(TorchEngine(device="cpu", **options)):
            found.append([float(train([given, given[:, :1]])[0]) for _ in range(20)])
    assert watch.frame_count == 1
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4)
    assert found[0][-1] < 0.5 * found[0][0]


def test_importing_the_plugin_loads_no_array_library():
    code = "import sys, kbplug_torch; print(*{'numpy', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
