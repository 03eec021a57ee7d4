"""Control flow as plain loops over NumPy arrays; the graphs are those of ``kbplug.testing.samples.control``."""

import numpy as np


def cond(condition, a, b, *, then, orelse):
    return a**2 + b if condition else np.sin(a) * b


def fused(a, b, *, body):
    return a**2 + b


def scan(*arrays, body, carries, sequences, length=None, reverse=False):
    if not sequences:
        carry, weight = arrays
        for _ in range(length):
            carry = carry * weight + 1
        return (carry,)
    carry, rows, weight = arrays
    kept = np.zeros(rows.shape)
    order = range(len(rows))
    for i in reversed(order) if reverse else order:
        new = np.tanh(carry * weight + rows[i])
        kept[i] = new * carry
        carry = new
    return carry, kept


def while_(carry, weight, *, test, body, carries, keep=False):
    history = []
    while (carry * weight).sum() < 20:
        history.append(carry)
        carry = carry * weight + 1
    return (carry, np.array(history).reshape(-1, *carry.shape)) if keep else (carry,)


REFERENCES = {"cond": cond, "fused": fused, "scan": scan, "while_": while_}
