"""CUDA compilers that need no device: NVRTC from its wheel, or nvcc."""

import shutil
import subprocess
from importlib import util
from pathlib import Path

OPTIONS = ("-std=c++17", "--fmad=false")


def compiler():
    """Return a function from a source and an architecture to a cubin's size, or None if there is no compiler."""
    if util.find_spec("cuda") is not None and util.find_spec("cuda.bindings") is not None:
        return with_nvrtc
    return with_nvcc if shutil.which("nvcc") else None


def with_nvrtc(source, arch, directory):
    """Compile with NVRTC."""
    from cuda.bindings import nvrtc

    def ask(returned):
        error, *rest = returned
        assert error == nvrtc.nvrtcResult.NVRTC_SUCCESS, error
        return rest[0] if rest else None

    program = ask(nvrtc.nvrtcCreateProgram(source.encode(), b"kernels.cu", 0, [], []))
    options = [o.encode() for o in (*OPTIONS, f"--gpu-architecture={arch}")]
    (error,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
    log = bytearray(ask(nvrtc.nvrtcGetProgramLogSize(program)))
    ask(nvrtc.nvrtcGetProgramLog(program, log))
    assert error == nvrtc.nvrtcResult.NVRTC_SUCCESS, log.decode()[:4000]
    size = ask(nvrtc.nvrtcGetCUBINSize(program))
    ask(nvrtc.nvrtcDestroyProgram(program))
    return size


def with_nvcc(source, arch, directory):
    """Compile with nvcc."""
    path, cubin = Path(directory, "kernels.cu"), Path(directory, "kernels.cubin")
    path.write_text(source, encoding="utf-8")
    command = ["nvcc", *OPTIONS, f"-arch={arch}", "-cubin", str(path), "-o", str(cubin)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:4000]
    return cubin.stat().st_size
