"""How the cost of compiling grows with the graph, and whether memory grows with the calls.

Processor time per node of building, differentiating and compiling graphs of 10^2 to 10^5 nodes, of several shapes; and
the process's memory over 10^5 calls. What is linear has the same time per node in each row, but for Python's search for
cycles, which walks over what a large graph holds again and again; what leaks, more memory.
"""

from __future__ import annotations

import argparse
import gc
import resource
import time
import tracemalloc
from itertools import pairwise

import numpy as np
import page

from kbplug import backend as K
from kbplug import plugins

SIZES = (10**2, 10**3, 10**4, 10**5)
CALLS = 10**5
STAGES = ("build", "differentiate", "function", "compile", "first call")
COLUMNS = ("graph", "nodes", *(f"{stage}, µs/node" for stage in STAGES), "all, s")
LEFT = ("calls", "Python's memory, KiB", "largest size of the process, MiB")


def chain(x, w, nodes):
    """Return a loss over a chain of ``nodes``."""
    for i in range(nodes):
        x = K.tanh(x) if i % 2 else x + w
    return K.sum(x)


def wide(x, w, nodes):
    """Return a loss over ``nodes``, half of them side by side, the rest their sums in pairs."""
    layer = [K.tanh(x * w + float(i)) for i in range(nodes // 3)]
    while len(layer) > 1:
        pairs = [a + b for a, b in zip(layer[::2], layer[1::2], strict=False)]
        layer = pairs + layer[len(pairs) * 2 :]
    return K.sum(layer[0])


def stacked(x, w, nodes):
    """Return a loss over ``nodes`` that meet in one."""
    return K.sum(K.stack([K.tanh(x * w + float(i)) for i in range(nodes // 5)]))


def variables(x, w, nodes):
    """Return a loss over ``nodes``, of which every fourth is a variable."""
    values = [K.variable(np.ones(4, "float32")) for _ in range(nodes // 4)]
    return K.sum(K.stack([K.tanh(v * w) for v in values])) + K.sum(x)


def layered(x, w, nodes):
    """Return a loss over layers that are ``nodes`` together, each of several ops and around each a short way."""
    for _ in range(nodes // 10):
        x = K.relu(K.softmax(x * w) - K.mean(x, axis=-1, keepdims=True)) + x
    return K.mean(K.square(x))


def stages(shape, nodes):
    """Return the nodes of a function with its gradient, and the seconds of each stage."""
    x, w = K.placeholder((4,)), K.variable(np.full(4, 0.5, "float32"))
    times = [time.process_time()]
    loss = shape(x, w, nodes)
    times.append(time.process_time())
    slopes = K.gradients(loss, [x])
    times.append(time.process_time())
    function = K.function([x], [loss, *slopes])
    times.append(time.process_time())
    function.executable()
    times.append(time.process_time())
    function([np.ones(4, np.float32)])
    times.append(time.process_time())
    return len(function.graph.nodes), [b - a for a, b in pairwise(times)]


def compiling(sizes):
    """Return for each graph its nodes, the time per node of each stage, and the time of all."""
    rows = []
    for shape in (chain, wide, stacked, variables, layered):
        for size in sizes:
            gc.collect()
            nodes, seconds = stages(shape, size)
            each = (f"{1e6 * s / nodes:.1f}" for s in seconds)
            rows.append([shape.__name__, f"{nodes:,}", *each, f"{sum(seconds):.2f}"])
    return rows


def calling(calls):
    """Return what a training step leaves behind: Python's memory and the process's largest size, tenth by tenth."""
    x, w = K.placeholder((8, 4)), K.variable(np.ones((4, 2), "float32"))
    loss = K.sum(K.tanh(K.dot(x, w)))
    step = K.function([x], [loss], updates=[K.update_sub(w, 0.001 * K.gradients(loss, [w])[0])])
    given = [np.ones((8, 4), "float32")]
    step(given)
    rows = []
    tracemalloc.start()
    for done in range(0, calls + 1, calls // 10):
        gc.collect()
        held = tracemalloc.get_traced_memory()[0] / 1024
        largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        rows.append([f"{done:,}", f"{held:.0f}", f"{largest:.1f}"])
        for _ in range(calls // 10 if done < calls else 0):
            step(given)
    tracemalloc.stop()
    return rows


def main():
    """Print both tables, and write them where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="graphs of at most 10^4 nodes, 10^4 calls")
    parser.add_argument("--write", action="store_true", help="write docs/results/growth.md")
    given = parser.parse_args()
    plugins.engine()
    left = calling(CALLS // 10 if given.quick else CALLS)  # first, while the process is small
    tables = {COLUMNS: compiling(SIZES[:-1] if given.quick else SIZES), LEFT: left}
    page.show(tables)
    if given.write:
        page.write("growth", "Growth", "python tests/benchmarks/growth.py --write", __doc__, tables)


if __name__ == "__main__":
    main()
