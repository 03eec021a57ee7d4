"""One process trains on one engine after another, and the losses go on as if it had not."""

import numpy as np
import pytest

import kbplug
from kbplug import backend as K
from kbplug import plugins
from kbplug.config.settings import enter, leave
from kbplug.demo.digits import load

CLOSE = 2e-4
"""How far apart losses may be, in proportion: float32 sums of 64 samples, in another order, through 40 steps."""


@pytest.fixture(autouse=True)
def _portable():
    token = enter({"rng": "portable"}, "the test")
    yield
    leave(token)


def engine(name):
    if name not in ("numpy", "strict"):
        pytest.importorskip(name, reason=f"{name} is not installed here")
        pytest.importorskip(f"kbplug_{name}", reason=f"kbplug-{name} is not installed here")
    return plugins.engine(name)


def trainer():
    """Return one step of training a small network with dropout by Adam, and its variables."""
    x, t = K.placeholder((None, 64), dtype="float32"), K.placeholder((None,), dtype="int32")
    weights = [
        K.variable(K.eval(K.random_normal(shape, stddev=0.2, dtype="float32", seed=seed)))
        for seed, shape in enumerate([(64, 32), (32,), (32, 10)])
    ]
    hidden = K.dropout(K.relu(K.dot(x, weights[0]) + weights[1]), 0.25, seed=9)
    loss = K.mean(K.sparse_categorical_crossentropy(t, K.softmax(K.dot(hidden, weights[2]))))
    step = K.variable(0.0, dtype="float32")
    updates, slots = [K.update_add(step, 1.0)], []
    for w, g in zip(weights, K.gradients(loss, weights), strict=True):
        m, v = K.zeros(K.int_shape(w)), K.zeros(K.int_shape(w))
        slots += [m, v]
        first, second = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * K.square(g)
        rate = 0.01 * K.sqrt(1 - K.pow(0.999, step + 1)) / (1 - K.pow(0.9, step + 1))
        updates += [K.update(m, first), K.update(v, second)]
        updates += [K.update_sub(w, rate * first / (K.sqrt(second) + 1e-7))]
    return K.function([x, t], [loss], updates=updates), [*weights, *slots, step]


def losses(engines, steps=40):
    """Return the loss of each step; the engines take turns of equal length, in one process."""
    images, labels = load()[:2]
    images = np.asarray(images, dtype="float32").reshape(len(images), -1)
    train, variables = trainer()
    turn = -(-steps // len(engines))
    found = []
    for step in range(steps):
        rows = slice(64 * step % 1024, 64 * step % 1024 + 64)
        with kbplug.engine_scope(engines[step // turn]):
            found.append(float(train([images[rows], labels[rows]])[0]))
    return found, [K.get_value(v) for v in variables]


@pytest.mark.parametrize(
    "names",
    [
        ("numpy", "strict", "numpy"),
        ("numpy", "torch", "numpy"),
        ("numpy", "jax", "numpy"),
        ("numpy", "torch", "jax", "numpy"),
        ("jax", "torch", "jax", "torch", "numpy", "jax"),
    ],
    ids="-".join,
)
def test_training_that_changes_engines_goes_on_as_if_it_had_not(names):
    engines = [engine(name) for name in names]
    expected, weights = losses([plugins.engine("numpy")])
    found, others = losses(engines)
    assert expected[-1] < 0.5 * expected[0]
    np.testing.assert_allclose(found, expected, rtol=CLOSE)
    for a, b in zip(others, weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-2, atol=1e-3)
