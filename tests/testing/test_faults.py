"""Engines with one planted fault each: the suite catches every one, and names it."""

import threading
import time
from types import MappingProxyType

import numpy as np
import pytest

from kbplug.engines.numpy.engine import NumpyEngine
from kbplug.testing.certificate import certify
from kbplug.testing.suites import v1


class Faulty(NumpyEngine):
    """NumPy by way of conversions, and with some kernels exchanged."""

    name = "faulty"
    speaks_numpy = False

    def __init__(self, **kernels):
        super().__init__()
        self.kernels = MappingProxyType({**NumpyEngine.kernels, **kernels})


def wrong_dtype():
    return Faulty(argmax=lambda x, *, axis, keepdims: np.argmax(x, axis=axis, keepdims=keepdims).astype(np.int32))


def wrong_axis():
    def cumulative_sum(x, *, axis, dtype, include_initial):
        return np.cumulative_sum(x, axis=0 if x.ndim > 1 else axis, dtype=dtype, include_initial=include_initial)

    return Faulty(cumulative_sum=cumulative_sum)


def missing_nan():
    return Faulty(maximum=np.fmax)


def off_by_one_padding():
    """An odd width of padding is one longer at the beginning."""
    right = NumpyEngine.kernels["conv"]

    def conv(x, kernel, *, padding, data_format, **params):
        even = padding == "same" and any(n % 2 == 0 for n in kernel.shape[:-2])
        if not even or x.ndim != 4 or data_format == "channels_first":
            return right(x, kernel, padding=padding, data_format=data_format, **params)
        shifted = np.roll(x, 1, axis=1)
        shifted[:, 0] = 0
        return right(shifted, kernel, padding=padding, data_format=data_format, **params)

    return Faulty(conv=conv)


class Single(Faulty):
    """Computes in float32 and calls it float64."""

    def from_numpy(self, array, /, *, device=None):
        return array.astype(np.float32) if array.dtype == np.float64 else array

    def to_numpy(self, array, /):
        found = np.asarray(array)
        return found.astype(np.float64) if found.dtype == np.float32 else found

    def dtype(self, name, /):
        return super().dtype("float32" if name == "float64" else name)


class Stale(Faulty):
    """Answers a call whose arrays have the shapes of an earlier one with the variables of that one."""

    def compile(self, run, graph, /):
        reads = [i for i, node in enumerate(graph.inputs) if node.op.name == "read"]
        kept = {}

        def stale(*arrays):
            arrays = list(arrays)
            for i in reads:
                arrays[i] = kept.setdefault((i, np.shape(arrays[i])), arrays[i])
            return run(*arrays)

        return stale


class NonReentrant(Faulty):
    """Keeps the arrays of the call in progress where the next call finds them."""

    lock = threading.Lock()

    def compile(self, run, graph, /):
        compiled = super().compile(run, graph)

        def shared(*arrays):
            with self.lock:
                self.arrays = arrays
            time.sleep(1e-4)
            return compiled(*(mine if self.arrays is arrays else last for mine, last in _pairs(arrays, self.arrays)))

        return shared


def _pairs(arrays, last):
    return zip(arrays, last, strict=True) if len(arrays) == len(last) else ((a, a) for a in arrays)


FAULTS = {
    "wrong dtype": (wrong_dtype, "argmax", "should be int64, but is int32"),
    "wrong axis": (wrong_axis, "cumulative_sum", "should be"),
    "stale variable": (Stale, "behaviour/a-variable-is-read-anew", "read of a variable that changed"),
    "float32 in place of float64": (Single, "values/exp-", "should be"),
    "missing NaN": (missing_nan, "values/maximum-", "but should be np.float64(nan)"),
    "off-by-one in the padding of conv": (off_by_one_padding, "values/conv-", "Result 0 of conv at"),
    "non-reentrant state": (NonReentrant, "threads/one-function-in-threads", "numbers that are not theirs"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_caught_by_name(fault):
    make, where, words = FAULTS[fault]
    report = certify(make(), cases=[case for case in v1.cases() if where in case.id])
    told = {found.case.id: found.detail for found in report.failures}
    assert not report.ok
    assert any(words in detail for detail in told.values()), told


@pytest.mark.parametrize("fault", ["wrong dtype", "wrong axis", "missing NaN", "off-by-one in the padding of conv"])
def test_a_fault_of_one_op_shows_in_cases_of_that_op_alone(fault):
    make, where, _ = FAULTS[fault]
    chapters = ("argm", "cumul", "maximum", "minimum", "conv-", "sum-")
    cases = [c for c in v1.cases() if c.tier == "values" and c.id.partition("/")[2].startswith(chapters)]
    found = certify(make(), cases=cases).failures
    name = where.removeprefix("values/").rstrip("-")
    assert found
    assert {failure.case.id.partition("/")[2].replace(":", "-").split("-")[0] for failure in found} == {name}


def test_the_engine_that_the_faults_are_planted_in_is_sound():
    wanted = tuple(where for _, where, _ in FAULTS.values())
    report = certify(Faulty(), cases=[case for case in v1.cases() if any(where in case.id for where in wanted)])
    assert report.ok, report.failures
