"""What every test starts from: the default settings and the built-in engine, whatever was set before it."""

import pytest
from hypothesis import settings

from kbplug import config, plugins

# Found examples are kept by writing tests, not by a database; nightly tests search anew each time.
settings.register_profile("kbplug", deadline=None, derandomize=True, database=None)
settings.load_profile("kbplug")


@pytest.fixture(autouse=True)
def fresh():
    """Forget after each test what it set or selected."""
    before = config.settings()
    yield
    if config.settings() is not before:
        plugins.reset()
