"""Activations and crossentropies by PyTorch and SciPy."""

import scipy.special
import torch
from torch.nn import functional

from references.pytorch import by_torch


def hard_sigmoid(x):
    return torch.clamp(x / 5 + 0.5, 0.0, 1.0)  # PyTorch's own is that of a later Keras


def softmax_cross_entropy(logits, targets, axis=-1):
    logs = torch.log_softmax(logits, axis)
    return -torch.where(targets == 0, 0.0, targets * logs).sum(axis)


def sigmoid_cross_entropy(logits, targets):
    return functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")


REFERENCES = {
    "elu": by_torch(functional.elu),
    "hard_sigmoid": by_torch(hard_sigmoid),
    "leaky_relu": by_torch(lambda x, negative_slope=0.2: functional.leaky_relu(x, negative_slope)),
    "log_softmax": lambda x, axis=-1: scipy.special.log_softmax(x, axis),
    "logsumexp": lambda x, axis=None, keepdims=False: scipy.special.logsumexp(x, axis, keepdims=keepdims),
    "relu": by_torch(functional.relu),
    "scaled_softmax": lambda x, scale, axis=-1: scipy.special.softmax(x, axis) * scale,
    "selu": by_torch(functional.selu),
    "sigmoid_cross_entropy": by_torch(sigmoid_cross_entropy),
    "softmax": lambda x, axis=-1: scipy.special.softmax(x, axis),
    "softmax_cross_entropy": by_torch(softmax_cross_entropy),
    "softplus": by_torch(lambda x: functional.softplus(x, threshold=40)),  # beyond it, x to the last bit
    "softsign": by_torch(functional.softsign),
}
