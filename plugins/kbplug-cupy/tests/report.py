"""Writes what a run on a CUDA device showed: counts from pytest's XML, versions, and a few ratios measured now.

``python report.py COUNTS.xml PAGE.md``. Fails if the run did, or if nothing ran.
"""

import datetime
import platform
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import cupy
import numpy as np

import kbplug
from kbplug import backend as K
from kbplug_cupy.device import probe
from kbplug_cupy.engine import CupyEngine

REPEATS = 30


def counts(path):
    """Return the number of outcomes by group of tests, and the names of what failed."""
    found, failed = {}, []
    for case in ET.parse(path).iter("testcase"):
        group = case.get("classname", "").rpartition(".")[2]
        if group == "test_conformance":
            group = f"conformance: {case.get('name', '').partition('[')[0].removeprefix('test_')}"
        status = next((c.tag for c in case if c.tag in ("failure", "error", "skipped")), "passed")
        found.setdefault(group, Counter())[status] += 1
        if status in ("failure", "error"):
            failed.append(f"{group}: {case.get('name')}")
    return found, failed


def milliseconds(call):
    """Return the median time of a call on the device."""
    start, end = cupy.cuda.Event(), cupy.cuda.Event()
    call()
    times = []
    for _ in range(REPEATS):
        start.record()
        call()
        end.record()
        end.synchronize()
        times.append(cupy.cuda.get_elapsed_time(start, end))
    return float(np.median(times))


def chain(x):
    """Return ten elementwise ops."""
    y = K.tanh(x) * 0.5 + 0.5
    return K.exp(-y) * x + K.square(y) - K.abs(x) * 0.1


WORKLOADS = {"ten elementwise ops": chain, "softmax of rows": K.softmax}


def ratios():
    """Yield rows: a workload, fused, op by op, and a copy of the same array."""
    value = cupy.random.default_rng(1).standard_normal((1 << 14, 1 << 10), dtype=cupy.float32)
    copy = milliseconds(value.copy)
    for name, build in WORKLOADS.items():
        x = K.placeholder((None, 1 << 10), dtype="float32")
        function = K.function([x], [build(x)])
        times = []
        for fuse in (True, False):
            run = function.executable(CupyEngine(fuse=fuse)).run
            times.append(milliseconds(lambda run=run: run(value)))
        yield name, times[0], times[1], copy


def page(found, failed):
    """Yield the lines of the page."""
    here = probe()
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    versions = {"kbplug": kbplug.__version__, "Python": platform.python_version(), **here.versions}
    yield "# CuPy on a device\n"
    yield f"`nox -s gpu` on {datetime.datetime.now(datetime.UTC).date()}, on one {name}:"
    yield ", ".join(f"{k} {v}" for k, v in versions.items()) + ".\n"
    yield "| tests | passed | failed | skipped |\n| --- | ---: | ---: | ---: |"
    for group, c in sorted(found.items()):
        yield f"| {group} | {c['passed']} | {c['failure'] + c['error']} | {c['skipped']} |"
    if failed:
        yield "\n## Failed\n"
        yield from (f"- `{name}`" for name in failed)
    yield "\n## Times\n"
    yield "Milliseconds on the device for 16384 x 1024 numbers of float32, the median of 30.\n"
    yield "| workload | fused | op by op | a copy | fused : copy |\n| --- | ---: | ---: | ---: | ---: |"
    for row in ratios():
        yield f"| {row[0]} | {row[1]:.3f} | {row[2]:.3f} | {row[3]:.3f} | {row[1] / row[3]:.2f} |"


def main(xml, target):
    """Write the page, and say whether the run was good."""
    found, failed = counts(xml)
    Path(target).write_text("\n".join(page(found, failed)) + "\n", encoding="utf-8")
    return 1 if failed or not sum(c["passed"] for c in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
