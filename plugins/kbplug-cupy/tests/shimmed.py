"""NumPy's memory in place of a device's: generated kernels run on it through ``emulator``, CuPy's part is NumPy's.

It shows that plans, addresses and kernels are right; CuPy itself and time are beyond it.
"""

from types import MappingProxyType, SimpleNamespace

import numpy as np
from emulator import Emulated, place

from kbplug.engines.numpy.engine import NumpyEngine
from kbplug_cupy.loops import Scan


class EmulatedMemory:
    """Memory of the CPU.

    Parameters
    ----------
    directory
        Where kernels are compiled; None to generate them only. ``generated`` are they all, ``launched`` and ``calls``
        name what ran.
    """

    xp = np
    processors = 4

    def __init__(self, directory):
        self.directory = directory
        self.generated, self.compiled, self.launched, self.calls = {}, {}, [], []

    place = staticmethod(place)

    def address(self, array):
        return array.ctypes.data

    def view(self, array, offset, spot):
        strides = tuple(s * spot.place.size for s in spot.place.strides)
        described = {
            "version": 3,
            "shape": spot.place.shape,
            "typestr": array.dtype.str,
            "data": (array.ctypes.data + offset, False),
            "strides": strides,
        }
        return np.asarray(SimpleNamespace(__array_interface__=described, owner=array))

    def prepare(self, launch):
        name = launch.kernel.name
        self.generated[name] = launch.kernel
        if self.directory is None:
            return lambda addresses: None
        if name not in self.compiled:
            self.compiled[name] = Emulated([launch.kernel], self.directory, name=name)

        def run(addresses):
            self.launched.append(name)
            self.compiled[name].run_at(launch, addresses)

        return run

    def writing(self, name):
        functions = {"matmul": np.matmul, "sum": np.sum}
        if name not in functions:
            return None

        def run(*arrays, out, **params):
            self.calls.append(name)
            functions[name](*arrays, out=out, **params)

        return run


class ShimmedEngine(NumpyEngine):
    """NumPy's engine, whose scans run as they would on a device."""

    name = "shimmed"

    def __init__(self, directory=None):
        super().__init__()
        self.memory = EmulatedMemory(directory)
        self.kernels = MappingProxyType({**self.kernels, "scan": Scan(self.memory)})
