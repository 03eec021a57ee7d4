"""Samples for Fourier transforms: even and odd sizes, cut and padded, every scaling, real and complex."""

from __future__ import annotations

import numpy as np

from kbplug.testing.samples import Sample, sample

_random = np.random.default_rng(11)

REAL = np.round(_random.normal(size=(2, 5)), 3)
COMPLEX = REAL[:, :4] + 1j * REAL[::-1, 1:]
CUBE = np.round(_random.normal(size=(2, 3, 2)), 3)
COMPLEX_CUBE = CUBE - 0.5j * CUBE[::-1, :, ::-1]
NORMS = ("backward", "ortho", "forward")
NOTHING = np.zeros((0, 3))


def _along_one(x: np.ndarray) -> list[Sample]:
    return [
        *(sample(x, norm=norm) for norm in NORMS),
        *(
            sample(x, n=n, norm=norm, label="cut" if n < x.shape[-1] else "padded")
            for n in (2, 3, 6, 7)
            for norm in NORMS
        ),
        sample(x, axis=0),
        sample(x, axis=0, n=3),
        sample(x, axis=-2, n=1),
        sample(x[0], label="vector"),
        sample(NOTHING.astype(x.dtype), label="empty"),
    ]


def _along_several(x: np.ndarray) -> list[Sample]:
    return [
        *(sample(x, norm=norm) for norm in NORMS),
        *(sample(x, s=(4, 2, 3), norm=norm) for norm in NORMS),
        sample(x, axes=(0, 1)),
        sample(x, axes=(-1,)),
        sample(x, s=(2, 3), axes=(2, 0)),
        sample(x, s=(5,), axes=(1,)),
        sample(x, s=(2, 3), axes=(-2, -1)),
    ]


SHIFTED = [
    sample(REAL),
    sample(REAL, axes=-1),
    sample(COMPLEX_CUBE, axes=(1, 0)),
    sample(NOTHING, label="empty"),
]
FREQUENCIES = [*(sample(n=n) for n in (1, 4, 5)), sample(n=6, d=0.25), sample(n=3, dtype="float32")]

SAMPLES: dict[str, list[Sample]] = {
    "fft.fft": [*_along_one(COMPLEX), sample(REAL, label="real"), sample(REAL, n=7, label="real padded")],
    "fft.ifft": [*_along_one(COMPLEX), sample(REAL, n=3, label="real cut")],
    "fft.rfft": [*_along_one(REAL), sample(REAL[:, :4], label="even")],
    "fft.irfft": [*_along_one(COMPLEX), sample(REAL, label="real")],
    "fft.hfft": [*_along_one(COMPLEX), sample(REAL, label="real")],
    "fft.ihfft": [*_along_one(REAL), sample(REAL[:, :4], label="even")],
    "fft.fftn": [*_along_several(COMPLEX_CUBE), sample(CUBE, label="real")],
    "fft.ifftn": [*_along_several(COMPLEX_CUBE), sample(CUBE, label="real")],
    "fft.rfftn": _along_several(CUBE),
    "fft.irfftn": [*_along_several(COMPLEX_CUBE), sample(CUBE, label="real")],
    "fft.fftshift": SHIFTED,
    "fft.ifftshift": SHIFTED,
    "fft.fftfreq": FREQUENCIES,
    "fft.rfftfreq": FREQUENCIES,
}
