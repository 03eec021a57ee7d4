"""A site directory with plugins really installed in it: metadata, entry points and all."""

import os
import subprocess
import sys
import textwrap

import pytest

from kbplug import plugins

GOOD = """
from kbplug import hookimpl
from kbplug.engine import Engine

class Good(Engine):
    name = {name!r}

@hookimpl
def kbplug_engine(name, options):
    engine = Good()
    engine.options = dict(options)
    return engine
"""


class Site:
    """One directory on the path, as ``pip install --target`` leaves it."""

    def __init__(self, path):
        self.path = path
        path.mkdir()

    def install(self, name, source=GOOD, *, dist=None, manifest=None, value=None, group="engines", version="1.0"):
        dist = dist or f"kbplug-{name}"
        package = dist.replace("-", "_")
        files = {f"{package}/__init__.py": textwrap.dedent(source.replace("{name!r}", repr(name)))}
        if manifest is not None:
            files[f"{package}/kbplug.toml"] = manifest
        info = f"{package}-{version}.dist-info"
        files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {dist}\nVersion: {version}\n"
        files[f"{info}/entry_points.txt"] = f"[kbplug.{group}]\n{name} = {value or package}\n"
        files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in (*files, f"{info}/RECORD"))
        for file, text in files.items():
            (self.path / file).parent.mkdir(exist_ok=True)
            (self.path / file).write_text(text)
        return package

    def run(self, *arguments, cwd=None, **variables):
        """Run Python with this directory on its path."""
        path = os.pathsep.join(filter(None, (str(self.path), os.environ.get("PYTHONPATH"))))
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=cwd or self.path.parent,
            env={**os.environ, "PYTHONPATH": path, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def kbplug(self, *arguments, **keywords):
        """Run the command ``kbplug``."""
        return self.run("-m", "kbplug", *arguments, **keywords)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A site directory on this process's path too; what was imported from it is forgotten afterwards."""
    directory = Site(tmp_path / "site")
    monkeypatch.syspath_prepend(str(directory.path))
    plugins.reset()
    yield directory
    plugins.reset()
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(directory.path)):
            del sys.modules[name]
