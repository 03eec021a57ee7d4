"""Fourier transforms by SciPy, whose parameters are the standard's."""

import numpy as np
import scipy.fft

ALONG_ONE = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
ALONG_SEVERAL = ("fftn", "ifftn", "rfftn", "irfftn")


def shift(sign):
    """Return a shift by half of every axis, rounded down forwards and up backwards."""

    def reference(x, axes=None):
        for axis in range(x.ndim) if axes is None else np.atleast_1d(axes):
            x = np.roll(x, sign * (x.shape[axis] // 2), axis)
        return x

    return reference


def frequencies(function):
    return lambda n, d=1.0, dtype="float64": function(n, d=d).astype(dtype)


REFERENCES = {
    **{f"fft.{name}": getattr(scipy.fft, name) for name in (*ALONG_ONE, *ALONG_SEVERAL)},
    "fft.fftshift": shift(1),
    "fft.ifftshift": shift(-1),
    "fft.fftfreq": frequencies(scipy.fft.fftfreq),
    "fft.rfftfreq": frequencies(scipy.fft.rfftfreq),
}
