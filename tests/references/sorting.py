"""Sorting by Python's own stable sort, a row at a time; NaN last, or first when descending."""

import math

import numpy as np


def argsort(x, *, axis=-1, descending=False, stable=True):
    def order(row):
        sign = -1 if descending else 1
        return sorted(range(len(row)), key=lambda i: (sign * math.isnan(row[i]), sign * row[i]))

    rows = np.moveaxis(x, axis, -1)
    found = np.zeros(rows.shape, dtype="int64")
    for place in np.ndindex(rows.shape[:-1]):
        found[place] = order(rows[place].tolist())
    return np.moveaxis(found, -1, axis)


def sort(x, *, axis=-1, **params):
    return np.take_along_axis(x, argsort(x, axis=axis, **params), axis)


def top_k(x, *, k, axis=-1, largest=True):
    first = np.take(argsort(x, axis=axis, descending=largest), range(k), axis)
    return np.take_along_axis(x, first, axis), first


REFERENCES = {"sort": sort, "argsort": argsort, "top_k": top_k}
