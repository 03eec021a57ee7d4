"""The reference leaves nothing public out."""

import inspect
from pathlib import Path

import pytest

import kbplug
from kbplug import backend, errors
from kbplug.plugins import HookSpecs

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def documented(page):
    return (REFERENCE / page).read_text(encoding="utf-8")


PUBLIC = sorted(n for n, v in vars(backend).items() if inspect.isfunction(v) and not n.startswith("_"))


@pytest.mark.parametrize("name", PUBLIC)
def test_each_function_of_the_backend_stands_on_its_page(name):
    function = inspect.unwrap(getattr(backend, name))
    assert f".. automodule:: {function.__module__}\n" in documented("backend.md")
    assert inspect.getdoc(function)


def test_each_name_of_the_package_is_described():
    for name in set(kbplug.__all__) - {"__version__"}:
        assert inspect.getdoc(getattr(kbplug, name)), name


@pytest.mark.parametrize("name", [n for n in vars(HookSpecs) if n.startswith("kbplug_")])
def test_each_hook_is_described(name):
    assert ".. autoclass:: HookSpecs\n   :members:" in documented("hooks.md")
    assert inspect.getdoc(getattr(HookSpecs, name)).partition("\n")[0].endswith(".")


def test_each_error_tells_when_it_is_raised():
    raised = [e for e in vars(errors).values() if inspect.isclass(e) and e.__module__ == errors.__name__]
    assert raised
    assert all(e.__doc__ for e in raised)
