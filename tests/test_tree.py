"""The rules of the tree that no other tool checks."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import kbplug

ROOT = Path(__file__).parents[1]
SOURCES = sorted(ROOT.glob("kbplug/**/*.py"))
PLUGINS = sorted(ROOT.glob("plugins/*/src/**/*.py"))
LONGEST = 400

# What a plugin may build on; everything else in kbplug may change without notice.
PUBLIC = {"kbplug.dtypes", "kbplug.engine", "kbplug.errors", "kbplug.graph", "kbplug.testing"}


def paths(path):
    return str(path.relative_to(ROOT))


def imported(source):
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("source", SOURCES + PLUGINS, ids=paths)
def test_a_module_says_what_it_knows_and_stays_short(source):
    text = source.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "the first sentence of a module says what it knows and may not know"
    assert len(text.splitlines()) <= LONGEST, "one idea in one place: split it"
    assert not {"utils", "helpers", "common", "misc"} & set(source.with_suffix("").parts), "name it by what it holds"


@pytest.mark.parametrize("source", PLUGINS, ids=paths)
def test_a_plugin_imports_only_what_is_public(source):
    public = PUBLIC | {f"kbplug.{name}" for name in kbplug.__all__}
    ours = {".".join(name.split(".")[:2]) for name in imported(source) if name.split(".")[0] == "kbplug"}
    assert ours <= public


@pytest.mark.parametrize("plugin", sorted(ROOT.glob("plugins/kbplug-*/pyproject.toml")), ids=lambda p: p.parent.name)
def test_the_readme_leads_to_each_package(plugin):
    page = plugin.with_name("README.md").relative_to(ROOT).as_posix()
    assert f"[{plugin.parent.name}]({page})" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_importing_kbplug_loads_nothing_heavy():
    code = "import sys, kbplug; print(*{'numpy', 'importlib.metadata', 'pluggy', 'rich'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
