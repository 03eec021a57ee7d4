"""kbplug's conformance suite on the NumPy engine, as far as it is about ops that have a kernel here.

All of it: ``KBPLUG_HOOKS=numba kbplug check numpy``.
"""

import pytest

from kbplug.testing.suites import v1
from kbplug_numba.kernels import KERNELS

CASES = [case for case in v1.cases() if KERNELS.keys() & set(case.id.replace("/", "-").split("-"))]


def test_every_kernel_is_asked_for():
    assert all(any(name in case.id for case in CASES) for name in KERNELS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_engine_conforms(case, accelerated):
    case.check(accelerated)
