"""Writes what a run on a CUDA device showed: counts from pytest's XML, versions, and the times of workloads.

``python report.py COUNTS.xml PAGE.md``. Fails if a test did, or if none passed.
"""

import datetime
import importlib.metadata
import platform
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import ratios
from needs import TIME_IS_UP

import kbplug

LATE = "late"


def counts(path):
    """Return the number of outcomes by group of tests, and the names of what failed."""
    found, failed = {}, []
    for case in ET.parse(path).iter("testcase"):
        group = case.get("classname", "").rpartition(".")[2]
        if group == "test_conformance":
            group = f"conformance: {case.get('name', '').partition('[')[0].removeprefix('test_')}"
        status = next((_status(c) for c in case if c.tag in ("failure", "error", "skipped")), "passed")
        found.setdefault(group, Counter())[status] += 1
        if status in ("failure", "error"):
            failed.append(f"{group}: {case.get('name')}")
    return found, failed


def _status(outcome):
    return LATE if TIME_IS_UP in (outcome.get("message") or "") else outcome.tag


def versions(probe):
    """Return what ran, by name."""
    torch = {"PyTorch": importlib.metadata.version("torch")} if ratios.find_spec("torch") else {}
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    kept = {"kbplug": f"{kbplug.__version__} at {commit.stdout.strip() or 'an unknown commit'}"}
    return {**kept, "Python": platform.python_version(), **probe.versions, **torch}


def page(found, failed, device, ran, times):
    """Yield the lines of the page."""
    late = sum(c[LATE] for c in found.values())
    yield "---\norphan: true\n---\n"
    yield "# CuPy on a device\n"
    yield f"`nox -s gpu` on {datetime.datetime.now(datetime.UTC).date()}, on one {device}:"
    yield ", ".join(f"{k} {v}" for k, v in ran.items()) + ".\n"
    if late:
        yield f"The run is not complete: {late} tests were not reached in its time; `--minutes` gives it more.\n"
    yield "| tests | passed | failed | skipped | not reached |\n| --- | ---: | ---: | ---: | ---: |"
    for group, c in sorted(found.items()):
        yield f"| {group} | {c['passed']} | {c['failure'] + c['error']} | {c['skipped']} | {c[LATE]} |"
    if failed:
        yield "\n## Failed\n"
        yield from (f"- `{name}`" for name in failed)
    yield "\n## Times\n"
    yield "The workloads of tests/benchmarks in single precision, arrays on the device before and after; the best of"
    yield f"{ratios.ROUNDS} rounds. A ratio below 1 is for kbplug.\n"
    yield from ratios.table(times)


def main(xml, target):
    """Write the page, and say whether the run was good."""
    from cupy.cuda import runtime

    from kbplug_cupy.device import probe

    found, failed = counts(xml)
    device = runtime.getDeviceProperties(0)["name"].decode()
    lines = page(found, failed, device, versions(probe()), list(ratios.rows(ratios.on_cuda())))
    Path(target).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 1 if failed or not sum(c["passed"] for c in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
