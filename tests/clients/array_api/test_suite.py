"""The runner is strict: it excuses only what it is told to, and keeps no line that excuses nothing."""

import argparse
import importlib.util
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).with_name("suite.py")


@pytest.fixture(scope="module")
def suite():
    spec = importlib.util.spec_from_file_location("array_api_suite", FILE)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # where dataclasses look
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def counts(suite):
    failed = {"t.py::bad": "AssertionError"}
    return suite.Counts(frozenset({"t.py::good"}), frozenset({"t.py::left_out"}), failed, 1.0, 20)


@pytest.mark.parametrize(
    ("excused", "said"),
    [
        ({}, ["e: t.py::bad: AssertionError"]),
        ({"t.py::bad": "why"}, []),
        ({"t.py::bad": " "}, ["e: t.py::bad is excused without a reason."]),
        (
            {"t.py::bad": "why", "t.py::good": "why"},
            ["e: t.py::good does not fail; strike it from exceptions/e.toml."],
        ),
        (
            {"t.py::bad": "why", "t.py::left_out": "why"},
            ["e: t.py::left_out does not fail; strike it from exceptions/e.toml."],
        ),
        (
            {"t.py::bad": "why", "t.py::gone": "why"},
            ["e: t.py::gone is no test of the suite; strike it from exceptions/e.toml."],
        ),
    ],
)
def test_each_failure_needs_a_line_and_each_line_a_failure(suite, counts, excused, said):
    assert suite.complaints("e", counts, excused) == said


def test_a_report_is_read_by_the_ids_of_pytest(suite, tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite time="2.5"><testcase classname="array_api_tests.test_a" name="test_b[x &gt; 0]"/>'
        '<testcase classname="array_api_tests.test_a.TestC" name="test_d"><failure message="AssertionError: 1&#10;2"/>'
        '</testcase><testcase classname="array_api_tests.test_a" name="test_e"><skipped/></testcase>'
        '<testcase classname="array_api_tests.test_a" name="test_f"><error message="no"/></testcase>'
        "</testsuite></testsuites>"
    )
    found = suite.read(report, 20)
    assert found.passed == {"array_api_tests/test_a.py::test_b[x > 0]"}
    assert found.skipped == {"array_api_tests/test_a.py::test_e"}
    assert found.failed == {
        "array_api_tests/test_a.py::TestC::test_d": "AssertionError: 1",
        "array_api_tests/test_a.py::test_f": "no",
    }
    assert found.seconds == 2.5


def test_what_was_reported_before_is_not_run_again(suite, tmp_path):
    checkout, reports = tmp_path / "checkout", tmp_path / "kept" / "some.module-numpy-20"
    checkout.joinpath("array_api_tests").mkdir(parents=True)
    reports.mkdir(parents=True)
    for name in ("test_a", "test_b"):
        checkout.joinpath("array_api_tests", f"{name}.py").touch()
        case = f'<testcase classname="array_api_tests.{name}" name="test_c"/>'
        reports.joinpath(f"{name}.py.xml").write_text(f'<testsuite time="1.5">{case}</testsuite>')
    given = argparse.Namespace(checkout=checkout, keep=tmp_path / "kept", only=None, examples=20, processes=0)
    found = suite.run("some.module", "numpy", given)
    assert found.passed == {"array_api_tests/test_a.py::test_c", "array_api_tests/test_b.py::test_c"}
    assert (found.seconds, found.examples) == (3.0, 20)


def test_every_line_of_the_exceptions_has_a_reason(suite):
    files = list(suite.EXCEPTIONS.glob("*.toml"))
    assert {"numpy", "strict"} <= {f.stem for f in files}
    assert all(reason.strip() for f in files for reason in suite.exceptions(f.stem).values())


def test_the_page_counts_and_gives_reasons(suite, counts, monkeypatch):
    monkeypatch.setattr(suite, "exceptions", lambda engine: {"t.py::bad": "Because."})
    page = suite.page({"numpy": counts}, {}, "Of a day.")
    assert "| numpy | 20 | 1 | 1 | 1 | 1 | not run |" in page
    assert "- numpy: `t.py::bad`: Because." in page
