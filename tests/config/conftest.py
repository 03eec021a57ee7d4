"""Settings that start from nothing."""

import pytest

from kbplug import config


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    """The settings file of this test, not written yet; nothing is resolved."""
    monkeypatch.setenv("KBPLUG_HOME", str(tmp_path))
    config.reset()
    yield tmp_path / "kbplug.json"
    config.reset()
