"""Samples for what moves elements about: all ranks, negative axes, several axes, sizes of 1 and 0."""

from __future__ import annotations

import numpy as np

from kbplug.testing.samples import Sample, sample

ROW = np.array([0.7, -1.2, 2.1])
MATRIX = np.array([[0.7, -1.2, 2.1], [1.6, 0.4, -0.9]])
CUBE = np.array([[[0.5, -1.1], [1.3, 0.8], [-0.4, 2.2]], [[1.7, 0.2], [-0.6, 0.9], [1.1, -1.5]]])
PLANE = np.array([[0.4 + 0.7j, -1.1 + 0.3j], [0.6 - 1.2j, -0.5 - 0.8j]])
COUNTS = np.array([[3, -1, 4], [1, 5, -2]], dtype="int32")
FLAGS = np.array([[True, False, True], [True, True, False]])
ONES = np.array([[[0.3], [-0.8]]])
NOTHING = np.zeros((2, 0, 3))
POINT = np.float64(1.3)
TWO, THREE, SIX = np.int64(2), np.int64(3), np.int64(6)

SAMPLES: dict[str, list[Sample]] = {
    "reshape": [
        sample(MATRIX, shape=(3, 2)),
        sample(MATRIX, shape=(-1,)),
        sample(CUBE, shape=(2, -1), label="one left"),
        sample(MATRIX, SIX, shape=(None,), label="sized"),
        sample(CUBE, THREE, TWO, shape=(None, 2, None), label="several sized"),
        sample(CUBE, TWO, shape=(None, -1), label="sized, one left"),
        sample(POINT, shape=(1, 1), label="0-d"),
        sample(np.array([[1.5]]), shape=(), label="to 0-d"),
        sample(NOTHING, shape=(3, 0), label="empty"),
        sample(PLANE, shape=(4,), label="complex"),
        sample(FLAGS, shape=(6, 1), label="bool"),
    ],
    "broadcast_to": [
        sample(ROW, shape=(2, 3)),
        sample(ONES, shape=(2, 2, 3)),
        sample(ROW, TWO, shape=(None, 3), label="sized"),
        sample(ONES, THREE, TWO, shape=(None, 2, None), label="several sized"),
        sample(POINT, shape=(2, 2), label="0-d"),
        sample(POINT, shape=(), label="0-d to 0-d"),
        sample(ROW, shape=(0, 3), label="empty"),
        sample(PLANE, shape=(2, 2, 2), label="complex"),
        sample(COUNTS, shape=(1, 2, 3), label="int32"),
    ],
    "broadcast_arrays": [
        sample(MATRIX, ROW),
        sample(ONES, ROW, POINT),
        sample(CUBE),
        sample(MATRIX, COUNTS, label="dtypes apart"),
        sample(PLANE, PLANE[:, :1], label="complex"),
        sample(np.zeros((0, 1)), ROW, label="empty"),
    ],
    "expand_dims": [
        sample(MATRIX, axis=0),
        sample(MATRIX, axis=-1),
        sample(ROW, axis=(0, -1), label="several"),
        sample(CUBE, axis=(1, 3)),
        sample(POINT, axis=0, label="0-d"),
        sample(PLANE, axis=1, label="complex"),
        sample(NOTHING, axis=-2, label="empty"),
    ],
    "squeeze": [
        sample(ONES, axis=0),
        sample(ONES, axis=(0, -1)),
        sample(ONES, axis=()),
        sample(COUNTS[:1], axis=-2, label="int32"),
        sample(PLANE[:1], axis=0, label="complex"),
    ],
    "permute_dims": [
        sample(MATRIX, axes=(1, 0)),
        sample(CUBE, axes=(2, 0, 1)),
        sample(CUBE, axes=(-2, 0, -1), label="negative"),
        sample(POINT, axes=(), label="0-d"),
        sample(PLANE, axes=(1, 0), label="complex"),
        sample(NOTHING, axes=(1, 2, 0), label="empty"),
    ],
    "matrix_transpose": [
        sample(MATRIX),
        sample(CUBE),
        sample(PLANE, label="complex"),
        sample(FLAGS, label="bool"),
        sample(NOTHING, label="empty"),
    ],
    "moveaxis": [
        sample(CUBE, source=0, destination=-1),
        sample(CUBE, source=(0, 2), destination=(1, 0), label="several"),
        sample(MATRIX, source=-1, destination=0),
        sample(PLANE, source=1, destination=0, label="complex"),
    ],
    "flip": [
        sample(MATRIX),
        sample(MATRIX, axis=-1),
        sample(CUBE, axis=(0, 2)),
        sample(POINT, label="0-d"),
        sample(PLANE, axis=0, label="complex"),
        sample(NOTHING, axis=1, label="empty"),
    ],
    "roll": [
        sample(MATRIX, shift=2),
        sample(MATRIX, shift=-1, axis=1),
        sample(CUBE, shift=(1, -2), axis=(0, 1), label="several"),
        sample(CUBE, shift=1, axis=(1, 2), label="one shift, several axes"),
        sample(MATRIX, shift=7, axis=-1, label="around"),
        sample(PLANE, shift=1, axis=0, label="complex"),
        sample(NOTHING, shift=1, axis=0, label="empty"),
    ],
    "concat": [
        sample(MATRIX, MATRIX[:1] * 2, ROW.reshape(1, 3)),
        sample(MATRIX, CUBE[0, :2], axis=-1),
        sample(MATRIX, POINT, axis=None, label="flat"),
        sample(ROW, COUNTS[0], label="promotes"),
        sample(ROW, np.zeros(0), label="with nothing"),
        sample(CUBE),
        sample(PLANE, PLANE[:1], label="complex"),
        sample(PLANE, MATRIX[:, :2], label="real with complex"),
        sample(FLAGS, FLAGS[1:], label="bool"),
    ],
    "stack": [
        sample(ROW, ROW * 2),
        sample(MATRIX, MATRIX + 1, MATRIX * 2, axis=-1),
        sample(MATRIX, MATRIX * 3, axis=1),
        sample(POINT, POINT, label="0-d"),
        sample(MATRIX, COUNTS, label="promotes"),
        sample(PLANE, PLANE, axis=2, label="complex"),
        sample(NOTHING, NOTHING, label="empty"),
    ],
    "unstack": [
        sample(MATRIX, unknown=False),
        sample(CUBE, axis=-1, unknown=False),
        sample(CUBE, axis=1, unknown=False),
        sample(ROW[:1], unknown=False, label="one"),
        sample(PLANE, axis=1, unknown=False, label="complex"),
        sample(COUNTS, axis=-1, unknown=False, label="int32"),
    ],
    "tile": [
        sample(ROW, repetitions=(2,)),
        sample(MATRIX, repetitions=(2, 3)),
        sample(ROW, repetitions=(2, 1, 2), label="more repetitions"),
        sample(CUBE, repetitions=(2,), label="fewer repetitions"),
        sample(MATRIX, repetitions=(0, 2), label="none"),
        sample(POINT, repetitions=(3,), label="0-d"),
        sample(POINT, repetitions=(), label="0-d, no repetitions"),
        sample(PLANE, repetitions=(1, 2), label="complex"),
    ],
    "repeat": [
        sample(ROW, repeats=2),
        sample(MATRIX, repeats=3, label="flat"),
        sample(MATRIX, repeats=2, axis=-1),
        sample(CUBE, repeats=2, axis=1),
        sample(MATRIX, repeats=0, axis=0, label="none"),
        sample(ROW, np.array([2, 0, 3]), label="counts"),
        sample(MATRIX, np.array([1, 2]), axis=0, label="counts by row"),
        sample(MATRIX, np.array([0, 1, 2], dtype="int32"), axis=1, label="counts by column"),
        sample(MATRIX, np.array([1, 2, 0, 1, 3, 1], dtype="uint8"), label="counts, flat"),
        sample(ROW, np.array([2]), label="one count for all"),
        sample(ROW, TWO, label="0-d count"),
        sample(PLANE, repeats=2, axis=0, label="complex"),
        sample(COUNTS, repeats=2, axis=0, label="int32"),
    ],
    "pad": [
        sample(ROW, widths=((1, 2),)),
        sample(MATRIX, widths=((0, 1), (2, 0)), value=0.5),
        sample(CUBE, widths=((0, 0), (1, 1), (0, 1))),
        sample(POINT, widths=(), label="0-d"),
        sample(NOTHING, widths=((0, 0), (1, 2), (0, 1)), label="around nothing"),
        sample(MATRIX, widths=((1, 2), (4, 3)), mode="edge", label="edge"),
        sample(MATRIX, widths=((1, 1), (5, 4)), mode="reflect", label="reflect"),
        sample(MATRIX, widths=((3, 2), (1, 7)), mode="symmetric", label="symmetric"),
        sample(ROW[:1], widths=((2, 1),), mode="reflect", label="reflect one"),
        sample(ROW[:1], widths=((2, 1),), mode="symmetric", label="symmetric one"),
        sample(PLANE, widths=((1, 0), (0, 1)), label="complex"),
        sample(PLANE, widths=((1, 0), (0, 1)), mode="edge", label="complex edge"),
        sample(COUNTS, widths=((1, 0), (0, 1)), value=7, label="int32"),
        sample(FLAGS, widths=((1, 0), (0, 1)), value=True, label="bool"),
    ],
}
