"""The table of ops says what the registry says, and its check notices when it does not."""

import runpy
from pathlib import Path

import pytest

GENERATOR = Path(__file__).parents[2] / "docs" / "generate_ops.py"


@pytest.fixture
def generator(tmp_path):
    module = runpy.run_path(str(GENERATOR))
    module["main"].__globals__["PAGE"] = tmp_path / "ops.md"
    return module


def test_the_page_in_the_tree_is_current():
    assert runpy.run_path(str(GENERATOR))["main"](["--check"]) == 0


def test_a_page_that_was_just_written_is_current_and_a_changed_one_is_not(generator, capsys):
    main, page = generator["main"], generator["main"].__globals__["PAGE"]
    assert main(["--check"]) == 1
    assert main([]) == 0
    assert main(["--check"]) == 0
    page.write_text(page.read_text(encoding="utf-8").replace("softmax", "hardmax"), encoding="utf-8")
    assert main(["--check"]) == 1
    assert "generate_ops.py" in capsys.readouterr().err


def test_each_op_has_one_line(generator):
    text = generator["page"](generator["REGISTRY"].values())
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) == len(generator["REGISTRY"])
    assert any(row.startswith("| `linalg.") for row in rows)
