"""From wheels alone, in a clean environment: each engine trains the demo's network to what NumPy reaches."""

import json
import os

import pytest

from journey.terminal import Terminal, build

pytestmark = pytest.mark.slow

LIBRARIES = {"torch": ("torch==2.13.0",), "jax": ("jax",), "mlx": (), "strict": ()}
"""What is installed before an engine's own wheel: for PyTorch the release whose build for the CPU is at hand."""

ACCURACY = 0.9778


def trained(terminal, **variables):
    """Return the accuracy on digits that the network has not seen."""
    threads = {"OMP_NUM_THREADS": str(os.cpu_count())}
    return json.loads(terminal.type("kbplug demo --json", **threads, **variables))[-1]["accuracy"]


@pytest.fixture(scope="module")
def bare(tmp_path_factory, wheels):
    """A terminal with kbplug's wheel and nothing that it does not ask for."""
    terminal = Terminal(tmp_path_factory.mktemp("wheels") / "bare", wheels)
    terminal.type("pip install kbplug")
    return terminal


def test_numpy_alone(bare):
    assert trained(bare) == pytest.approx(ACCURACY, abs=1e-4)
    assert bare.type("kbplug demo --epochs 2 --picture curve.png", fails=True).count("pip install 'kbplug[plot]'") == 1


def test_an_engine_that_is_known_but_missing_names_its_wheel(bare):
    told = bare.type("kbplug demo", fails=True, KBPLUG_BACKEND="torch")
    assert "run `pip install kbplug-torch`" in told


@pytest.mark.parametrize("name", LIBRARIES)
def test_an_engine_beside_it(name, request, tmp_path, wheels):
    if name not in request.config.getoption("engine", default=[]):
        pytest.skip(f"--engine {name} asks for it")
    build(request.config.rootpath / "plugins" / f"kbplug-{name}", wheels)
    terminal = Terminal(tmp_path / name, wheels)
    for what in (*LIBRARIES[name], f"kbplug-{name}"):
        terminal.type(f"pip install {what}")
    reached = trained(terminal, KBPLUG_BACKEND=name)
    print(f"{name}: accuracy {reached:.4f}")
    assert reached == pytest.approx(ACCURACY, abs=1e-4)
