"""W4: one step of gradient descent with momentum for a network of three dense layers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from kbplug import backend as K
from workloads import Program

TITLE = "MLP 784-512-512-10, batch 128; a step of gradient descent with momentum"
TOLERANCE = 2e-5
RATE, MOMENTUM = 0.01, 0.9


def arrays(rng, quick):
    """Return pictures, classes, parameters and velocities."""
    n, sizes = (8, (20, 16, 16, 10)) if quick else (128, (784, 512, 512, 10))
    layers = [
        ((rng.standard_normal((a, b)) * (2 / a) ** 0.5).astype(np.float32), np.zeros(b, np.float32))
        for a, b in pairwise(sizes)
    ]
    parameters = [array for layer in layers for array in layer]
    velocities = [np.zeros_like(p) for p in parameters]
    return rng.random((n, sizes[0]), np.float32), rng.integers(0, 10, n), *parameters, *velocities


def by_hand(x, labels, *state):
    """Compute it in NumPy."""
    w1, b1, w2, b2, w3, b3 = parameters = state[:6]
    n = len(x)
    a1 = np.maximum(x @ w1 + b1, 0)
    a2 = np.maximum(a1 @ w2 + b2, 0)
    logits = a2 @ w3 + b3
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(n), labels]).mean()
    p[np.arange(n), labels] -= 1
    d3 = p / n
    d2 = (d3 @ w3.T) * (a2 > 0)
    d1 = (d2 @ w2.T) * (a1 > 0)
    slopes = [x.T @ d1, d1.sum(0), a1.T @ d2, d2.sum(0), a2.T @ d3, d3.sum(0)]
    velocities = [MOMENTUM * v - RATE * g for v, g in zip(state[6:], slopes, strict=True)]
    return [loss, *(p + v for p, v in zip(parameters, velocities, strict=True)), *velocities]


def in_k(x, labels, *state):
    """Return it in K: parameters and velocities are variables."""
    images, classes = K.placeholder(x.shape), K.placeholder(labels.shape, dtype="int64")
    variables = [K.variable(v) for v in state]
    w1, b1, w2, b2, w3, b3 = parameters = variables[:6]
    h = K.relu(K.bias_add(K.dot(images, w1), b1))
    h = K.relu(K.bias_add(K.dot(h, w2), b2))
    logits = K.bias_add(K.dot(h, w3), b3)
    loss = K.mean(K.sparse_categorical_crossentropy(classes, logits, from_logits=True))
    updates = []
    for p, v, g in zip(parameters, variables[6:], K.gradients(loss, parameters), strict=True):
        velocity = MOMENTUM * v - RATE * g
        updates += [(v, velocity), (p, p + velocity)]
    return Program(K.function([images, classes], [loss], updates=updates), [x, labels], variables)


def body(words, x, labels, *state):
    """Compute it in a peer's words."""

    def loss(*parameters):
        w1, b1, w2, b2, w3, b3 = parameters
        h = words.relu(words.matmul(x, w1) + b1)
        h = words.relu(words.matmul(h, w2) + b2)
        return words.cross_entropy(words.matmul(h, w3) + b3, labels)

    value, slopes = words.value_and_grad(loss, *state[:6])
    return [value, *words.momentum(state[:6], state[6:], slopes, rate=RATE, momentum=MOMENTUM)]


def in_keras(x, labels, *state):
    """Return it as the model that a user of Keras trains; its results are the loss alone."""
    import keras

    dense = keras.layers.Dense
    layers = [keras.Input((x.shape[1],)), dense(state[0].shape[1], "relu"), dense(state[2].shape[1], "relu"), dense(10)]
    model = keras.Sequential(layers)
    model.set_weights(list(state[:6]))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(RATE, momentum=MOMENTUM), loss)
    return lambda: [model.train_on_batch(x, labels)]
