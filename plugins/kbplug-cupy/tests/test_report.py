"""The report of a run on a device, made of a run without one: counts, what was not reached, workloads on the CPU."""

import pytest
import ratios
import report
from needs import TIME_IS_UP

XML = f"""<testsuites><testsuite>
<testcase classname="tests.test_device" name="test_a"/>
<testcase classname="tests.test_conformance" name="test_values[add-0]"/>
<testcase classname="tests.test_conformance" name="test_values[add-1]"><failure message="wrong"/></testcase>
<testcase classname="tests.test_conformance" name="test_saving[x]"><skipped message="not promised"/></testcase>
<testcase classname="tests.test_conformance" name="test_saving[y]"><skipped message="{TIME_IS_UP}"/></testcase>
</testsuite></testsuites>"""


def test_counts_by_tier_and_what_failed_or_was_not_reached(tmp_path):
    path = tmp_path / "counts.xml"
    path.write_text(XML)
    found, failed = report.counts(path)
    assert found["conformance: values"] == {"passed": 1, "failure": 1}
    assert found["conformance: saving"] == {"skipped": 1, report.LATE: 1}
    assert failed == ["conformance: values: test_values[add-1]"]
    lines = "\n".join(report.page(found, failed, "a device", {"kbplug": "0"}, [("work", {"kbplug": 0.5})]))
    assert "| conformance: saving | 0 | 0 | 1 | 1 |" in lines
    assert "1 tests were not reached" in lines
    assert "- `conformance: values: test_values[add-1]`" in lines


def test_a_table_shows_ratios_and_reasons():
    found = [("a", {"kbplug": 0.002, "by hand": 0.001}), ("b", {"kbplug": "off by 1", "by hand": 0.004})]
    assert list(ratios.table(found)) == [
        "| workload | kbplug, ms | by hand, ms | kbplug : by hand |",
        "| --- | ---: | ---: | ---: |",
        "| a | 2.000 | 1.000 | 2.00 |",
        "| b | off by 1 | 4.000 |  |",
    ]


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_workload_runs_and_is_right(monkeypatch):
    monkeypatch.setattr(ratios, "AT_LEAST", 0.0)
    monkeypatch.setattr(ratios, "ROUNDS", 1)
    for title, times in ratios.rows(ratios.on_cpu(), quick=True):
        wrong = {rival: t for rival, t in times.items() if not isinstance(t, float)}
        assert not wrong, title
