"""Every kernel that the tests run on the CPU, to be compiled for devices."""

import test_elementwise
import test_loops
import test_random
import test_reduction
import test_windows


def kernels():
    """Return each once."""
    cases = [
        *test_elementwise.every_case().values(),
        *test_reduction.every_case().values(),
        *test_reduction.whole_regions().values(),
    ]
    launches = [*(c.launch for c in cases), *test_random.every_launch().values()]
    found = [*(launch.kernel for launch in launches if launch), *test_windows.every_kernel().values()]
    found += test_loops.every_kernel().values()
    return list({kernel.name: kernel for kernel in found}.values())
