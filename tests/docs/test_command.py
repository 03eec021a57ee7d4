"""The page about the command names every subcommand, and no other."""

import re
from pathlib import Path

import pytest

from kbplug.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "command.md"


def test_the_page_names_each_subcommand(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = set(re.findall(r"^    ([a-z-]+)\s", capsys.readouterr().out, re.MULTILINE))
    described = {
        row.split()[0] for row in re.findall(r"^\| `([^`]*)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert described - {"kbplug"} == listed
