"""W3: layer normalisation under a logarithm of sums of exponentials, and its gradients."""

from __future__ import annotations

import numpy as np

from kbplug import backend as K
from workloads import Program

TITLE = "layer norm and logsumexp, forward and backward, (4096, 1024)"
TOLERANCE = 5e-5
EPSILON = 1e-5


def arrays(rng, quick):
    """Return x, the scale and the offset."""
    rows, features = (256, 128) if quick else (4096, 1024)
    x = 2 * rng.standard_normal((rows, features), dtype=np.float32) + 1
    scale = 1 + 0.1 * rng.standard_normal(features, dtype=np.float32)
    return x, scale.astype(np.float32), 0.1 * rng.standard_normal(features, dtype=np.float32)


def by_hand(x, scale, offset):
    """Compute it in NumPy."""
    centred = x - x.mean(axis=1, keepdims=True)
    spread = np.sqrt((centred * centred).mean(axis=1, keepdims=True) + EPSILON)
    z = centred / spread
    y = z * scale + offset
    top = y.max(axis=1, keepdims=True)
    e = np.exp(y - top)
    total = e.sum(axis=1, keepdims=True)
    loss = (np.log(total) + top).mean()
    dy = e / total / len(x)
    dz = dy * scale
    dx = (dz - dz.mean(axis=1, keepdims=True) - z * (dz * z).mean(axis=1, keepdims=True)) / spread
    return [loss, dx, (dy * z).sum(axis=0), dy.sum(axis=0)]


def in_k(x, scale, offset):
    """Return it in K."""
    p, g, b = given = [K.placeholder(v.shape) for v in (x, scale, offset)]
    z = (p - K.mean(p, axis=-1, keepdims=True)) / K.sqrt(K.var(p, axis=-1, keepdims=True) + EPSILON)
    loss = K.mean(K.logsumexp(z * g + b, axis=-1))
    return Program(K.function(given, [loss, *K.gradients(loss, given)]), [x, scale, offset])


def body(words, x, scale, offset):
    """Compute it in a peer's words."""

    def loss(x, scale, offset):
        return words.mean(words.logsumexp(words.layer_norm(x, scale, offset, EPSILON)))

    value, slopes = words.value_and_grad(loss, x, scale, offset)
    return [value, *slopes]
