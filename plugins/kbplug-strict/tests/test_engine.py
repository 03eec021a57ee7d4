"""The engine by itself: values come and go unchanged, devices are kept apart, and nothing beyond the standard runs."""

import subprocess
import sys

import array_api_strict as xp
import numpy as np
import pytest

from kbplug.engine import STANDARD_DTYPES
from kbplug_strict.engine import StrictEngine


@pytest.fixture
def engine():
    return StrictEngine()


@pytest.mark.parametrize("dtype", sorted(STANDARD_DTYPES))
@pytest.mark.parametrize("device", [None, "cpu", "device1"])
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3)])
def test_values_come_back_as_they_went(engine, dtype, device, shape):
    there = np.ones(shape).astype(dtype)
    inside = engine.from_numpy(there, device=device)
    assert isinstance(inside, type(xp.zeros(1)))
    back = engine.to_numpy(inside)
    assert (back.dtype, back.shape) == (there.dtype, there.shape)
    np.testing.assert_array_equal(back, there)


def test_arrays_of_two_devices_refuse_to_meet(engine):
    here, there = (engine.from_numpy(np.ones(2), device=d) for d in ("cpu", "device1"))
    with pytest.raises(ValueError, match="device"):
        here + there


def test_the_probe_names_the_library_and_every_device(engine):
    probe = engine.probe()
    assert probe.ok
    assert probe.versions["array-api-strict"] == xp.__version__
    for device in probe.devices:
        engine.from_numpy(np.ones(1), device=device)


def test_importing_the_plugin_loads_no_array_library():
    code = "import sys, kbplug_strict; print(*{'numpy', 'array_api_strict'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
