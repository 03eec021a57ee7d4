"""The package of a new engine, as templates, and how they are filled. It knows no array library."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path, PurePosixPath
from string import Template

from kbplug.config import normalise
from kbplug.engine import API
from kbplug.errors import ArgumentError
from kbplug.plugins.registry import BUILTIN

TEMPLATES = {
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "README.md.txt",
    "src/$module/__init__.py": "init.py.txt",
    "src/$module/engine.py": "engine.py.txt",
    "src/$module/kbplug.toml": "kbplug.toml.txt",
    "src/$module/py.typed": "py.typed.txt",
    "tests/test_conformance.py": "test_conformance.py.txt",
}
"""Path in the new package to template; ``$name`` and its like are replaced in both."""


def write(name: str, directory: Path) -> list[Path]:
    """Write the package of an engine called ``name`` into ``directory/kbplug-NAME`` and return its files.

    Raises
    ------
    ArgumentError
        If the name cannot be an engine's, or the directory exists already.
    """
    words = _words(name)
    root = directory / words["dist"]
    if root.exists():
        raise ArgumentError(f"{root} exists already; choose another name, or another directory with --path.")
    written = []
    for path, text in _filled(words):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        written.append(file)
    return written


def _words(name: str) -> dict[str, str]:
    plain = normalise(name)
    if not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", plain):
        raise ArgumentError(f"An engine cannot be called {name!r}; use letters, digits and hyphens.")
    if plain in BUILTIN:
        raise ArgumentError(f"The engine {plain!r} is built in and cannot be shadowed; choose another name.")
    title = "".join(part.capitalize() for part in plain.split("-"))
    if not title.isidentifier():  # it begins with a digit
        title = f"Engine{title}"
    return {
        "name": plain,
        "dist": f"kbplug-{plain}",
        "module": f"kbplug_{plain.replace('-', '_')}",
        "engine": f"{title}Engine",
        "api": f">={API},<{int(API.split('.')[0]) + 1}",
    }


def _filled(words: dict[str, str]) -> Iterator[tuple[PurePosixPath, str]]:
    folder = resources.files(__name__)
    for path, template in TEMPLATES.items():
        text = Template((folder / template).read_text(encoding="utf-8"))
        yield PurePosixPath(Template(path).substitute(words)), text.substitute(words)
