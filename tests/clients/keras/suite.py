"""Run Keras 2.3.1's own tests with kbplug as the backend, file by file, and hold the counts beside its peers'.

    python suite.py [--only FILE ... | --short] [--engine NAME] [--again] [--write]

Results are kept, so that an interrupted run goes on where it stopped; ``--again`` forgets those of the files it runs.
A failure that ``exceptions.toml`` does not name is an error, and so is a named one that passes.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PEERS = HERE / "data" / "suite-peers.csv"
EXCEPTIONS = HERE / "exceptions.toml"
TABLE = ROOT / "docs" / "results" / "keras-suite.md"
SOURCE = "keras==2.3.1"

# Keras's NumPy backend sorts unstably, and its tests compare to the last bit; NumPy's wider kernels order ties and
# round otherwise than those of their time.
NARROW = "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"


# What goes deepest into the backend, in a few minutes.
SHORT = [
    "keras/activations_test",
    "keras/backend/",
    "keras/constraints_test",
    "keras/engine/",
    "keras/initializers_test",
    "keras/layers/",
    "keras/losses_test",
    "keras/metrics_correctness_test",
    "keras/metrics_training_test",
    "keras/optimizers_test",
    "keras/regularizers_test",
    "test_loss_",
    "test_model_saving",
]


def sources(folder: Path) -> Path:
    """Return the folder of Keras's tests, unpacked from its source archive on PyPI."""
    unpacked = folder / "Keras-2.3.1"
    if not (unpacked / "tests").is_dir():
        fetch = ["download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest", str(folder), SOURCE]
        subprocess.run([sys.executable, "-m", "pip", *fetch], check=True)
        with tarfile.open(next(folder.glob("[Kk]eras-2.3.1.tar.gz"))) as archive:
            wanted = [m for m in archive if m.name.split("/")[1:2] in (["tests"], ["examples"])]
            archive.extractall(folder, wanted, filter="data")
        (unpacked / "pytest.ini").write_text("[pytest]\n")  # the project's own settings end here
    return unpacked


def run(unpacked: Path, file: str, engine: str, limit: float) -> dict[str, Any]:
    """Run one file of tests and return its counts, its failures with their messages, and its seconds."""
    report = unpacked / "report.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "suite_plugin"]
    command += [f"--junitxml={report}", f"tests/{file}"]
    began = time.monotonic()
    try:
        own = environment(engine, unpacked)
        done = subprocess.run(
            command, cwd=unpacked, env=own, timeout=limit, capture_output=True, text=True, check=False
        )
        output = done.stdout
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode()
    seconds = round(time.monotonic() - began, 1)
    if not report.exists():
        return {"passed": 0, "failed": {"(whole file)": output[-2000:]}, "skipped": 0, "seconds": seconds}
    return {**counts(report), "seconds": seconds}


def environment(engine: str, home: Path) -> dict[str, str]:
    """Return the variables under which a file runs."""
    own = {
        "KBPLUG_BACKEND": engine,
        "KERAS_BACKEND": "kbplug.backend",
        "KERAS_HOME": str(home),
        "NPY_DISABLE_CPU_FEATURES": NARROW,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(HERE), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]),
        "PYTHONWARNINGS": "ignore::RuntimeWarning:numpy",  # what is said of the narrow kernels
    }
    return {**os.environ, **own}


def counts(report: Path) -> dict[str, Any]:
    """Return what a JUnit report says."""
    passed, skipped, failed = 0, 0, {}
    for case in ElementTree.parse(report).iter("testcase"):
        fault = next((part for part in case if part.tag in ("failure", "error")), None)
        if fault is not None:
            failed[name_of(case)] = fault.get("message", "")[:500]
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return {"passed": passed, "failed": failed, "skipped": skipped}


def name_of(case: ElementTree.Element) -> str:
    """Return a test's name with that of its class, if it has one."""
    last = case.get("classname", "").rsplit(".", 1)[-1]
    return f"{last}::{case.get('name')}" if last[:1].isupper() else str(case.get("name"))


def complaints(file: str, result: dict[str, Any], exceptions: dict[str, dict[str, str]]) -> list[str]:
    """Return what a file did that it should not: failures without a reason, and reasons without a failure."""
    excused = exceptions.get(file, {})
    wrong = [f"{file}::{name}: {text}" for name, text in result["failed"].items() if name not in excused]
    passing = sorted(excused.keys() - result["failed"].keys())
    return wrong + [f"{file}::{name} passes; strike it from {EXCEPTIONS.name}" for name in passing]


def table(peers: list[dict[str, str]], results: dict[str, Any], engine: str) -> str:
    """Return the counts of every file beside those of its peers, as a table in Markdown."""
    names = list(peers[0])[1:]
    head = ["file", *names, f"kbplug ({engine})", "seconds"]
    rows = [head, ["---"] * len(head)]
    for peer in peers:
        result = results.get(peer["file"])
        own = "not run" if result is None else f"{result['passed']}/{len(result['failed'])}/{result['skipped']}"
        rows.append([*peer.values(), own, "" if result is None else str(round(result["seconds"]))])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def page(peers: list[dict[str, str]], results: dict[str, Any], engine: str) -> str:
    """Return the page of results: the table, and each exception with its reason."""
    named = tomllib.loads(EXCEPTIONS.read_text())
    excused = [f"- `{file}::{test}`: {reason}" for file, tests in named.items() for test, reason in tests.items()]
    passed = sum(result["passed"] for result in results.values())
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"""# Keras's own tests

Passed/failed/skipped, for each file of the tests in the source archive of Keras 2.3.1. TensorFlow 1.15.5 and
Theano 1.0.5 ran them on Python 3.7; kbplug runs the same files on Python {python}, and {passed} pass. What Keras skips
for every backend not called `tensorflow` is skipped here too; Theano's further tests of convolution are for `full`, a
padding of its own. `nox -s keras` makes this page.

{table(peers, results, engine)}

What fails, and why:

{chr(10).join(excused)}
"""


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="FILE", help="parts of names of files")
    parser.add_argument("--short", dest="only", action="store_const", const=SHORT, help="the files named in SHORT")
    parser.add_argument("--engine", default="numpy")
    parser.add_argument("--again", action="store_true", help="also run files that have a result")
    parser.add_argument("--limit", type=float, default=1800, help="seconds for one file")
    parser.add_argument("--folder", type=Path, default=ROOT / ".nox" / "keras-suite")
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.relative_to(ROOT)}")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    kept = given.folder / f"{given.engine}.json"
    results = json.loads(kept.read_text()) if kept.exists() else {}
    exceptions = tomllib.loads(EXCEPTIONS.read_text())
    peers = [p for p in csv.DictReader(PEERS.open()) if not given.only or any(part in p["file"] for part in given.only)]
    if any("vis_utils" in peer["file"] for peer in peers) and shutil.which("dot") is None:
        parser.error("Keras's tests of its plots call GraphViz's dot, which is not on the path; install graphviz.")
    unpacked = sources(given.folder)
    wrong = []
    for file in [peer["file"] for peer in peers]:
        if given.again or file not in results:
            results[file] = run(unpacked, file, given.engine, given.limit)
            kept.write_text(json.dumps(results, indent=1))
            result = results[file]
            print(f"{result['passed']:4} passed {len(result['failed']):3} failed  {file}", flush=True)
        wrong += complaints(file, results[file], exceptions)
    print(table(peers, results, given.engine))
    if given.write:
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text(page(peers, results, given.engine))
    sys.exit("\n".join(wrong) or 0)


if __name__ == "__main__":
    main()
