"""Every op by dtype and shape: values, sizes unknown to the graph, derivatives, random draws. Knows no op by name.

What an engine gives is compared with what the NumPy engine gives. kbplug's own tests compare that one with other
libraries, and its derivatives with finite differences, so the two together say that an engine is right.
"""

from __future__ import annotations

import contextlib
import functools
import io
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from kbplug import plugins
from kbplug.config.settings import enter, leave
from kbplug.dtypes import is_floating
from kbplug.engine import STANDARD_DTYPES, Engine
from kbplug.engines.numpy.engine import NumpyEngine
from kbplug.errors import KbplugError
from kbplug.graph.graph import Graph
from kbplug.graph.op import Op
from kbplug.graph.spec import compatible
from kbplug.ops import REGISTRY
from kbplug.testing.application import GROUND, apply, narrows, quiet, run
from kbplug.testing.checks import check_agreement, check_unknown_sizes, several
from kbplug.testing.closeness import assert_close
from kbplug.testing.invariants import INVARIANTS
from kbplug.testing.samples import Sample, samples
from kbplug.testing.suites.case import Case

Check = Callable[..., None]

RECAST = frozenset(
    {"elementwise", "indexing", "linalg", "manipulation", "nn", "searching", "sets", "sorting", "statistical"}
)
"""Chapters whose ops are tried on dtypes that no sample of theirs has."""


class Lowerings(NumpyEngine):
    """NumPy by the ops' own bodies, without kernels where there is one: what the NumPy engine is compared with."""

    def __init__(self) -> None:
        super().__init__()
        own = {name: k for name, k in NumpyEngine.kernels.items() if REGISTRY[name].lower is None}
        self.kernels = MappingProxyType(own)


_lowerings = functools.cache(Lowerings)


def ground(engine: Engine) -> Engine:
    """Return the engine whose results are expected of ``engine``."""
    numpy = plugins.engine(GROUND)
    return _lowerings() if engine is numpy else numpy


def cases(frozen: Callable[[str, Sample], bool]) -> Iterator[Case]:
    """Yield the cases of every op; ``frozen`` says whether a sample by its id belongs to the released suite."""
    for name, listed in samples().items():
        op = REGISTRY[name]
        for i, sample in enumerate(listed):
            id = sample_id(name, i, sample)
            known = frozen(id, sample)
            for case in _random(op, sample, id) if "random" in op.traits else _certain(op, sample, id):
                yield Case(case.id, case.check, case.needs, known)
        if "random" not in op.traits:
            yield from _recast(op, [s for i, s in enumerate(listed) if frozen(sample_id(name, i, s), s)])


def sample_id(name: str, index: int, sample: Sample) -> str:
    """Return what names one sample of an op."""
    return f"{name}-{index}{'-' + sample.label.replace(' ', '_') if sample.label else ''}"


def digest(sample: Sample) -> str:
    """Return what changes when shapes, dtypes or parameters of a sample do, and on no other machine."""
    arrays = [None if a is None else (a.dtype.name, a.shape) for a in sample.arrays]
    return f"{zlib.crc32(repr((arrays, sorted(sample.params), sample.smooth, sample.unknown)).encode()):08x}"


def _certain(op: Op, sample: Sample, id: str) -> Iterator[Case]:
    wide, narrow = narrows(sample), needs(op, sample, narrow=True)
    full = needs(op, sample)
    yield Case(f"values/{id}", partial(check_result, op, sample), full)
    if wide:
        yield Case(f"values/{id}:single", partial(check_result, op, sample, narrow=True), narrow)
    if sample.unknown:
        yield Case(f"sizes/{id}", partial(_shielded, check_unknown_sizes, op, sample), full)
    if op.derivative != "none" and op.name not in INVARIANTS and _has_floats(sample):
        yield Case(f"gradients/{id}", partial(_agrees, op, sample, order=2), full)
        if wide:
            yield Case(f"gradients/{id}:single", partial(_agrees, op, sample, order=1, narrow=True), narrow)


def _random(op: Op, sample: Sample, id: str) -> Iterator[Case]:
    needed = needs(op, sample)
    yield Case(f"random/{id}", partial(check_draw, op, sample), needed)
    yield Case(f"random/{id}:portable", partial(check_portable, op, sample), needed)


def _has_floats(sample: Sample) -> bool:
    return any(a is not None and is_floating(a.dtype.name) for a in sample.arrays)


def needs(op: Op, sample: Sample, *, narrow: bool = False) -> frozenset[str]:
    """Return the capabilities that an op on a sample takes."""
    found = apply(op, sample, narrow=narrow)
    needed = {t.dtype for t in (*found.inputs, *found.outputs)}
    needed |= {p for p in op.name.split(".")[:-1] if p in ("linalg", "fft")}
    if any(None in t.shape for t in found.outputs):
        needed.add("data_dependent_shapes")
    return frozenset(needed)


def _recast(op: Op, listed: list[Sample]) -> Iterator[Case]:
    """Yield a case for each dtype that no sample has and the op takes."""
    if op.chapter not in RECAST or not listed:
        return
    present = {a.dtype.name for s in listed for a in s.arrays if a is not None} | {"float32", "complex64"}
    for dtype in sorted(STANDARD_DTYPES - present):
        for sample in filter(None, (_as(s, dtype) for s in listed)):
            try:
                needed = needs(op, sample)
            except KbplugError:  # the op does not take that dtype
                continue
            yield Case(f"values/{op.name}:{dtype}", partial(check_result, op, sample), needed)
            break


def _as(sample: Sample, dtype: str) -> Sample | None:
    """Return a sample whose numbers, small and positive now, are of another dtype; None where that means nothing."""
    if any(isinstance(v, Graph) for v in sample.params.values()) or sample.params.get("dtype") is not None:
        return None
    arrays = [a for a in sample.arrays if a is not None]
    kinds = "fc" if any(a.dtype.kind in "fc" for a in arrays) else "iu"
    if not arrays or arrays[0].dtype.kind not in kinds:
        return None
    with quiet():
        recast = tuple(_small(a).astype(dtype) if a is not None and a.dtype.kind in kinds else a for a in sample.arrays)
    return Sample(recast, sample.params, label=dtype)


def _small(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return 1, 2 or 3 for each number: what no integer dtype, divisor or shift minds."""
    finite = np.nan_to_num(array.real, nan=0.0, posinf=1.0, neginf=2.0) if array.dtype.kind in "fc" else array
    small: np.ndarray[Any, Any] = np.abs(np.rint(np.asarray(finite, dtype=np.float64) * 3)) % 3 + 1
    return small


def check_result(op: Op, sample: Sample, engine: Engine, *, narrow: bool = False) -> None:
    """Check dtype and shape against what was inferred, and values against the NumPy engine's."""
    found = apply(op, sample, narrow=narrow)
    with _unheard():
        actual: Any = tuple(run(*found, engine))
        expected: Any = tuple(run(*found, ground(engine)))
    for i, (t, y) in enumerate(zip(found.outputs, actual, strict=True)):
        assert t.dtype == y.dtype.name, f"Result {i} of {op.name} should be {t.dtype}, but is {y.dtype}."
        assert compatible(t.shape, y.shape), f"Result {i} of {op.name} should have shape {t.shape}, not {y.shape}."
    if op.name in INVARIANTS:
        with quiet():
            actual, expected = (several(INVARIANTS[op.name](found)) for found in (actual, expected))
    for i, (a, b) in enumerate(zip(actual, expected, strict=True)):
        assert_close(a, b, f"Result {i} of {op.name}")


def _agrees(op: Op, sample: Sample, engine: Engine, **how: Any) -> None:
    with _unheard():
        check_agreement(op, sample, engine, ground=ground(engine), **how)


def _shielded(check: Check, op: Op, sample: Sample, engine: Engine) -> None:
    with _unheard():
        check(op, sample, engine)


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Keep what ops print, and what libraries warn of, out of the report."""
    with contextlib.redirect_stdout(io.StringIO()), quiet():
        yield


def check_draw(op: Op, sample: Sample, engine: Engine) -> None:
    """Check that a draw has the dtype and shape it should, and that the same state draws the same numbers."""
    found = apply(op, sample)
    first, second = run(*found, engine), run(*found, engine)
    for t, a, b in zip(found.outputs, first, second, strict=True):
        assert t.dtype == a.dtype.name, f"{op.name} should draw {t.dtype}, but draws {a.dtype}."
        assert compatible(t.shape, a.shape), f"{op.name} should draw the shape {t.shape}, but draws {a.shape}."
        assert np.array_equal(a, b), f"{op.name} draws other numbers from the same state."


def check_portable(op: Op, sample: Sample, engine: Engine) -> None:
    """Check that the portable generator gives the numbers that it gives everywhere."""
    found = apply(op, sample)
    token = enter({"rng": "portable"}, "the conformance suite")
    try:
        actual, expected = run(*found, engine), run(*found, ground(engine))
    finally:
        leave(token)
    for a, b in zip(actual, expected, strict=True):
        assert_close(a, b, f"{op.name} of the portable generator")
