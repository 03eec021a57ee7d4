"""A multi-layer perceptron written in K alone: weights, dropout, cross-entropy, and Adam as updates of variables."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from kbplug import backend as K
from kbplug.demo.digits import Digits

SIZES = (64, 128, 10)
DROPOUT = 0.2
RATE, MOMENTUM, SCALE = 2e-3, 0.9, 0.999
BATCH = 32


class Network(NamedTuple):
    """Two compiled functions over the same weights."""

    train: Any
    """``[images, targets] -> [loss]``, and one step of Adam."""

    test: Any
    """``[images, targets] -> [loss, accuracy]``, without dropout."""


class Epoch(NamedTuple):
    """What an epoch came to."""

    loss: float
    test_loss: float
    accuracy: float


def build(seed: int) -> Network:
    """Return a network with fresh weights drawn from ``seed``."""
    images = K.placeholder(shape=(None, SIZES[0]), name="images")
    targets = K.placeholder(shape=(None, SIZES[-1]), name="targets")
    weights = [w for i in range(len(SIZES) - 1) for w in _layer(i, seed + i)]
    loss, accuracy = _measure(_forward(images, weights, training=0), targets)
    noisy, _ = _measure(_forward(images, weights, training=1, seed=seed), targets)
    train = K.function([images, targets], [noisy], updates=_adam(noisy, weights), name="train")
    return Network(train, K.function([images, targets], [loss, accuracy], name="test"))


def _layer(index: int, seed: int) -> tuple[Any, Any]:
    inputs, outputs = SIZES[index : index + 2]
    limit = (6.0 / (inputs + outputs)) ** 0.5  # Glorot and Bengio, 2010
    kernel = K.random_uniform_variable((inputs, outputs), -limit, limit, seed=seed, name=f"kernel_{index}")
    return kernel, K.zeros((outputs,), name=f"bias_{index}")


def _forward(images: Any, weights: list[Any], training: int, seed: int = 0) -> Any:
    first, bias, second, last = weights
    hidden = K.relu(K.dot(images, first) + bias)
    hidden = K.in_train_phase(lambda: K.dropout(hidden, DROPOUT, seed=seed), hidden, training=training)
    return K.softmax(K.dot(hidden, second) + last)


def _measure(predicted: Any, targets: Any) -> tuple[Any, Any]:
    loss = K.mean(K.categorical_crossentropy(targets, predicted))
    hits = K.equal(K.argmax(predicted, axis=-1), K.argmax(targets, axis=-1))
    return loss, K.mean(K.cast(hits, K.floatx()))


def _adam(loss: Any, weights: list[Any]) -> list[Any]:
    """Return the updates of one step of Adam (Kingma and Ba, 2015)."""
    steps = K.variable(0.0, name="steps")
    step = steps + 1.0
    rate = RATE * K.sqrt(1.0 - K.pow(SCALE, step)) / (1.0 - K.pow(MOMENTUM, step))
    updates = [K.update(steps, step)]
    for weight, gradient in zip(weights, K.gradients(loss, weights), strict=True):
        if gradient is None:
            continue
        mean, square = (K.variable(K.zeros_like(weight)) for _ in range(2))
        new_mean = MOMENTUM * mean + (1.0 - MOMENTUM) * gradient
        new_square = SCALE * square + (1.0 - SCALE) * K.square(gradient)
        moved = weight - rate * new_mean / (K.sqrt(new_square) + K.epsilon())
        updates += [K.update(mean, new_mean), K.update(square, new_square), K.update(weight, moved)]
    return updates


def batches(digits: Digits, order: list[int]) -> Iterator[list[Any]]:
    """Yield images and one-hot targets, a batch at a time."""
    for start in range(0, len(order), BATCH):
        batch = digits.take(order[start : start + BATCH])
        yield [batch.images, batch.one_hot()]


def train(
    network: Network, data: tuple[Digits, Digits], epochs: int, seed: int, told: Callable[[Epoch], None]
) -> list[Epoch]:
    """Train for ``epochs`` and return what each came to; ``told`` hears of it at once."""
    seen, held_out = data
    shuffle = random.Random(seed)
    order = list(range(len(seen.labels)))
    history = []
    for _ in range(epochs):
        shuffle.shuffle(order)
        losses = [float(network.train(batch)[0]) for batch in batches(seen, order)]
        test_loss, accuracy = network.test([held_out.images, held_out.one_hot()])
        history.append(Epoch(sum(losses) / len(losses), float(test_loss), float(accuracy)))
        told(history[-1])
    return history
