"""TensorFlow: ``tf.function``, with its own kernels or compiled by XLA."""

from __future__ import annotations

import tensorflow as tf

from peers.words import Words


class TensorFlowWords(Words):
    """The words of ``tf``, ``tf.math`` and ``tf.nn``."""

    def __getattr__(self, name):
        return getattr(tf, name, None) or getattr(tf.math, name)

    def mean(self, x, axis=None, keepdims=False):
        return tf.reduce_mean(x, axis, keepdims)

    def sum(self, x, axis=None, keepdims=False):
        return tf.reduce_sum(x, axis, keepdims)

    def relu(self, x):
        return tf.nn.relu(x)

    def softmax(self, x):
        return tf.nn.softmax(x)

    def split(self, x, count):
        return tf.split(x, count, axis=1)

    def logsumexp(self, x):
        return tf.reduce_logsumexp(x, axis=-1)

    def argmin(self, x):
        return tf.argmin(x, axis=1)

    def solve(self, a, b):
        return tf.linalg.solve(a, b[:, None])[:, 0]

    def matmul(self, a, b):
        if a.shape.rank == 3 and b.shape.rank == 2:
            return tf.tensordot(a, b, 1)
        return tf.linalg.matvec(a, b) if b.shape.rank == 1 else tf.matmul(a, b)

    def cross_entropy(self, logits, labels):
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))

    def conv(self, x, kernel):
        return tf.nn.conv2d(x, kernel, 1, "VALID")

    def max_pool(self, x):
        return tf.nn.max_pool2d(x, 2, 2, "VALID")

    def lstm(self, x, w, u, b):
        """Return the last state; each step stands in the graph by itself, which is faster than ``tf.while_loop``."""
        h = c = tf.zeros((x.shape[0], u.shape[0]))
        for z in tf.unstack(tf.tensordot(x, w, 1) + b, axis=1):
            h, c = self.cell(z + tf.matmul(h, u), c)
        return h

    def sums_by_id(self, x, ids, count):
        ones = tf.ones((x.shape[0], 1))
        return tf.math.unsorted_segment_sum(x, ids, count), tf.math.unsorted_segment_sum(ones, ids, count)

    def value_and_grad(self, function, *given):
        with tf.GradientTape() as tape:
            tape.watch(given)
            value = function(*given)
        return value, tape.gradient(value, given)


def candidate(workload, arrays, mode):
    """Return a call; results become NumPy arrays, which waits for them."""
    words, own = TensorFlowWords(), [tf.constant(a) for a in arrays]
    compiled = tf.function(lambda *given: workload.body(words, *given), jit_compile=mode == "xla", autograph=False)
    return lambda: [r.numpy() for r in compiled(*own)]
