"""One peer in a process of its own: it imports its library, then computes a workload, is checked and waits to be timed.

It writes one line of JSON when it has imported, and one for each line it reads.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
from peers import PEERS, NotWritten
from workloads import named

SEED = 0


def reference(workload, quick):
    """Return the workload's results in float64."""
    given = workload.arrays(np.random.default_rng(SEED), quick)
    results = workload.by_hand(*(a.astype(np.float64) if a.dtype.kind == "f" else a for a in given))
    return [np.asarray(r) for r in results]


def error(found, expected):
    """Return the largest error of any result, each beside its own largest element."""
    pairs = zip(map(np.asarray, found), expected, strict=False)  # a Keras model tells its loss alone
    return max(float(np.abs(f - e).max() / np.abs(e).max()) for f, e in pairs)


def begin(peer, module, workload, quick, expected):
    """Return a call to be timed, and what was found on the way to it."""
    arrays = workload.arrays(np.random.default_rng(SEED), quick)
    start = time.perf_counter()
    call = module.candidate(workload, arrays, peer.mode)
    results = call()
    first = time.perf_counter() - start
    results = [*results, *(call.state() if hasattr(call, "state") else ())]
    wrong = error(results, expected)
    if not wrong <= workload.TOLERANCE:
        raise ArithmeticError(f"its results are off by {wrong:.1e}, where {workload.TOLERANCE:.0e} is allowed")
    return call, {"first": first, "error": wrong}


def attempt(*given):
    """Return what ``begin`` does, or no call and the reason."""
    try:
        return begin(*given)
    except NotWritten as reason:
        return None, {"skipped": f"not written: {reason}"}
    except Exception as reason:  # noqa: BLE001 -- a peer that fails is a line in the table
        return None, {"skipped": f"failed: {type(reason).__name__}: {reason}"[:300]}


def seconds(call, count):
    """Return the elapsed seconds and the processor's, of all threads, that each of ``count`` calls takes after one."""
    call()
    start, busy = time.perf_counter(), time.process_time()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count, (time.process_time() - busy) / count


def serve(name, quick, out):
    """Answer each line of standard input: a file name begins the workload it holds, a number times calls."""
    peer = PEERS[name]
    start = time.perf_counter()
    module = peer.load()
    tell(out, {"import": time.perf_counter() - start})
    call = None
    for line in map(str.strip, sys.stdin):
        if line.isdigit():
            elapsed, busy = seconds(call, int(line))
            tell(out, {"elapsed": elapsed, "processor": busy})
        else:
            call = None  # lets the last workload's arrays go
            workload, expected = named(Path(line).stem), list(np.load(line).values())
            call, found = attempt(peer, module, workload, quick, expected)
            tell(out, found)


def tell(out, found):
    """Write one line."""
    print(json.dumps(found), file=out, flush=True)


def main():
    """Serve one peer, or write references."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", help="or 'reference', which writes the files named after it")
    parser.add_argument("files", nargs="*")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    for file in given.files:
        np.savez(file, *reference(named(Path(file).stem), given.quick))
    if given.peer != "reference":
        out = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # libraries talk; only JSON goes to whoever asks
        serve(given.peer, given.quick, out)


if __name__ == "__main__":
    main()
