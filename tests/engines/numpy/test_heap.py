"""What calls let go is there for the next call, unless the user tunes the allocator."""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest

import kbplug
from kbplug import backend as K
from kbplug.engines.numpy import heap

CALLS = 8
PROGRAM = f"""
import resource
import numpy as np
from kbplug import backend as K
x = K.placeholder((None, 1024))
call = K.function([x], [K.dot(K.tanh(K.dot(x, K.ones((1024, 1024)))), K.ones((1024, 1024)))])
given = [np.ones((2048, 1024), "float32")]
for _ in range(3):
    call(given)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range({CALLS}):
    call(given)
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) // {CALLS})
"""


def faults(**environment):
    """Return how many pages a call asks the system for."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**plain, **environment}, capture_output=True, text=True, check=True
    )
    return int(ran.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator is not glibc's")
def test_a_call_finds_the_memory_of_the_one_before():
    tuned = faults(MALLOC_TRIM_THRESHOLD_="131072", MALLOC_MMAP_THRESHOLD_="131072")
    assert tuned > 1000, "16 MiB of results are 4096 pages, or a few large ones and the rest"
    assert faults() < tuned / 10


def test_the_allocator_is_left_alone_where_it_is_left_out(monkeypatch):
    asked = []
    monkeypatch.setattr(heap, "keep", lambda: asked.append(True))
    x = K.placeholder((3,))
    with kbplug.without("heap"):
        K.function([x], [K.exp(x)])([np.zeros(3)])
    assert not asked
    K.function([x], [K.exp(x)])([np.zeros(3)])
    assert asked
