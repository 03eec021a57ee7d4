"""What every test run shares: no settings of the person who runs it, and documents whose code is run."""

import importlib.util
import os
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser, SkipParser

# The conformance suite, for plugins/*/tests.
pytest_plugins = ["kbplug.testing.plugin"]


def array_clients() -> bool:
    """Say whether the libraries are here whose use on tensors a document shows, and will take tensors."""
    found = [importlib.util.find_spec(name) for name in ("einops", "scipy", "sklearn")]
    return all(found) and os.environ.get("SCIPY_ARRAY_API") == "1"


pytest_collect_file = Sybil(
    path=str(Path(__file__).parent),
    parsers=[PythonCodeBlockParser(doctest_optionflags=ELLIPSIS | NORMALIZE_WHITESPACE), SkipParser()],
    setup=lambda namespace: namespace.update(array_clients=array_clients),
    patterns=["README.md", "docs/**/*.md", "docs/*.md"],
).pytest()


@pytest.fixture(autouse=True, scope="session")
def _no_settings_of_ones_own(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("KBPLUG_")]:
            patch.delenv(name)
        patch.setenv("KBPLUG_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(autouse=True)
def _names_of_examples(doctest_namespace):
    from kbplug import backend

    doctest_namespace["K"] = backend
