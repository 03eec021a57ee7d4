"""The tier that runs the tests of a checkout: each test is an outcome, and exceptions count as in every tier."""

import subprocess
import sys
from textwrap import dedent

import pytest

from kbplug import plugins
from kbplug.errors import ArgumentError
from kbplug.testing import array_api, exceptions
from kbplug.testing.suites.case import EXCEPTED, FAILED, PASSED, SKIPPED


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text(
        dedent("""
        def pytest_addoption(parser):
            parser.addoption("--max-examples")
            parser.addoption("--disable-deadline", action="store_true")
            parser.addoption("--derandomize", action="store_true")
        """)
    )
    tests = tmp_path / "array_api_tests"
    tests.mkdir()
    (tests / "test_sums.py").write_text(
        dedent("""
        import importlib, os
        import pytest

        xp = importlib.import_module(os.environ["ARRAY_API_TESTS_MODULE"])

        def test_sum():
            import kbplug
            assert float(xp.sum(xp.asarray([1.0, 2.0]))) == 3
            assert kbplug.engine().name == "strict"

        def test_wrong():
            assert float(xp.sum(xp.asarray([1.0, 2.0]))) == 4

        class TestMore:
            @pytest.mark.parametrize("n", [1, 2])
            def test_skips(self, n):
                pytest.skip("not here")
        """)
    )
    return tmp_path


def test_each_test_of_the_checkout_is_an_outcome(checkout):
    found = {o.case.id: (o.status, o.detail) for o in array_api.outcomes(plugins.engine("strict"), checkout, {})}
    assert found["array-api/test_sums.py::test_sum"] == (PASSED, "")
    status, detail = found["array-api/test_sums.py::test_wrong"]
    assert status == FAILED
    assert "4" in detail
    assert found["array-api/test_sums.py::TestMore::test_skips[2]"] == (SKIPPED, "not here")
    assert len(found) == 4


def test_exceptions_excuse_what_fails_and_nothing_else(checkout):
    known = {f"array-api/test_sums.py::{name}": "the library's fault" for name in ("test_sum", "test_wrong")}
    assert exceptions.stale(known, ()) == []
    found = {o.case.id: o.status for o in array_api.outcomes(plugins.engine("strict"), checkout, known)}
    assert found["array-api/test_sums.py::test_wrong"] == EXCEPTED
    assert found["array-api/test_sums.py::test_sum"] == FAILED


def test_what_is_no_checkout_is_refused_in_one_sentence(tmp_path):
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(ArgumentError, match=r"The tests in .* do not run|is no checkout of array-api-tests"):
            array_api.outcomes(plugins.engine("strict"), path, {})


def test_the_command_adds_the_tier_to_its_table(checkout):
    command = [sys.executable, "-m", "kbplug", "check", "strict", "--tier", "saving", "--array-api", str(checkout)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "array-api" in done.stdout
    assert "array-api/test_sums.py::test_wrong" in done.stdout
