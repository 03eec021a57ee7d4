"""`kbplug check`: what it prints, writes and returns."""

import json

import pytest

from kbplug import cli


def test_a_part_of_the_suite_passes_and_is_reported(tmp_path, capsys):
    json_file, page = tmp_path / "report.json", tmp_path / "report.md"
    arguments = ["check", "numpy", "--tier", "saving", "--json", str(json_file), "--markdown", str(page)]
    status = cli.main(arguments)
    out = capsys.readouterr().out
    assert status == 0
    assert "numpy: passed" in out
    data = json.loads(json_file.read_text())
    assert data["ok"]
    assert data["counts"]["saving"]["passed"] == 2
    assert data["versions"]["numpy"]
    assert "| saving | 2 | 0 | 0 | 0 | 0 |" in page.read_text()


def test_an_engine_that_is_not_installed_is_what_is_to_do(capsys):
    status = cli.main(["check", "nunpy", "--tier", "saving"])
    out = capsys.readouterr().out
    assert status == 1
    assert "Did you mean 'numpy'?" in out
    assert "1. No engine named 'nunpy' is installed." in out
    assert "nunpy: not passed; 2 cases wait until that is done." in out


@pytest.mark.parametrize("tier", ["savings", ""])
def test_a_tier_that_does_not_exist_is_refused(tier, capsys):
    assert cli.main(["check", "numpy", "--tier", tier]) == 1
    assert "is no tier" in capsys.readouterr().err
