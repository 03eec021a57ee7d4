"""The NumPy engine with these kernels in force for arrays of any size, as the settings ask for it."""

import json

import pytest

from kbplug import plugins


@pytest.fixture
def accelerated(tmp_path, monkeypatch):
    """Return the engine in a process whose settings name the plugin."""
    file = tmp_path / "kbplug.json"
    file.write_text(json.dumps({"plugins": {"hooks": ["numba"]}, "options": {"numba": {"least": 0}}}))
    monkeypatch.setenv("KBPLUG_CONFIG", str(file))
    plugins.reset()
    engine = plugins.engine("numpy")
    assert plugins.kernels_for(engine)["segment_sum"].__module__ == "kbplug_numba.kernels"
    yield engine
    monkeypatch.undo()
    plugins.reset()
