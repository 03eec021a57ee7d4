"""Samples for indexing: every kind of entry alone and with others, negative steps, masks, doubled and empty indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from kbplug.graph.index import split
from kbplug.testing.samples import Sample, sample

ROW = np.array([0.7, -1.2, 2.1, 0.4])
MATRIX = np.array([[0.7, -1.2, 2.1], [1.6, 0.4, -0.9]])
CUBE = np.array([[[0.5, -1.1], [1.3, 0.8], [-0.4, 2.2]], [[1.7, 0.2], [-0.6, 0.9], [1.1, -1.5]]])
PLANE = np.array([[0.4 + 0.7j, -1.1 + 0.3j], [0.6 - 1.2j, -0.5 - 0.8j]])
COUNTS = np.array([[3, -1, 4], [1, 5, -2]], dtype="int32")
FLAGS = np.array([[True, False, True], [True, True, False]])
POINT = np.array(1.3)
NOTHING = np.zeros((2, 0, 3))

PICKS = np.array([0, 2, 0])
PAIRS = np.array([[0, 1], [1, -1]])
COLUMN = np.array([[0], [1]], dtype="int32")
ONE = np.int64(1)


class _Index:
    """Gives what stands between its brackets."""

    def __getitem__(self, key: Any) -> Any:
        return key


AT = _Index()

KEYS: list[tuple[str, np.ndarray[Any, Any], Any]] = [
    ("integers", CUBE, AT[1, -1, 0]),
    ("integer", MATRIX, AT[1]),
    ("slice", ROW, AT[1:3]),
    ("slices with steps", CUBE, AT[::2, 2::-1, -1:]),
    ("out of bounds", ROW, AT[-9:9:3]),
    ("backwards and stop", ROW, AT[3:0:-2]),
    ("nothing", ROW, AT[3:1]),
    ("nothing backwards", ROW, AT[1:3:-1]),
    ("ellipsis", CUBE, AT[..., 1]),
    ("new axes", MATRIX, AT[None, :, None, 1, ...]),
    ("all", POINT, AT[...]),
    ("new axis of 0-d", POINT, AT[None]),
    ("empty", NOTHING, AT[1, :, 1:]),
    ("array", ROW, AT[PICKS]),
    ("array of two dimensions", MATRIX, AT[PAIRS]),
    ("0-d array", MATRIX, AT[:, ONE]),
    ("array after a slice", CUBE, AT[:, PICKS]),
    ("arrays side by side", CUBE, AT[:, PICKS, COLUMN]),
    ("arrays everywhere", MATRIX, AT[PAIRS, PICKS[:2]]),
    ("arrays apart", CUBE, AT[PAIRS, :, PICKS[::2] // 2]),
    ("integer and array apart", CUBE, AT[1, :, np.array([1, 0, 1])]),
    ("integer and array side by side", CUBE, AT[:, -1, np.array([1, 0, 1])]),
    ("array, new axis, backwards", CUBE, AT[None, ::-1, PICKS, None]),
    ("no indices", ROW, AT[np.zeros(0, dtype="int64")]),
    ("mask", ROW, AT[ROW > 0]),
    ("mask of two dimensions", MATRIX, AT[MATRIX > 0]),
    ("mask of the first dimensions", CUBE, AT[FLAGS]),
    ("mask of none", ROW, AT[ROW > 9]),
    ("mask of a later dimension", CUBE, AT[:, np.array([True, False, True])]),
    ("mask and array", CUBE, AT[:, np.array([True, False, True]), np.array([1, 0])]),
    ("mask and slice", CUBE, AT[FLAGS, ::-1]),
    ("mask of 0-d", POINT, AT[np.bool_(True)]),
    ("complex", PLANE, AT[PICKS // 2, ::-1]),
    ("complex slice", PLANE, AT[:, 1]),
]


def _read() -> list[Sample]:
    found = []
    for label, x, key in KEYS:
        template, operands = split(key)
        found.append(sample(x, *operands, index=template, label=label))
    start, stop = np.int64(1), np.int64(3)
    return [
        *found,
        sample(ROW, start, stop, index=split(AT[start:stop])[0], label="sized slice"),
        sample(COUNTS, np.array([1, 0, 1]), index=("array",), label="int32"),
        sample(FLAGS, index=(1,), label="bool"),
    ]


def _written() -> list[Sample]:
    random = np.random.default_rng(7)
    found = []
    for label, x, key in KEYS:
        template, operands = split(key)
        value = random.normal(size=x[key].shape).astype(x.dtype)
        found.append(sample(x, value, *operands, index=template, label=label))
    return [
        *found,
        sample(CUBE, ROW[:2], index=split(AT[1])[0], label="broadcast to a slice"),
        sample(MATRIX, POINT, PICKS, index=split(AT[:, PICKS])[0], label="broadcast to an array"),
        sample(MATRIX, POINT, MATRIX > 0, index=("array",), label="broadcast to a mask"),
        sample(COUNTS, COUNTS[0], index=(1,), label="int32"),
    ]


IDS = np.array([2, 0, 2, 1])

SAMPLES: dict[str, list[Sample]] = {
    "getitem": _read(),
    "setitem": [*_written(), sample(FLAGS, FLAGS[1], index=(0,), label="bool")],
    "scatter_add": [
        *_written(),
        sample(ROW, np.array([1e20, 1.0]), np.array([0, 1]), index=("array",), smooth=False, label="apart"),
        sample(MATRIX, COUNTS[0], index=(0,), label="promotes"),
    ],
    "take": [
        sample(ROW, PICKS),
        sample(MATRIX, PICKS, axis=1),
        sample(CUBE, np.array([1, 1, 0], dtype="uint8"), axis=-2, label="uint8 indices"),
        sample(MATRIX, np.zeros(0, dtype="int64"), axis=0, label="none"),
        sample(PLANE, np.array([1, 0, 1]), axis=0, label="complex"),
        sample(COUNTS, PICKS, axis=-1, label="int32"),
    ],
    "take_along_axis": [
        sample(ROW, PICKS, axis=0),
        sample(MATRIX, np.array([[0, 2], [1, 1]])),
        sample(CUBE, np.array([[[1, 1]], [[0, 2]]]), axis=1),
        sample(MATRIX, np.array([[1]]), axis=1, label="indices broadcast"),
        sample(MATRIX[:1], np.array([[0, 2], [1, 1]]), axis=-1, label="array broadcast"),
        sample(PLANE, np.array([[1, 0, 1], [0, 0, 1]]), axis=1, label="complex"),
        sample(COUNTS, np.array([[0, 1, 0]]), axis=0, label="int32"),
    ],
    "one_in_row": [
        sample(MATRIX[:, :1], np.array([[0], [3]]), size=4),
        sample(MATRIX[:, :1], np.array([[-1], [4]]), size=4, label="outside"),
        sample(CUBE[:, :1, :1], np.array([[[1], [2]]]), size=3, label="broadcast"),
        sample(MATRIX, np.array([[1], [0]]), size=MATRIX.shape[1], label="rows of values"),
        sample(COUNTS[:, :1], np.array([[2]]), size=3, label="int32"),
    ],
    "one_hot": [
        sample(IDS, depth=3),
        sample(IDS, depth=2, label="outside"),
        sample(PAIRS, depth=2, dtype="int32", label="negative"),
        sample(np.array([1, 0], dtype="uint8"), depth=300, dtype="bool", label="deeper than the dtype"),
        sample(ONE, depth=2, dtype="float32", label="0-d"),
        sample(np.zeros((0,), dtype="int64"), depth=2, label="none"),
    ],
}
