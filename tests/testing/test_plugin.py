"""An author's way: from the package that new-engine writes, by the to-do list of its own tests, to green."""

import os
import subprocess
import sys

import pytest

from kbplug.testing import scaffold

WORKING = '''
"""array-api-strict as the author's engine."""

import array_api_strict as xp
import numpy as np

from kbplug.engine import Engine, Probe


class MylibEngine(Engine):
    name = "mylib"
    xp = xp

    def from_numpy(self, array, /, *, device=None):
        return xp.asarray(array)

    def to_numpy(self, array, /):
        return np.from_dlpack(array)

    def probe(self):
        return Probe(ok=True, devices=("cpu",), versions={"array-api-strict": xp.__version__})
'''


class Author:
    """Works in the directory of the package, which is installed."""

    def __init__(self, tmp_path):
        scaffold.write("mylib", tmp_path)
        self.root = tmp_path / "kbplug-mylib"
        self.source = self.root / "src" / "kbplug_mylib"

    def install(self):
        info = self.root / "src" / "kbplug_mylib-0.1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kbplug-mylib\nVersion: 0.1.0\n")
        (info / "entry_points.txt").write_text("[kbplug.engines]\nmylib = kbplug_mylib\n")

    def pytest(self, *arguments):
        path = os.pathsep.join(filter(None, (str(self.root / "src"), os.environ.get("PYTHONPATH"))))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout


@pytest.fixture
def author(tmp_path):
    return Author(tmp_path)


def test_a_package_that_is_not_installed_is_told_so(author):
    status, out = author.pytest()
    assert status == 1
    assert "1. No engine named 'mylib' is installed." in out
    assert "pip install -e ." in out


def test_a_fresh_package_fails_with_a_list_of_what_is_to_do(author):
    author.install()
    status, out = author.pytest()
    to_do = out.partition(" to do ")[2]
    assert status == 1
    assert "Set xp to a namespace of the Array API standard." in to_do
    assert "TODO: from_numpy, the way in." in to_do
    assert "TODO: a probe that names the devices" in to_do
    assert "cases wait until that is done." in to_do
    assert "is_installed" not in to_do


def test_the_list_leads_to_green(author):
    author.install()
    (author.source / "engine.py").write_text(WORKING)
    status, out = author.pytest("-k", "packaging or behaviour or saving or exp-")
    assert status == 0, out
    assert "to do" not in out


def test_a_file_that_is_left_out_whole_does_not_stop_the_summary(author):
    author.install()
    left_out = author.root / "tests" / "test_left_out.py"
    left_out.write_text('import pytest\n\npytest.importorskip("no_such_library")\n')
    status, out = author.pytest(str(left_out))
    assert (status, "1 skipped" in out) == (5, True)  # 5: nothing was run


def test_a_stale_exception_stops_the_run(author):
    author.install()
    (author.source / "engine.py").write_text(WORKING)
    (author.source / "kbplug-exceptions.toml").write_text('"values/gone-0" = "was there once"\n')
    status, _ = author.pytest("-k", "saving")
    assert status == 4


def test_an_engine_is_named_on_the_command_line(author):
    status, out = author.pytest("--kbplug-engine", "numpy", "-k", "saving")
    assert status == 0, out
