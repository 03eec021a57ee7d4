"""Which CUDA devices are here, and why there is none. Importing CuPy needs no device, and nor does this."""

from __future__ import annotations

import cupy
from cupy.cuda import runtime

from kbplug.engine import Probe
from kbplug.errors import EngineError


def why_none() -> str:
    """Return why no CUDA device can run, in one sentence; empty if one can."""
    try:
        driver, built = runtime.driverGetVersion(), runtime.runtimeGetVersion()
        if not driver:
            return "No CUDA device: no NVIDIA driver is loaded on this machine."
        if driver // 1000 < built // 1000:
            return (
                f"No CUDA device: the driver is for CUDA {_version(driver)}, but this CuPy for CUDA {_version(built)}; "
                "update the driver, or install kbplug-cupy-cuda12x in place of kbplug-cupy."
            )
        return "" if runtime.getDeviceCount() else "No CUDA device: the driver finds none."
    except runtime.CUDARuntimeError as cause:
        return f"No CUDA device: {cause}."


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"


def devices() -> tuple[str, ...]:
    """Return the devices as ``cuda:0``, ``cuda:1`` and so on."""
    return () if why_none() else tuple(f"cuda:{i}" for i in range(runtime.getDeviceCount()))


def device(name: str | None) -> int:
    """Return the number of the device called ``name``; by default the first.

    Raises
    ------
    EngineError
        If it, or any, is not here.
    """
    if reason := why_none():
        raise EngineError(f"The engine 'cupy' cannot run here. {reason}")
    here = devices()
    if name is not None and name not in here:
        raise EngineError(f"options.cupy.device is {name!r}, but here are {', '.join(here)}.")
    return here.index(name) if name else 0


def probe() -> Probe:
    """Return the devices and the versions that matter, or why there are none."""
    versions = {"cupy": str(cupy.__version__), "CUDA": _version(runtime.runtimeGetVersion())}
    if reason := why_none():
        return Probe(ok=False, reason=reason, versions=versions)
    versions["driver"] = _version(runtime.driverGetVersion())
    return Probe(ok=True, devices=devices(), versions=versions)


def processors(number: int) -> int:
    """Return how many multiprocessors a device has."""
    return int(runtime.deviceGetAttribute(runtime.cudaDevAttrMultiProcessorCount, number))
