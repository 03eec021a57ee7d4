"""What every test starts from: the default settings and the built-in engine, whatever was set before it."""

import pytest

from kbplug import config, plugins


@pytest.fixture(autouse=True)
def fresh():
    """Forget after each test what it set or selected."""
    before = config.settings()
    yield
    if config.settings() is not before:
        plugins.reset()
