"""W5: one step of Adam for a small convolutional network on pictures of digits."""

from __future__ import annotations

import numpy as np

from kbplug import backend as K
from workloads import Program

TITLE = "CNN: conv 3x3x32, conv 3x3x64, max pool, dense 128, dense 10; batch 128 of 28 x 28; a step of Adam"
TOLERANCE = 2e-3  # where rounding makes another element of a window the largest, the gradient goes there
RATE, DECAY, SQUARE_DECAY, EPSILON, STEP = 1e-3, 0.9, 0.999, 1e-7, 100.0
"""Adam's constants, and the number of the step measured."""


def arrays(rng, quick):
    """Return pictures, classes and three lists joined: the parameters, Adam's means and its mean squares."""
    n = 8 if quick else 128
    shapes = ((3, 3, 1, 32), (32,), (3, 3, 32, 64), (64,), (12 * 12 * 64, 128), (128,), (128, 10), (10,))
    parameters = [
        (rng.standard_normal(s) * (2 / np.prod(s[:-1])) ** 0.5 if len(s) > 1 else np.zeros(s)).astype(np.float32)
        for s in shapes
    ]
    means = [np.zeros_like(p) for p in parameters]
    squares = [np.full_like(p, 1e-4) for p in parameters]  # as later steps find them, so that none divides by 0
    return rng.random((n, 28, 28, 1), np.float32), rng.integers(0, 10, n), *parameters, *means, *squares


def by_hand(x, labels, *state):
    """Compute it in NumPy."""
    k1, b1, k2, b2, w3, b3, w4, b4 = parameters = state[:8]
    a1 = np.maximum(_conv(x, k1) + b1, 0)
    a2 = np.maximum(_conv(a1, k2) + b2, 0)
    n, h, w, c = a2.shape
    tiles = a2.reshape(n, h // 2, 2, w // 2, 2, c)
    top = tiles.max(axis=(2, 4), keepdims=True)
    flat = top.reshape(n, -1)
    a3 = np.maximum(flat @ w3 + b3, 0)
    logits = a3 @ w4 + b4
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(n), labels]).mean()
    p[np.arange(n), labels] -= 1
    d4 = p / n
    d3 = (d4 @ w4.T) * (a3 > 0)
    dflat = (d3 @ w3.T).reshape(top.shape)
    d2 = (np.where(tiles == top, dflat, 0)).reshape(a2.shape) * (a2 > 0)
    d1 = _conv_slope(d2, k2) * (a1 > 0)
    slopes = [_kernel_slope(x, d1), d1.sum((0, 1, 2)), _kernel_slope(a1, d2), d2.sum((0, 1, 2))]
    slopes += [flat.T @ d3, d3.sum(0), a3.T @ d4, d4.sum(0)]
    return [loss, *_adam(parameters, state[8:16], state[16:], slopes)]


def _conv(x, kernel):
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    return np.tensordot(windows, kernel, ((4, 5, 3), (0, 1, 2)))


def _kernel_slope(x, d):
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    return np.tensordot(windows, d, ((0, 1, 2), (0, 1, 2))).transpose(1, 2, 0, 3)


def _conv_slope(d, kernel):
    padded = np.pad(d, ((0, 0), (2, 2), (2, 2), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return np.tensordot(windows, kernel[::-1, ::-1], ((4, 5, 3), (0, 1, 3)))


def _adam(parameters, means, squares, slopes):
    rate = RATE * (1 - SQUARE_DECAY**STEP) ** 0.5 / (1 - DECAY**STEP)
    means = [DECAY * m + (1 - DECAY) * g for m, g in zip(means, slopes, strict=True)]
    squares = [SQUARE_DECAY * v + (1 - SQUARE_DECAY) * g * g for v, g in zip(squares, slopes, strict=True)]
    new = [p - rate * m / (np.sqrt(v) + EPSILON) for p, m, v in zip(parameters, means, squares, strict=True)]
    return [*new, *means, *squares]


def in_k(x, labels, *state):
    """Return it in K: parameters and Adam's state are variables."""
    images, classes = K.placeholder(x.shape), K.placeholder(labels.shape, dtype="int64")
    variables = [K.variable(v) for v in state]
    parameters, means, squares = variables[:8], variables[8:16], variables[16:]
    k1, b1, k2, b2, w3, b3, w4, b4 = parameters
    h = K.relu(K.bias_add(K.conv2d(images, k1), b1))
    h = K.relu(K.bias_add(K.conv2d(h, k2), b2))
    h = K.batch_flatten(K.pool2d(h, (2, 2), strides=(2, 2)))
    h = K.relu(K.bias_add(K.dot(h, w3), b3))
    logits = K.bias_add(K.dot(h, w4), b4)
    loss = K.mean(K.sparse_categorical_crossentropy(classes, logits, from_logits=True))
    count = K.variable(STEP)
    rate = RATE * K.sqrt(1 - K.pow(SQUARE_DECAY, count)) / (1 - K.pow(DECAY, count))
    updates = [K.update_add(count, 1)]
    for p, m, v, g in zip(parameters, means, squares, K.gradients(loss, parameters), strict=True):
        mean, square = DECAY * m + (1 - DECAY) * g, SQUARE_DECAY * v + (1 - SQUARE_DECAY) * K.square(g)
        updates += [(m, mean), (v, square), (p, p - rate * mean / (K.sqrt(square) + EPSILON))]
    return Program(K.function([images, classes], [loss], updates=updates), [x, labels], variables)


def body(words, x, labels, *state):
    """Compute it in a peer's words."""

    def loss(*parameters):
        k1, b1, k2, b2, w3, b3, w4, b4 = parameters
        h = words.relu(words.conv(x, k1) + b1)
        h = words.max_pool(words.relu(words.conv(h, k2) + b2))
        h = words.reshape(h, (x.shape[0], -1))
        h = words.relu(words.matmul(h, w3) + b3)
        return words.cross_entropy(words.matmul(h, w4) + b4, labels)

    value, slopes = words.value_and_grad(loss, *state[:8])
    rate = RATE * (1 - SQUARE_DECAY**STEP) ** 0.5 / (1 - DECAY**STEP)
    constants = {"rate": rate, "decay": DECAY, "square_decay": SQUARE_DECAY, "epsilon": EPSILON}
    return [value, *words.adam(state[:8], state[8:16], state[16:], slopes, **constants)]


def in_keras(x, labels, *state):
    """Return it as the model that a user of Keras trains; its results are the loss alone."""
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, "relu"),
            layers.Dense(10),
        ]
    )
    model.set_weights(list(state[:8]))
    model.compile(keras.optimizers.Adam(RATE), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return lambda: [model.train_on_batch(x, labels)]
