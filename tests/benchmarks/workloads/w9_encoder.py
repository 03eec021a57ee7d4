"""W9: a block of a transformer's encoder, forward and backward."""

from __future__ import annotations

import numpy as np

from kbplug import backend as K
from workloads import Program

TITLE = "encoder block, forward and backward: batch 8, 128 positions, width 256, 4 heads, 1024 hidden units"
TOLERANCE = 2e-4
HEADS, EPSILON = 4, 1e-5


def arrays(rng, quick):
    """Return x, the target and the parameters."""
    n, steps, width, hidden = (2, 16, 32, 64) if quick else (8, 128, 256, 1024)

    def matrix(rows, columns):
        return (rng.standard_normal((rows, columns)) / rows**0.5).astype(np.float32)

    x, target = (rng.standard_normal((n, steps, width), dtype=np.float32) for _ in range(2))
    ones, zeros = np.ones(width, np.float32), np.zeros(width, np.float32)
    attention = [matrix(width, width) for _ in range(4)]
    dense = [matrix(width, hidden), np.zeros(hidden, np.float32), matrix(hidden, width), zeros]
    return x, target, *attention, ones, zeros, *dense, ones.copy(), zeros.copy()


def by_hand(x, target, *parameters):
    """Compute it in NumPy."""
    wq, wk, wv, wo, g1, o1, w1, c1, w2, c2, g2, _ = parameters
    q, k, v = (_split(x @ w) for w in (wq, wk, wv))
    scale = q.shape[-1] ** -0.5
    scores = scale * (q @ k.swapaxes(2, 3))
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    p = e / e.sum(axis=-1, keepdims=True)
    joined = _join(p @ v)
    z1, s1 = _normalised(x + joined @ wo)
    h = z1 * g1 + o1
    a = np.maximum(h @ w1 + c1, 0)
    z2, s2 = _normalised(h + a @ w2 + c2)
    difference = z2 * g2 + parameters[-1] - target
    loss = (difference * difference).mean()
    dy = difference * (2 / difference.size)
    d = _normalised_slope(dy * g2, z2, s2)
    da = (d @ w2.T) * (a > 0)
    dh = d + da @ w1.T
    d1 = _normalised_slope(dh * g1, z1, s1)
    dp = _split(d1 @ wo.T)
    dv = p.swapaxes(2, 3) @ dp
    dp = dp @ v.swapaxes(2, 3)
    ds = scale * p * (dp - (dp * p).sum(axis=-1, keepdims=True))
    slopes = [_outer(x, _join(t)) for t in (ds @ k, ds.swapaxes(2, 3) @ q, dv)]
    slopes += [_outer(joined, d1), (dh * z1).sum((0, 1)), dh.sum((0, 1))]
    slopes += [_outer(h, da), da.sum((0, 1)), _outer(a, d), d.sum((0, 1)), (dy * z2).sum((0, 1)), dy.sum((0, 1))]
    return [loss, *slopes]


def _split(x):
    n, steps, width = x.shape
    return x.reshape(n, steps, HEADS, width // HEADS).transpose(0, 2, 1, 3)


def _join(x):
    n, heads, steps, width = x.shape
    return x.transpose(0, 2, 1, 3).reshape(n, steps, heads * width)


def _outer(x, d):
    return x.reshape(-1, x.shape[-1]).T @ d.reshape(-1, d.shape[-1])


def _normalised(x):
    centred = x - x.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + EPSILON)
    return centred / spread, spread


def _normalised_slope(d, z, spread):
    return (d - d.mean(axis=-1, keepdims=True) - z * (d * z).mean(axis=-1, keepdims=True)) / spread


def in_k(x, target, *parameters):
    """Return it in K."""
    n, steps, width = x.shape
    given, wanted = K.placeholder(x.shape), K.placeholder(target.shape)
    variables = [K.variable(p) for p in parameters]
    wq, wk, wv, wo, g1, o1, w1, c1, w2, c2, g2, o2 = variables

    def split(t):
        return K.permute_dimensions(K.reshape(t, (n, steps, HEADS, width // HEADS)), (0, 2, 1, 3))

    def normalised(t, g, b):
        centred = t - K.mean(t, axis=-1, keepdims=True)
        return centred / K.sqrt(K.mean(K.square(centred), axis=-1, keepdims=True) + EPSILON) * g + b

    q, k, v = (split(K.dot(given, w)) for w in (wq, wk, wv))
    weights = K.softmax((q @ K.permute_dimensions(k, (0, 1, 3, 2))) * (width // HEADS) ** -0.5)
    joined = K.reshape(K.permute_dimensions(weights @ v, (0, 2, 1, 3)), (n, steps, width))
    h = normalised(given + K.dot(joined, wo), g1, o1)
    y = normalised(h + K.dot(K.relu(K.dot(h, w1) + c1), w2) + c2, g2, o2)
    loss = K.mean(K.square(y - wanted))
    return Program(K.function([given, wanted], [loss, *K.gradients(loss, variables)]), [x, target])


def body(words, x, target, *parameters):
    """Compute it in a peer's words."""

    def split(t):
        n, steps, width = x.shape
        return words.transpose(words.reshape(t, (n, steps, HEADS, width // HEADS)), (0, 2, 1, 3))

    def loss(*parameters):
        wq, wk, wv, wo, g1, o1, w1, c1, w2, c2, g2, o2 = parameters
        q, k, v = (split(words.matmul(x, w)) for w in (wq, wk, wv))
        joined = words.reshape(words.transpose(words.attention(q, k, v), (0, 2, 1, 3)), x.shape)
        h = words.layer_norm(x + words.matmul(joined, wo), g1, o1, EPSILON)
        a = words.relu(words.matmul(h, w1) + c1)
        y = words.layer_norm(h + words.matmul(a, w2) + c2, g2, o2, EPSILON)
        return words.mean((y - target) ** 2)

    value, slopes = words.value_and_grad(loss, *parameters)
    return [value, *slopes]
