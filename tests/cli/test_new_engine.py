"""The package that `kbplug new-engine` writes: it lints, builds, and is refused where it cannot be meant."""

import importlib.util
import subprocess
import sys
import tomllib
import zipfile

import pytest

from kbplug import cli
from kbplug.testing import scaffold

needs_build_tools = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("ruff", "mypy", "build", "hatchling")),
    reason="ruff, mypy, build and hatchling are development tools",
)


def tool(*arguments, cwd):
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=cwd, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def package(tmp_path, capsys):
    assert cli.main(["new-engine", "My_Lib", "--path", str(tmp_path)]) == 0
    capsys.readouterr()
    return tmp_path / "kbplug-my-lib"


def test_every_template_is_filled(package):
    files = {str(file.relative_to(package)) for file in package.rglob("*") if file.is_file()}
    assert files == {path.replace("$module", "kbplug_my_lib") for path in scaffold.TEMPLATES}
    assert not [file for file in package.rglob("*") if file.is_file() and "$" in file.read_text()]


def test_one_name_stands_everywhere(package):
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    manifest = tomllib.loads((package / "src/kbplug_my_lib/kbplug.toml").read_text())
    assert project["entry-points"]["kbplug.engines"] == {"my-lib": "kbplug_my_lib"}
    assert manifest["name"] == "my-lib"
    assert 'name = "my-lib"' in (package / "src/kbplug_my_lib/engine.py").read_text()


def test_the_command_says_what_comes_next(tmp_path, capsys):
    cli.main(["new-engine", "mylib", "--path", str(tmp_path)])
    assert f"cd {tmp_path / 'kbplug-mylib'} && pip install -e" in capsys.readouterr().out


def test_the_engine_is_about_sixty_lines(package):
    source = package / "src" / "kbplug_my_lib"
    assert sum(len((source / file).read_text().splitlines()) for file in ("__init__.py", "engine.py")) < 75


@pytest.mark.parametrize("name", ["numpy", "a b", "", "naïve", "x;y"])
def test_a_name_that_no_engine_can_have_is_refused(tmp_path, capsys, name):
    assert cli.main(["new-engine", name, "--path", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("kbplug: ")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(package, capsys):
    assert cli.main(["new-engine", "my-lib", "--path", str(package.parent)]) == 1
    assert "exists already" in capsys.readouterr().err


@needs_build_tools
@pytest.mark.parametrize("name", ["mylib", "9lib-x", "engine"])
def test_the_package_is_linted(tmp_path, name):
    scaffold.write(name, tmp_path)
    root = tmp_path / f"kbplug-{name}"
    tool("ruff", "check", "--no-cache", ".", cwd=root)
    tool("ruff", "format", "--no-cache", "--check", ".", cwd=root)


@pytest.mark.slow
@needs_build_tools
def test_the_package_is_typed_and_builds(package):
    tool("mypy", "--cache-dir", str(package.parent / "cache"), cwd=package)
    tool("build", "--wheel", "--no-isolation", cwd=package)
    (wheel,) = (package / "dist").glob("*.whl")
    assert "kbplug_my_lib/kbplug.toml" in zipfile.ZipFile(wheel).namelist()
