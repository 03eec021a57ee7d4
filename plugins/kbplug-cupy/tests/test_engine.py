"""The engine without a device: what importing does, what every op runs by, and what is said where there is none."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from needs import why_no_device

HERE = Path(__file__).parent
PROJECTS = [HERE.parent, HERE.parent.parent / "kbplug-cupy-cuda12x"]


def test_importing_the_plugin_loads_no_array_library():
    code = "import sys, kbplug_cupy; print(*{'numpy', 'cupy'} & set(sys.modules))"
    path = os.pathsep.join([str(HERE.parent / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == []


def test_the_twin_differs_in_nothing_but_cuda():
    ours, twin = (tomllib.loads((p / "pyproject.toml").read_text())["project"] for p in PROJECTS)
    for key in ("version", "requires-python", "license", "entry-points", "optional-dependencies"):
        assert ours[key] == twin[key], key
    renamed = [d.replace("cuda13x", "cuda12x") for d in ours["dependencies"]]
    assert renamed == twin["dependencies"]


def test_the_manifest_promises_the_dtypes_that_kernels_have():
    from kbplug_cupy.codegen.types import CTYPES

    manifest = tomllib.loads((HERE.parent / "src" / "kbplug_cupy" / "kbplug.toml").read_text())
    assert set(manifest["capabilities"]["dtypes"]) == set(CTYPES) - {"bfloat16"}


def test_every_op_has_a_kernel_a_body_or_a_function():
    pytest.importorskip("cupy", reason="CuPy is not installed.")
    from types import SimpleNamespace

    from kbplug.testing.suites.packaging import _missing
    from kbplug_cupy.engine import CupyEngine
    from kbplug_cupy.kernels import kernels

    engine = SimpleNamespace(
        name="cupy", xp=CupyEngine.xp, capabilities=CupyEngine.capabilities, kernels=kernels(False)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kbplug.plugins.kernels_for", lambda engine: engine.kernels)
        assert sorted(_missing(engine)) == []


@pytest.fixture
def no_device():
    pytest.importorskip("cupy", reason="CuPy is not installed.")
    if not why_no_device():
        pytest.skip("There is a CUDA device.")


def test_selecting_the_engine_without_a_device_says_why(no_device):
    from kbplug.errors import EngineError
    from kbplug_cupy.engine import CupyEngine

    with pytest.raises(EngineError, match=r"The engine 'cupy' cannot run here\. No CUDA device: .+\."):
        CupyEngine()


def test_nothing_falls_back_in_silence(no_device):
    code = "from kbplug import backend as K; K.eval(K.constant([1.0]) + 1.0)"
    environment = {**os.environ, "KBPLUG_BACKEND": "cupy", "KBPLUG_HOME": str(HERE / "nowhere")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode != 0
    assert "cupy" in done.stderr


def test_the_doctor_says_that_there_is_no_device(no_device):
    command = [sys.executable, "-m", "kbplug", "doctor", "cupy", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "No engine named" in done.stderr:
        pytest.skip("The plugin is not installed.")
    (found,) = json.loads(done.stdout)["engines"]
    assert not found["probe"]["ok"]
    assert found["probe"]["reason"].startswith("No CUDA device: ")
