"""What a journey starts from: kbplug's wheel, built from this source."""

from pathlib import Path

import pytest

from journey.terminal import build

ROOT = Path(__file__).parents[2]


def pytest_addoption(parser):
    text = "also train the demo from wheels on this engine, whose library may be large; may be repeated"
    parser.addoption("--engine", action="append", default=[], metavar="NAME", help=text)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    """A directory of wheels, with kbplug's in it."""
    directory = tmp_path_factory.mktemp("wheels")
    build(ROOT, directory)
    return directory
