"""The suite itself: frozen, strict about exceptions, skipping by promises alone."""

from types import MappingProxyType

import pytest

from kbplug.engine import Capabilities, Engine
from kbplug.engines.numpy.engine import NumpyEngine
from kbplug.errors import EngineError
from kbplug.testing import exceptions
from kbplug.testing.certificate import certify, claims
from kbplug.testing.suites import v1
from kbplug.testing.suites.case import Case, run
from kbplug.testing.suites.freeze import lines
from kbplug.testing.suites.operations import ground


def fails(target):
    raise AssertionError("It fails.")


def passes(target):
    pass


class Modest(NumpyEngine):
    name = "modest"
    capabilities = Capabilities(dtypes=frozenset({"float32"}), fft=False)


def test_ids_are_unique_and_every_tier_has_cases():
    ids = [case.id for case in v1.cases()]
    assert len(ids) == len(set(ids))
    assert {case.tier for case in v1.cases()} == set(v1.TIERS)
    assert {f"test_{tier}" for tier in v1.TIERS} == set(v1.__all__)


def test_no_frozen_sample_was_changed_or_removed():
    present = dict(line.rsplit(" ", 1) for line in lines())
    changed = {id for id, digest in v1.frozen().items() if present.get(id) != digest}
    advice = "add samples, at the end; before the first release, `python -m kbplug.testing.suites.freeze` accepts them"
    assert not changed, advice


def test_what_is_not_frozen_is_pointed_out_and_not_red():
    case = Case("values/new-0", fails, frozen=False)
    found = run(case, Modest(), {})
    assert (found.status, found.detail) == ("skipped", "It is new and no part of this suite yet, and fails: It fails.")


@pytest.mark.parametrize(
    ("needs", "check", "status"),
    [
        ({"float32"}, passes, "passed"),
        ({"float32"}, fails, "failed"),
        ({"float64"}, passes, "claimable"),
        ({"float64"}, fails, "skipped"),
        ({"fft"}, fails, "skipped"),
        ({"linalg"}, fails, "failed"),
    ],
)
def test_a_skip_follows_from_what_is_not_promised(needs, check, status):
    assert run(Case("values/x", check, frozenset(needs)), Modest(), {}).status == status


@pytest.mark.parametrize(("check", "status"), [(fails, "excepted"), (passes, "failed")])
def test_an_exception_is_strict(check, status):
    assert run(Case("values/x", check), Modest(), {"values/x": "known"}).status == status


def test_a_stale_exception_is_an_error():
    assert exceptions.stale({"values/gone-0": "why", "values/abs-0": "why"}, [c.id for c in v1.cases()]) == [
        "values/gone-0"
    ]


@pytest.mark.parametrize("text", ['"values/x" = ""', '"values/x" = 1', "nonsense"])
def test_an_exception_needs_a_reason(tmp_path, text):
    (tmp_path / exceptions.FILE).write_text(text)
    with pytest.raises(EngineError):
        exceptions.read(tmp_path / exceptions.FILE)


def test_a_promise_is_claimable_only_where_no_failure_speaks_against_it():
    said = [("fft is not promised, but works", "claimable"), ("int8 is not promised, but works", "claimable")]
    assert claims([*said, ("int8 is not promised", "skipped")]) == ("fft",)


def test_the_numpy_engine_is_compared_with_the_bodies_of_ops():
    import kbplug

    numpy = kbplug.engine("numpy")
    assert ground(Modest()) is numpy
    assert "conv" in numpy.kernels
    assert "conv" not in ground(numpy).kernels


def test_a_report_tells_what_happened():
    wanted = ("values/exp-0", "values/exp-0:single", "values/fft.fft-0")
    broken = Modest()
    broken.kernels = MappingProxyType({**NumpyEngine.kernels, "exp": lambda x: x})
    report = certify(broken, cases=[case for case in v1.cases() if case.id in wanted])
    data = report.data()
    assert not data["ok"]
    assert list(data["failed"]) == ["values/exp-0:single"]
    assert data["skipped"] == {"float64 is not promised": 1}
    assert "complex128 and fft and float64 are not promised, but works" not in data["claimable"]
    page = report.markdown()
    assert "# Conformance of modest: not passed" in page
    assert "- `values/exp-0:single`: Result 0 of exp" in page


def test_an_engine_that_cannot_run_here_is_not_certified(monkeypatch):
    from kbplug.engine import Probe

    monkeypatch.setattr(NumpyEngine, "probe", lambda self: Probe(ok=False, reason="There is no CUDA device."))
    report = certify("numpy", cases=[case for case in v1.cases() if case.tier in ("packaging", "saving")])
    assert [found.case.id for found in report.failures] == ["packaging/can-run-here"]
    assert "There is no CUDA device." in report.failures[0].detail
    assert report.waiting == 2
    assert not report.ok


def test_an_engine_may_be_given_itself():
    class Half(Engine):
        name = "half"

    report = certify(Half(), cases=[case for case in v1.cases() if case.id == "values/exp-0"])
    assert [found.case.id for found in report.failures] == ["values/exp-0"]
