"""The tests of kernels again with AddressSanitizer in the process: no kernel reads or writes beside its arrays.

It stands in for the memory checker of a device, not for its race checker.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from emulator import COMPILER

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(COMPILER is None, reason="There is no g++ to compile kernels for the CPU."),
]
HERE = Path(__file__).parent

PLANTED = """
import sys, tempfile, numpy as np
sys.path.insert(0, sys.argv[1])
from dataclasses import replace
from emulator import Emulated, place
from regions import region
from kbplug_cupy.codegen.launch import launch
from kbplug_cupy.codegen.program import read
x, y = np.ones(1000, "float32"), np.ones(1000, "float32")
found = launch(read(region(lambda t: t + t, (1, "float32"))), [place(x), place(y)])
Emulated([found.kernel], tempfile.mkdtemp()).run(replace(found, numbers=(1004,)), [x, y])
"""


def sanitized(*arguments):
    """Run Python with AddressSanitizer, whose allocator puts poisoned bytes around every array."""
    library = subprocess.run([COMPILER, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    if not Path(library.stdout.strip()).is_file():
        pytest.skip("g++ has no AddressSanitizer here.")
    paths = [str(HERE), str(HERE.parent / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    options = "detect_leaks=0:use_sigaltstack=0:detect_stack_use_after_return=0"
    environment = {
        **os.environ,
        "KBPLUG_SANITIZED": "1",
        "LD_PRELOAD": library.stdout.strip(),
        "ASAN_OPTIONS": options,
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": os.pathsep.join(paths),
    }
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=environment, check=False)


def test_an_access_beside_an_array_is_found():
    done = sanitized("-c", PLANTED, str(HERE))
    assert done.returncode != 0
    assert "heap-buffer-overflow" in done.stderr


NAMES = ["elementwise", "loops", "random", "reduction", "regions", "updates", "windows"]


@pytest.mark.parametrize("name", NAMES)
def test_kernels_stay_within_their_arrays(name):
    done = sanitized(
        "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--import-mode=importlib", str(HERE / f"test_{name}.py")
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
