"""Generated kernels on the CPU: many compiled as one library by g++ through ``cuda_on_cpu.h``, called by ctypes."""

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np

from kbplug_cupy.codegen.kernel import prelude
from kbplug_cupy.codegen.layout import Place

HEADER = Path(__file__).with_name("cuda_on_cpu.h")
COMPILER = shutil.which("g++")
FLAGS = ["-std=c++17", "-shared", "-fPIC", "-w", "-fwrapv", "-ffp-contract=off"]
SANITIZED = os.environ.get("KBPLUG_SANITIZED")  # set by test_sanitized.py
NUMBERS = {"int": ctypes.c_int, "long long": ctypes.c_longlong}


def place(array):
    """Return where a NumPy array lies."""
    strides = tuple(s // array.itemsize for s in array.strides)
    address = array.ctypes.data
    alignment = min(16, address & -address) if address else 16
    return Place(array.shape, strides, alignment, array.itemsize)


def translation_unit(kernels):
    """Return the C++ of several kernels, with a function for each that runs it over a grid."""
    parts = [f'#include "{HEADER}"', prelude()]
    for kernel in kernels:
        taken = ", ".join(f"*({t.replace(' __restrict__', '')}*)a[{i}]" for i, t in enumerate(kernel.parameters))
        parts += [
            kernel.source,
            f"static void call_{kernel.name}(void** a) {{ {kernel.name}({taken}); }}",
            f'extern "C" void run_{kernel.name}(const unsigned* shape, void** a) {{',
            f"  cuda_on_cpu::launch(shape, call_{kernel.name}, a);",
            "}",
        ]
    return "\n".join(parts)


class Emulated:
    """Kernels compiled for the CPU.

    Parameters
    ----------
    kernels
        Those to compile, together.
    directory
        Where the library is put.
    flags
        Beside the usual ones.
    name
        Of the library in the directory.
    """

    def __init__(self, kernels, directory, flags=("-O0",), name="kernels"):
        source, library = Path(directory, f"{name}.cpp"), Path(directory, f"{name}.so")
        source.write_text(translation_unit({k.name: k for k in kernels}.values()), encoding="utf-8")
        checks = ["-fsanitize=address", "-fno-omit-frame-pointer", "-g1"] if SANITIZED else []
        command = [COMPILER, *FLAGS, *flags, *checks, str(source), "-o", str(library)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[:4000]
        self.library = ctypes.CDLL(str(library))

    def run(self, launch, arrays):
        """Run a launch on NumPy arrays, which it reads and writes where they lie."""
        self.run_at(launch, [a.ctypes.data for a in arrays])

    def run_at(self, launch, addresses):
        """Run a launch on arrays at addresses."""
        kernel, held = launch.kernel, [ctypes.c_void_p(a) for a in addresses]
        kinds = [NUMBERS[t.removeprefix("const ")] for t in kernel.parameters[len(addresses) :]]
        assert len(kinds) == len(launch.numbers)
        held += [kind(n) for kind, n in zip(kinds, launch.numbers, strict=True)]
        taken = (ctypes.c_void_p * len(held))(*(ctypes.addressof(h) for h in held))
        waits = "kb_reduce" in kernel.source or "__syncthreads" in kernel.source
        shape = (ctypes.c_uint * 5)(*launch.grid, *launch.block, waits)
        getattr(self.library, f"run_{kernel.name}")(shape, taken)


def in_memory(values, dtype):
    """Return numbers as elements of ``dtype`` lie in memory; bfloat16 as its bits."""
    if dtype != "bfloat16":
        return np.asarray(values).astype(dtype)
    bits = np.ascontiguousarray(np.asarray(values, dtype=np.float32)).view(np.uint32).astype(np.uint64)
    rounded = ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)
    return np.where(np.isnan(values), np.uint16(0x7FC0), rounded)


def as_numbers(array, dtype):
    """Undo ``in_memory``: bfloat16 as float32."""
    if dtype != "bfloat16":
        return array
    return (np.ascontiguousarray(array).astype(np.uint32) << 16).view(np.float32)
