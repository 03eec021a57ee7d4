"""How a PyTorch function becomes a reference: NumPy arrays in, NumPy arrays out."""

import functools

import numpy as np
import torch


def by_torch(function):
    """Return ``function`` of PyTorch on NumPy arrays; parameters pass through, absent arrays stay None."""

    @functools.wraps(function)
    def reference(*arrays, **params):
        return to_numpy(function(*(None if a is None else to_torch(a) for a in arrays), **params))

    return reference


def to_torch(array):
    return torch.from_numpy(np.array(array))


def to_numpy(result):
    if isinstance(result, tuple | list):
        return tuple(map(to_numpy, result))
    return result.resolve_conj().resolve_neg().numpy()
