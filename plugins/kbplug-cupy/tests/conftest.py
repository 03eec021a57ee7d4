"""What needs a CUDA device, or a compiler for one: skipped with the reason where there is none, failed where asked."""

import os

import pytest

# Read before the run forgets the settings of the person who runs it.
REQUIRED = {name: bool(os.environ.get(f"KBPLUG_REQUIRE_{name}")) for name in ("GPU", "NVCOMPILE")}


def lacking(name, reason):
    """Skip for a reason, or fail if what lacks is required."""
    if REQUIRED[name]:
        pytest.fail(f"{reason} KBPLUG_REQUIRE_{name} is set.", pytrace=False)
    pytest.skip(reason)


def why_no_device():
    """Return why no CUDA device can run, or an empty string."""
    try:
        from kbplug_cupy.device import why_none
    except ImportError as cause:
        return f"CuPy cannot be imported: {cause}."
    return why_none()


@pytest.fixture(autouse=True)
def _device(request):
    if request.node.get_closest_marker("gpu") and (reason := why_no_device()):
        lacking("GPU", reason)


@pytest.fixture(scope="session")
def compile_for():
    """Return a function from a source and an architecture to the size of the binary."""
    from compilers import compiler

    found = compiler()
    if found is None:
        lacking("NVCOMPILE", "Neither NVRTC (nvidia-cuda-nvrtc with cuda-bindings) nor nvcc is installed.")
    return found
