"""Run Keras 2.3.1's own tests with kbplug as the backend, file by file, and hold the counts beside its peers'.

    python suite.py [--only FILE ... | --short] [--engine NAME] [--again] [--write]

Results are kept, so that an interrupted run goes on where it stopped; ``--again`` forgets those of the files it runs.
A failure that ``exceptions.toml`` does not name, for every engine or for the one that ran, is an error, and so is a
named one that passes. ``--write`` writes a page of what is kept, of all engines.
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
from collections.abc import Iterable
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


def exceptions(engine: str) -> dict[str, dict[str, str]]:
    """Return by file and test why it fails: on every engine, or on this one alone."""
    everywhere = tomllib.loads(EXCEPTIONS.read_text())
    own = everywhere.pop("engines", {}).get(engine, {})
    return {file: {**everywhere.get(file, {}), **own.get(file, {})} for file in {**everywhere, **own}}


def complaints(file: str, result: dict[str, Any], excused: dict[str, str]) -> list[str]:
    """Return what a file did that it should not: failures without a reason, and reasons without a failure."""
    wrong = [f"{file}::{name}: {text}" for name, text in result["failed"].items() if name not in excused]
    passing = sorted(excused.keys() - result["failed"].keys())
    return wrong + [f"{file}::{name} passes; strike it from {EXCEPTIONS.name}" for name in passing]


def table(peers: list[dict[str, str]], results: dict[str, dict[str, Any]]) -> str:
    """Return the counts of every file, engine by engine, beside those of its peers, as a table in Markdown."""
    head = ["file", *list(peers[0])[1:], *(f"kbplug ({engine})" for engine in results), "seconds"]
    rows = [head, ["---"] * len(head)]
    for peer in peers:
        found = [result.get(peer["file"]) for result in results.values()]
        seconds = " / ".join(str(round(f["seconds"])) for f in found if f is not None)
        rows.append([*peer.values(), *map(shown, found), seconds])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def shown(result: dict[str, Any] | None) -> str:
    """Return passed/failed/skipped."""
    return "not run" if result is None else f"{result['passed']}/{len(result['failed'])}/{result['skipped']}"


def fewer(peers: list[dict[str, str]], results: dict[str, Any], peer: str) -> list[str]:
    """Return the files of which fewer tests pass than on a peer."""
    kept = [p for p in peers if p["file"] in results]
    return [p["file"] for p in kept if results[p["file"]]["passed"] < int(p[peer].split("/", maxsplit=1)[0])]


def page(peers: list[dict[str, str]], results: dict[str, dict[str, Any]]) -> str:
    """Return the page of results: the table, what passes on fewer than on the peers, and each exception's reason."""
    passed = {engine: sum(r["passed"] for r in found.values()) for engine, found in results.items()}
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    built_in = next(iter(results))
    behind = {peer: ", ".join(f"`{f}`" for f in fewer(peers, results[built_in], peer)) for peer in list(peers[0])[1:]}
    return f"""# Keras's own tests

Passed/failed/skipped, for each file of the tests in the source archive of Keras 2.3.1. TensorFlow 1.15.5 and
Theano 1.0.5 ran them on Python 3.7; kbplug runs the same files on Python {python}, and what passes is
{", ".join(f"{count} on {engine}" for engine, count in passed.items())}.

{table(peers, results)}

## Where fewer pass than elsewhere

{chr(10).join(f"- Than on {peer}: {files}." for peer, files in behind.items())}

Keras skips by name what it wrote for TensorFlow alone, for every backend not called `tensorflow`; that, and the
failures below, is the whole difference to TensorFlow. `convolutional_test.py` has more tests on Theano, for `full`, a
padding of its own.

## What hangs on a seed

Three tests train from the seed 1337 to a bound, and pass on NumPy. How many of the seeds 0 to 9 pass instead, on kbplug
(numpy), TensorFlow 1.15.5 and Theano 1.0.5: `test_image_classification` 6, 7 and 9;
`test_image_data_generator_training` 9, 10 and 10, where Theano fails for 1337; `test_temporal_regression` 8, 8 and not
run. kbplug moves NumPy's generator as the others do, so one seed shuffles the samples alike on all, and draws other
weights on each.

## What fails, and why

{chr(10).join(reasons(results))}

`nox -s keras` makes this page; `nox -s keras -- --engine NAME --write` adds another engine.
"""


def reasons(engines: Iterable[str]) -> list[str]:
    """Return a line for every exception: first those of all engines, then those of one."""
    everywhere = exceptions("")
    lines = [f"- `{file}::{test}`: {why}" for file, tests in everywhere.items() for test, why in tests.items()]
    for engine in engines:
        own = [(f, t, why) for f, tests in exceptions(engine).items() for t, why in tests.items()]
        lines += [f"- {engine}: `{f}::{t}`: {why}" for f, t, why in own if t not in everywhere.get(f, {})]
    return lines


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
    peers = list(csv.DictReader(PEERS.open()))
    chosen = [p["file"] for p in peers if not given.only or any(part in p["file"] for part in given.only)]
    if any("vis_utils" in file for file in chosen) and shutil.which("dot") is None:
        parser.error("Keras's tests of its plots call GraphViz's dot, which is not on the path; install graphviz.")
    results, wrong = run_all(chosen, given)
    ran = [peer for peer in peers if peer["file"] in chosen]
    print(table(ran, {given.engine: results}))
    if given.write:
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text(page(peers, everything(given.folder)))
    sys.exit("\n".join(wrong) or 0)


def run_all(files: list[str], given: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    """Return the results of files, run now or kept, and what is wrong with them."""
    kept = given.folder / f"{given.engine}.json"
    results = json.loads(kept.read_text()) if kept.exists() else {}
    unpacked, excused, wrong = sources(given.folder), exceptions(given.engine), []
    for file in files:
        if given.again or file not in results:
            results[file] = run(unpacked, file, given.engine, given.limit)
            kept.write_text(json.dumps(results, indent=1))
            result = results[file]
            print(f"{result['passed']:4} passed {len(result['failed']):3} failed  {file}", flush=True)
        wrong += complaints(file, results[file], excused.get(file, {}))
    return results, wrong


def everything(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the results kept of every engine, the built-in one first."""
    found = {kept.stem: json.loads(kept.read_text()) for kept in sorted(folder.glob("*.json"))}
    return dict(sorted(found.items(), key=lambda pair: pair[0] != "numpy"))


if __name__ == "__main__":
    main()
