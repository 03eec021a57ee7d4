"""The package's own names: lazy, complete, and functions where modules bear the same name."""

import subprocess
import sys

import pytest

import kbplug


def test_every_public_name_is_there_after_the_one_import():
    code = "import kbplug; assert dir(kbplug) == sorted(kbplug.__all__); [getattr(kbplug, n) for n in dir(kbplug)]"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'kbplug' has no attribute 'engin'"):
        kbplug.engin  # noqa: B018


@pytest.mark.parametrize(
    "first", ["import kbplug.engine", "from kbplug.engine import Engine", "from kbplug import engine", "import kbplug"]
)
def test_engine_is_the_function_whatever_is_imported_first(first):
    code = f"{first}; import kbplug; from kbplug import engine; from kbplug.plugins.active import engine as function"
    code += (
        "; from kbplug.engine import Engine; assert engine is kbplug.engine is function; assert Engine is kbplug.Engine"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
