"""Ten workloads on kbplug and beside it on its peers: seconds per call, first call and import, in alternation.

Each peer runs in a process of its own, so that no library's threads stand in another's way; the processes are
asked in turns, in another order each time, so that what else the machine does falls on all alike. Where it does much
else, threads that wait for each other take many times as long; then only ``--cores 1 --clock processor`` tells what a
library's work costs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import report
from peers import PEERS
from report import Result
from workloads import NAMES, named

HERE = Path(__file__).parent
ROUNDS, QUICK_ROUNDS = 15, 5
AT_LEAST = 0.1
"""Seconds that the calls of one turn take: the first few after a rest find caches and processors taken."""

REST = 0.15
"""Seconds from one turn to the next. The threads of OpenBLAS go on turning for a tenth of a second after a product, and
what runs meanwhile has a core less."""

PATIENCE = 600
"""Seconds that a peer may take for one answer."""


class Candidate:
    """A process that runs one peer."""

    def __init__(self, peer, quick, clock):
        command = [sys.executable, str(HERE / "candidate.py"), peer, *["--quick"] * quick]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, text=True, env=quiet(), **pipes)
        self.clock = clock
        self.peer, self.imported = peer, self.answer()
        self.result = Result(peer)
        self.calls = 1

    def begin(self, reference):
        """Compute the workload of a file of references once."""
        self.result = Result(self.peer, found={**self.imported, **self.ask(reference)})
        self.calls = 1
        if self.alive:
            self.calls = max(1, int(AT_LEAST / self.turn()))

    @property
    def alive(self):
        """Whether there is anything to time."""
        return "skipped" not in self.result.found

    def ask(self, line):
        """Return the answer to one line."""
        if self.process.poll() is None:
            self.process.stdin.write(f"{line}\n")
            self.process.stdin.flush()
        return self.answer()

    def answer(self):
        """Return what the process says next; one that says nothing for too long is ended."""
        if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
            self.process.kill()
            return {"skipped": f"took more than {PATIENCE} s"}
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"skipped": f"ended with status {self.process.wait()}"}

    def turn(self):
        """Return the seconds of a call that follows others, or infinity from a process that ended."""
        answer = self.ask(self.calls)
        self.result.found |= {k: v for k, v in answer.items() if k == "skipped"}
        return answer.get(self.clock, float("inf"))

    def end(self):
        """Let the process end."""
        self.process.stdin.close()
        self.process.wait(30)


def quiet():
    """Return the environment in which libraries say less."""
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KBPLUG_HOME": tempfile.gettempdir()}


def measure(candidates, reference, rounds):
    """Return a ``Result`` per peer."""
    for candidate in candidates:
        candidate.begin(reference)
    shuffled = random.Random(0)
    for _ in range(rounds):
        for candidate in shuffled.sample(candidates, len(candidates)):
            if candidate.alive:
                time.sleep(REST)
                candidate.result.seconds.append(candidate.turn())
    return [candidate.result for candidate in candidates]


def measured(names, candidates, rounds, quick):
    """Yield each workload with its results."""
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder, f"{name}.npz")) for name in names]
        command = [sys.executable, str(HERE / "candidate.py"), "reference", *files, *["--quick"] * quick]
        subprocess.run(command, check=True)
        for name, file in zip(names, files, strict=True):
            yield named(name), measure(candidates, file, rounds)
        for candidate in candidates:
            candidate.end()


def chosen(given):
    """Return the peers to ask, and those not installed."""
    names = given.peers.split(",") if given.peers else [n for n, p in PEERS.items() if not (given.quick and p.slow)]
    installed = [n for n in names if find_spec(PEERS[n].library)]
    return installed, [n for n in names if n not in installed]


def main():
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller arrays, few rounds, no peer that compiles long")
    parser.add_argument("--workloads", default=",".join(NAMES), help="names or numbers: w1,w9")
    parser.add_argument("--peers", help=f"of {','.join(PEERS)}; all installed by default")
    parser.add_argument("--rounds", type=int, help=f"turns of each peer ({ROUNDS})")
    parser.add_argument("--cores", type=int, help="how many cores each peer may use; all by default")
    parser.add_argument("--clock", choices=("elapsed", "processor"), default="elapsed", help="which time is told")
    parser.add_argument("--write", action="store_true", help="write docs/results/speed.md and a picture")
    given = parser.parse_args()
    rounds = given.rounds or (QUICK_ROUNDS if given.quick else ROUNDS)
    peers, missing = chosen(given)
    for name in missing:
        print(f"{PEERS[name].title} is skipped: {PEERS[name].library} is not installed.")
    results = {}
    if given.cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given.cores])  # which the processes inherit
    candidates = [Candidate(peer, given.quick, given.clock) for peer in peers]
    for workload, found in measured(given.workloads.split(","), candidates, rounds, given.quick):
        results[workload] = found
        report.show(workload, found)
    report.show_summary(results, peers)
    if given.write:
        report.write(results, peers, f"{given.clock} time, {given.cores or os.cpu_count()} cores")


if __name__ == "__main__":
    main()
