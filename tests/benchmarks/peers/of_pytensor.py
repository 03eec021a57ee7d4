"""PyTensor: one compiled function, in its default mode; no loops and pictures, which it compiles for long."""

from __future__ import annotations

import pytensor
import pytensor.tensor as pt

from peers import NotWritten
from peers.words import Words

LEFT_OUT = ("w5_cnn", "w6_lstm", "w8_kmeans")


class PyTensorWords(Words):
    """The words of ``pytensor.tensor``."""

    def __getattr__(self, name):
        return getattr(pt, name)

    def mean(self, x, axis=None, keepdims=False):
        return pt.mean(x, axis=axis, keepdims=keepdims)

    def transpose(self, x, axes):
        return x.transpose(*axes)

    def softmax(self, x):
        return pt.special.softmax(x, axis=-1)

    def logsumexp(self, x):
        return pt.logsumexp(x, axis=-1)

    def solve(self, a, b):
        return pt.linalg.solve(a, b, assume_a="pos")

    def cross_entropy(self, logits, labels):
        return -pt.mean(pt.special.log_softmax(logits, axis=-1)[pt.arange(logits.shape[0]), labels])

    def value_and_grad(self, function, *given):
        value = function(*given)
        return value, pytensor.grad(value, list(given))


def candidate(workload, arrays, mode):
    """Return a call."""
    if workload.__name__.rpartition(".")[2] in LEFT_OUT:
        raise NotWritten("loops and convolutions compile for minutes")
    given = [pt.TensorType(a.dtype.name, shape=a.shape)() for a in arrays]
    results = [pt.as_tensor(r) for r in workload.body(PyTensorWords(), *given)]
    function = pytensor.function(given, results, on_unused_input="ignore")
    function.trust_input = True
    return lambda: function(*arrays)
