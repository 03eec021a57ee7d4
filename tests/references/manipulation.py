"""Moving elements about, as NumPy does under the same or another name."""

import numpy as np


def shaped(function):
    """Return a reference for an op whose sizes come partly as operands."""

    def reference(x, *sizes, shape):
        rest = iter(sizes)
        return function(x, tuple(int(next(rest)) if n is None else n for n in shape))

    return reference


def unstack(x, *, axis=0):
    return tuple(np.take(x, i, axis) for i in range(x.shape[axis]))


def pad(x, *, widths, mode="constant", value=0):
    if not widths:
        return x
    return np.pad(x, widths, mode, **({"constant_values": value} if mode == "constant" else {}))


REFERENCES = {
    "reshape": shaped(np.reshape),
    "broadcast_to": shaped(np.broadcast_to),
    "broadcast_arrays": lambda *arrays: tuple(np.broadcast_arrays(*arrays)),
    "expand_dims": np.expand_dims,
    "squeeze": np.squeeze,
    "permute_dims": np.transpose,
    "matrix_transpose": lambda x: np.swapaxes(x, -1, -2),
    "moveaxis": np.moveaxis,
    "flip": np.flip,
    "roll": np.roll,
    "concat": lambda *arrays, axis=0: np.concatenate(arrays, axis=axis),
    "stack": lambda *arrays, axis=0: np.stack(arrays, axis=axis),
    "unstack": unstack,
    "tile": lambda x, *, repetitions: np.tile(x, repetitions),
    "repeat": lambda x, counts=None, *, axis=None, repeats=None: np.repeat(
        x, repeats if counts is None else counts, axis=axis
    ),
    "pad": pad,
}
