"""Samples for pooling: overlapping and separate windows, paddings, layouts, ties."""

from __future__ import annotations

from typing import Any

import numpy as np

from kbplug.testing.samples import Sample, sample

_random = np.random.default_rng(21)


def _apart(*shape: int) -> Any:
    """Return different numbers at least 0.1 apart, in random order."""
    return _random.permutation(np.arange(float(np.prod(shape)))).reshape(shape) / 10.0 - 1.0


LINE, PLANE, DEEP = _apart(2, 5, 2), _apart(1, 4, 3, 2), _apart(1, 3, 2, 3, 1)
FIRST = np.moveaxis(PLANE, -1, 1)
TIES = np.array([[[1.0], [1.0], [0.5], [1.0], [-2.0]]])
ODD = np.array([[[np.nan], [1.0], [-np.inf], [-np.inf], [np.inf], [0.5]]])

# (array, spatial sizes of the result, parameters)
CALLS: list[tuple[Any, tuple[int, ...], dict[str, Any]]] = [
    (LINE, (2,), {"window": 2}),
    (LINE, (3,), {"window": 3, "strides": 1}),
    (LINE, (3,), {"window": 2, "padding": "same"}),
    (LINE, (3,), {"window": 3, "strides": 2, "padding": ((2, 0),)}),
    (LINE, (2,), {"window": 1, "strides": 3}),
    (PLANE, (2, 1), {"window": 2}),
    (PLANE, (4, 3), {"window": (3, 2), "strides": 1, "padding": "same"}),
    (FIRST, (2, 3), {"window": 2, "strides": (2, 1), "padding": "same", "data_format": "channels_first"}),
    (DEEP, (2, 1, 2), {"window": (2, 2, 2), "strides": (1, 1, 1)}),
    (LINE[:0], (2,), {"window": 2}),
]
RAGGED: list[tuple[Any, tuple[int, ...], dict[str, Any]]] = [
    (TIES, (4,), {"window": 2, "strides": 1}),
    (ODD, (4,), {"window": 3, "strides": 2, "padding": ((2, 2),)}),
]


def _shape(x: Any, sizes: tuple[int, ...], params: dict[str, Any]) -> tuple[int, ...]:
    if params.get("data_format") == "channels_first":
        return (*x.shape[:2], *sizes)
    return (x.shape[0], *sizes, x.shape[-1])


def _spatial(x: Any, params: dict[str, Any]) -> tuple[int, ...]:
    return tuple(x.shape[2:] if params.get("data_format") == "channels_first" else x.shape[1:-1])


def _maxima(x: Any, sizes: tuple[int, ...], params: dict[str, Any]) -> Any:
    """Return the maxima of windows, found one by one."""
    first = params.get("data_format") == "channels_first"
    last = np.moveaxis(x, 1, -1) if first else x
    out = np.full(_shape(last, sizes, {}), -np.inf)
    for place in np.ndindex(*sizes):
        taken = last[(slice(None), *_window(last.shape[1:-1], place, sizes, params))]
        if taken.size:
            out[(slice(None), *place)] = taken.max(axis=tuple(range(1, taken.ndim - 1)))
    return np.moveaxis(out, -1, 1) if first else out


def _window(lengths: tuple[int, ...], place: tuple[int, ...], sizes: tuple[int, ...], params: Any) -> list[slice]:
    found = []
    for i, (n, p) in enumerate(zip(lengths, place, strict=True)):
        window = params["window"] if isinstance(params["window"], int) else params["window"][i]
        steps = params.get("strides", window)
        stride = steps if isinstance(steps, int) else steps[i]
        padding = params.get("padding", "valid")
        same = max((sizes[i] - 1) * stride + window - n, 0) // 2
        before = {"valid": 0, "same": same}[padding] if isinstance(padding, str) else padding[i][0]
        found.append(slice(max(p * stride - before, 0), p * stride - before + window))
    return found


def _with_maxima(of: str) -> list[Sample]:
    found = []
    for x, sizes, params in [*CALLS, *RAGGED]:
        y = _maxima(x, sizes, params)
        given = _random.normal(size=y.shape if of == "input" else x.shape)
        found.append(sample(given, x, y, smooth=False, **params))
    return found


SAMPLES: dict[str, list[Sample]] = {
    "avg_pool": [*(sample(x, **params) for x, _, params in CALLS), sample(LINE + 1j, window=2, label="complex")],
    "avg_pool_input": [
        *(sample(_random.normal(size=_shape(x, s, p)), shape=_spatial(x, p), **p) for x, s, p in CALLS),
        sample(_random.normal(size=(1, 2, 3, 1)), np.int64(4), shape=(None, 5), window=2, padding="same"),
    ],
    "max_pool": [
        *(sample(x, **params) for x, _, params in CALLS),
        *(sample(x, smooth=False, **params) for x, _, params in RAGGED),
    ],
    "max_pool_input": _with_maxima("input"),
    "max_pool_pick": _with_maxima("pick"),
}
