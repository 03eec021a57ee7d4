"""Creation, as NumPy does it."""

import numpy as np


def arange(*sizes, shape, start=0, step=1, dtype="int64"):
    return np.array([start + step * i for i in range(int((sizes or shape)[0]))], dtype)


def eye(*sizes, shape, k=0, dtype="float64"):
    return np.eye(*map(int, sizes or shape), k, dtype)


REFERENCES = {
    "arange": arange,
    "eye": eye,
    "linspace": np.linspace,
    "meshgrid": lambda *arrays, indexing="xy": tuple(np.meshgrid(*arrays, indexing=indexing)),
    "tril": np.tril,
    "triu": np.triu,
}
