"""What needs a CUDA device, or a compiler for one: skipped with the reason where there is none, failed where asked."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE.parent / "src")]  # generating kernels is tested where CuPy is not installed

import needs  # noqa: E402 -- found by the line above, and reads the settings before the run forgets them


def pytest_configure(config):
    config.addinivalue_line("markers", "nvcompile: compiles every kernel for devices; runs in the session cuda")
    config.addinivalue_line("markers", "nightly: takes minutes; runs in the nightly session")
    config.addinivalue_line("markers", "gpu: needs a CUDA device; runs in the session gpu")


@pytest.fixture(autouse=True)
def _device(request):
    if request.node.get_closest_marker("gpu"):
        if reason := needs.why_no_device():
            needs.lacking("GPU", reason)
        needs.in_time()


@pytest.fixture(scope="session")
def compile_for():
    """Return a function from a source and an architecture to the size of the binary."""
    from compilers import compiler

    found = compiler()
    if found is None:
        needs.lacking("NVCOMPILE", "Neither NVRTC (nvidia-cuda-nvrtc with cuda-bindings) nor nvcc is installed.")
    return found
