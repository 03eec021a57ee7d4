"""The workloads compute on kbplug what they compute in NumPy by hand, in float64."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

NAMES = sorted(path.stem for path in Path(__file__).with_name("workloads").glob("w*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_results_are_right_to_the_tolerance_of_the_workload(name, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    candidate, workloads = import_module("candidate"), import_module("workloads")
    peers, of_kbplug = import_module("peers"), import_module("peers.of_kbplug")
    assert name in workloads.NAMES
    workload = workloads.named(name)
    expected = candidate.reference(workload, quick=True)
    call, found = candidate.begin(peers.PEERS["kbplug"], of_kbplug, workload, True, expected)
    assert 0 < found["error"] <= workload.TOLERANCE
    assert all(np.isfinite(result).all() for result in call())
