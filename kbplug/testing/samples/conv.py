"""Samples for convolution and its transposes: strides, dilation, groups, paddings, layouts, one to three dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np

from kbplug.testing.samples import Sample, sample

_random = np.random.default_rng(20)

LINE, LINE_KERNEL = _random.normal(size=(2, 5, 2)), _random.normal(size=(2, 2, 3))
PLANE, PLANE_KERNEL = _random.normal(size=(1, 4, 3, 2)), _random.normal(size=(2, 2, 2, 2))
DEEP, DEEP_KERNEL = _random.normal(size=(1, 3, 2, 3, 1)), _random.normal(size=(2, 1, 2, 1, 2))
GROUPED_KERNEL = _random.normal(size=(2, 1, 1, 4))
PHASES = _random.normal(size=(1, 4, 2)) + 1j * _random.normal(size=(1, 4, 2))
PHASES_KERNEL = _random.normal(size=(2, 2, 1)) + 1j * _random.normal(size=(2, 2, 1))
FIRST = np.moveaxis(PLANE, -1, 1)

# (array, kernel, spatial sizes of the result, parameters)
CALLS: list[tuple[Any, Any, tuple[int, ...], dict[str, Any]]] = [
    (LINE, LINE_KERNEL, (4,), {}),
    (LINE, LINE_KERNEL, (3,), {"strides": 2, "padding": "same"}),
    (LINE, LINE_KERNEL, (5,), {"padding": "causal", "dilation": 2}),
    (LINE, LINE_KERNEL, (4,), {"strides": 2, "padding": ((3, 1),)}),
    (LINE, LINE_KERNEL, (2,), {"strides": 3}),
    (PLANE, PLANE_KERNEL, (4, 3), {"padding": "same"}),
    (PLANE, PLANE_KERNEL, (2, 2), {"strides": (2, 1), "dilation": (1, 1)}),
    (PLANE, PLANE_KERNEL, (2, 1), {"dilation": 2}),
    (FIRST, PLANE_KERNEL, (2, 2), {"strides": 2, "padding": "same", "data_format": "channels_first"}),
    (PLANE, GROUPED_KERNEL, (3, 3), {"groups": 2}),
    (DEEP, DEEP_KERNEL, (2, 2, 2), {}),
    (PHASES, PHASES_KERNEL, (2,), {"strides": 2}),
    (LINE[:0], LINE_KERNEL, (4,), {}),
]


def _sizes(array: Any, params: dict[str, Any]) -> tuple[int, ...]:
    return tuple(array.shape[2:] if params.get("data_format") == "channels_first" else array.shape[1:-1])


def _result(x: Any, kernel: Any, sizes: tuple[int, ...], params: dict[str, Any]) -> Any:
    filters = kernel.shape[-1]
    first = params.get("data_format") == "channels_first"
    y = _random.normal(size=(x.shape[0], filters, *sizes) if first else (x.shape[0], *sizes, filters))
    return y.astype(x.dtype)


def _transposes(of: str) -> list[Sample]:
    found = []
    for x, kernel, sizes, params in CALLS:
        y = _result(x, kernel, sizes, params)
        arrays: tuple[Any, ...] = (y, kernel) if of == "input" else (x, y)
        shape = _sizes(x, params) if of == "input" else kernel.shape[:-2]
        found.append(sample(*arrays, shape=shape, **params))
    x, kernel, sizes, params = CALLS[5]
    y = _result(x, kernel, sizes, params)
    arrays = (y, kernel, np.int64(4)) if of == "input" else (x, y, np.int64(2))
    shape = (None, 3) if of == "input" else (None, 2)
    return [*found, sample(*arrays, shape=shape, label="a size when run", **params)]


SAMPLES: dict[str, list[Sample]] = {
    "conv": [sample(x, kernel, **params) for x, kernel, _, params in CALLS],
    "conv_input": _transposes("input"),
    "conv_kernel": _transposes("kernel"),
}
