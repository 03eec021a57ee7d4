"""Every kernel that the tests run on the CPU, to be compiled for devices."""

import test_elementwise
import test_reduction


def kernels():
    """Return each once."""
    cases = [
        *(test_elementwise.Case(op, dtype, which) for op, dtype in test_elementwise.CASES for which in test_elementwise.CLASSES),
        *test_reduction.every_case().values(),
        *test_reduction.whole_regions().values(),
    ]
    return list({c.launch.kernel.name: c.launch.kernel for c in cases if c.launch}.values())
