"""The ten workloads of tests/benchmarks on one device: kbplug's engine beside CuPy by hand and PyTorch.

Arrays lie on the device before a call begins, and the call ends when the device is done. Single precision is single
everywhere: PyTorch's TF32 is off. Without a device the same code runs on NumPy, to see that it does.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[3] / "tests" / "benchmarks"))

from candidate import SEED, error, reference
from workloads import NAMES, named

from kbplug.runtime.cells import snapshot
from kbplug.runtime.exchange import copied

ROUNDS = 5
AT_LEAST = 0.02
"""Seconds that the calls of one round take."""


@dataclass(frozen=True)
class Place:
    """Where workloads run.

    Attributes
    ----------
    engine
        kbplug's.
    xp
        The library by hand, with NumPy's names.
    wait
        Returns when the device is done.
    torch
        PyTorch's name of it.
    """

    engine: Any
    xp: Any
    wait: Callable[[], object]
    torch: str


def on_cuda():
    """Return the first CUDA device."""
    import cupy

    from kbplug_cupy.engine import CupyEngine

    return Place(CupyEngine(), cupy, cupy.cuda.Device().synchronize, "cuda")


def on_cpu():
    """Return what stands for a device where there is none."""
    import kbplug

    return Place(kbplug.engine("numpy"), np, lambda: None, "cpu")


def of_kbplug(workload, arrays, place):
    """Return a call of the compiled function on arrays of the engine, and what it computes."""
    import kbplug

    program = workload.in_k(*arrays)
    function = program.function
    with kbplug.engine_scope(place.engine):
        executable = function.executable(place.engine, program.feeds)
        cells = [copied(a, place.engine) for a in snapshot(function._cells, place.engine)]
        given = [*function._fed(program.feeds, place.engine), *cells]
        found = [*function(program.feeds), *(v.cell.get() for v in program.state)]

    def call():
        return executable.run(*given)

    return call, found


def of_library(workload, arrays, place):
    """Return a call of the workload as it is written in NumPy, in the library's names."""
    given = [place.xp.asarray(a) for a in arrays]
    spec = find_spec(workload.__name__)
    copy = module_from_spec(spec)
    spec.loader.exec_module(copy)
    copy.np = place.xp

    def call():
        return copy.by_hand(*given)

    to_numpy = getattr(place.xp, "asnumpy", np.asarray)
    return call, [to_numpy(r) for r in call()]


def of_torch(workload, arrays, place):
    """Return a call of the workload in PyTorch's words, op by op."""
    import torch
    from peers.of_torch import TorchWords

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    words, given = TorchWords(), [torch.from_numpy(a.copy()).to(place.torch) for a in arrays]

    def call():
        with torch.device(place.torch):
            found = workload.body(words, *given)
        if place.torch == "cuda":
            torch.cuda.synchronize()
        return found

    return call, [r.detach().cpu().numpy() for r in call()]


RIVALS = {"kbplug": of_kbplug, "by hand": of_library, "PyTorch": of_torch}


def seconds(call, wait):
    """Return the shortest mean time of a call."""

    def elapsed(count):
        wait()
        start = time.perf_counter()
        for _ in range(count):
            call()
        wait()
        return (time.perf_counter() - start) / count

    count = max(1, int(AT_LEAST / max(elapsed(1), 1e-6)))
    return min(elapsed(count) for _ in range(ROUNDS))


def measured(build, workload, place, quick, expected):
    """Return the seconds of a rival, or why there are none."""
    try:
        arrays = workload.arrays(np.random.default_rng(SEED), quick)
        call, found = build(workload, arrays, place)
        wrong = error(found, expected)
        if not wrong <= workload.TOLERANCE:
            return f"off by {wrong:.0e}"
        return seconds(call, place.wait)
    except Exception as reason:  # noqa: BLE001 -- whatever a library raises is a cell of the table
        return f"{type(reason).__name__}: {reason}".splitlines()[0][:60]


def rows(place, quick=False):
    """Yield the title of each workload, and by rival its seconds or why there are none."""
    rivals = {name: build for name, build in RIVALS.items() if name != "PyTorch" or find_spec("torch")}
    for name in NAMES:
        workload = named(name)
        expected = reference(workload, quick)
        yield workload.TITLE, {rival: measured(b, workload, place, quick, expected) for rival, b in rivals.items()}


def table(found):
    """Yield the lines of a table: milliseconds of kbplug, and how many times as long it takes as each rival."""
    others = [name for name in RIVALS if name != "kbplug" and any(name in times for _, times in found)]
    yield "| workload | kbplug, ms | " + " | ".join(f"{name}, ms | kbplug : {name}" for name in others) + " |"
    yield "| --- | ---: | " + " | ".join("---: | ---:" for _ in others) + " |"
    for title, times in found:
        ours = times["kbplug"]
        cells = [_shown(ours)]
        for name in others:
            both = isinstance(ours, float) and isinstance(times[name], float)
            cells += [_shown(times[name]), f"{ours / times[name]:.2f}" if both else ""]
        yield f"| {title} | {' | '.join(cells)} |"


def _shown(time_or_reason):
    return f"{1000 * time_or_reason:.3f}" if isinstance(time_or_reason, float) else time_or_reason.replace("|", "/")
