"""W6: a long short-term memory over a sequence, forward and backward."""

from __future__ import annotations

import numpy as np

from kbplug import backend as K
from workloads import Program

TITLE = "LSTM of 128 units, 80 steps, batch 32, 128 features, forward and backward"
TOLERANCE = 2e-4


def arrays(rng, quick):
    """Return x, the weights of inputs and of states, and the offset; gates stand as input, forget, cell, output."""
    n, steps, width = (4, 6, 8) if quick else (32, 80, 128)
    x = rng.standard_normal((n, steps, width), dtype=np.float32)
    w, u = ((rng.standard_normal((width, 4 * width)) / width**0.5).astype(np.float32) for _ in range(2))
    return x, w, u, 0.1 * rng.standard_normal(4 * width, dtype=np.float32)


def by_hand(x, w, u, b):
    """Compute it in NumPy."""
    n, steps, _ = x.shape
    h = c = np.zeros((n, len(u)), x.dtype)
    kept = []
    inputs = x @ w + b
    for t in range(steps):
        z = inputs[:, t] + h @ u
        i, f, g, o = (_sigmoid(p) if j != 2 else np.tanh(p) for j, p in enumerate(np.split(z, 4, axis=1)))
        new = f * c + i * g
        kept.append((h, c, i, f, g, o, np.tanh(new)))
        h, c = o * np.tanh(new), new
    loss = (h * h).mean()
    dh, dc = 2 * h / h.size, 0
    dw, du, db = (np.zeros_like(p) for p in (w, u, b))
    for t in reversed(range(steps)):
        before, cell, i, f, g, o, top = kept[t]
        dc = dc + dh * o * (1 - top * top)
        gates = [dc * g * i * (1 - i), dc * cell * f * (1 - f), dc * i * (1 - g * g), dh * top * o * (1 - o)]
        dz = np.concatenate(gates, axis=1)
        dw += x[:, t].T @ dz
        du += before.T @ dz
        db += dz.sum(axis=0)
        dh, dc = dz @ u.T, dc * f
    return [loss, dw, du, db]


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def in_k(x, w, u, b):
    """Return it in K: the loop is ``K.rnn``, the weights are variables."""
    n, _, width = x.shape
    given, variables = K.placeholder(x.shape), [K.variable(v) for v in (w, u, b)]
    kernel, recurrent, bias = variables

    def step(z, states):
        h, c = states
        z = z + K.dot(h, recurrent)
        i, f, g, o = (z[:, j * width : (j + 1) * width] for j in range(4))
        c = K.sigmoid(f) * c + K.sigmoid(i) * K.tanh(g)
        h = K.sigmoid(o) * K.tanh(c)
        return h, [h, c]

    zeros = [K.zeros((n, width)) for _ in range(2)]
    last, _, _ = K.rnn(step, K.dot(given, kernel) + bias, zeros, return_all_outputs=False)
    loss = K.mean(K.square(last))
    return Program(K.function([given], [loss, *K.gradients(loss, variables)]), [x])


def body(words, x, w, u, b):
    """Compute it in a peer's words."""
    value, slopes = words.value_and_grad(lambda w, u, b: words.mean(words.lstm(x, w, u, b) ** 2), w, u, b)
    return [value, *slopes]
