"""What a test may need, a CUDA device or a compiler for one: why it lacks, and whether that is a failure."""

import os
import time

import pytest

# Read before the run forgets the settings of the person who runs it.
REQUIRED = {name: bool(os.environ.get(f"KBPLUG_REQUIRE_{name}")) for name in ("GPU", "NVCOMPILE")}

UNTIL = float(os.environ.get("KBPLUG_GPU_UNTIL", "inf"))
TIME_IS_UP = "The time for tests on a device is up."


def in_time():
    """Skip what begins later than it was given, in seconds since 1970."""
    if time.time() > UNTIL:
        pytest.skip(TIME_IS_UP)


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
