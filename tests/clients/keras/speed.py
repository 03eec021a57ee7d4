"""Measure training steps and predictions of three networks of Keras's examples, on whichever backend Keras runs.

    KERAS_BACKEND=kbplug.backend python speed.py

It prints the median and the least of several steps, the processor time of one over all threads, in milliseconds, and
the seconds that the first one took.

    python speed.py 3 kbplug.backend=PYTHON tensorflow=PYTHON

runs each backend with its interpreter three times, in turns.
"""

import os
import subprocess
import sys
import time

import numpy as np

if len(sys.argv) == 1:
    from keras import backend as K
    from keras import layers, models


def mlp():
    """The network of ``mnist_mlp.py``, without dropout."""
    model = models.Sequential()
    model.add(layers.Dense(512, activation="relu", input_shape=(784,)))
    model.add(layers.Dense(512, activation="relu"))
    model.add(layers.Dense(10, activation="softmax"))
    model.compile("rmsprop", "categorical_crossentropy", metrics=["accuracy"])
    return model, np.random.rand(128, 784).astype("float32"), np.eye(10)[np.random.randint(0, 10, 128)], 40


def cnn():
    """The network of ``mnist_cnn.py``."""
    model = models.Sequential()
    model.add(layers.Conv2D(32, (3, 3), activation="relu", input_shape=(28, 28, 1)))
    model.add(layers.Conv2D(64, (3, 3), activation="relu"))
    model.add(layers.MaxPooling2D((2, 2)))
    model.add(layers.Dropout(0.25))
    model.add(layers.Flatten())
    model.add(layers.Dense(128, activation="relu"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(10, activation="softmax"))
    model.compile("adadelta", "categorical_crossentropy", metrics=["accuracy"])
    return model, np.random.rand(128, 28, 28, 1).astype("float32"), np.eye(10)[np.random.randint(0, 10, 128)], 10


def lstm():
    """The network of ``imdb_lstm.py``, without dropout."""
    model = models.Sequential()
    model.add(layers.Embedding(20000, 128))
    model.add(layers.LSTM(128))
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model, np.random.randint(0, 20000, (32, 80)), np.random.randint(0, 2, (32, 1)), 12


def timed(call, count):
    """Return the seconds of each of ``count`` calls, and the processor time of them all over their number."""
    taken, worked = [], time.process_time()
    for _ in range(count):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return taken, (time.process_time() - worked) / count


def show(name, measured, first=None):
    """Print one line of results."""
    seconds, worked = measured
    figures = (name, 1e3 * np.median(seconds), 1e3 * np.min(seconds), 1e3 * worked)
    print("%-28s median %8.2f ms   least %8.2f ms   processor %8.2f ms" % figures, end="")  # noqa: UP031 -- Python 3.7
    print("" if first is None else "   first %.1f s" % first[0][0], flush=True)  # noqa: UP031


def measure():
    """Measure on the backend that Keras runs."""
    print(K.backend())
    for build in (mlp, cnn, lstm):
        model, inputs, targets, steps = build()
        first = timed(lambda: model.train_on_batch(inputs, targets), 1)  # noqa: B023 -- called at once
        show(build.__name__, timed(lambda: model.train_on_batch(inputs, targets), steps), first)  # noqa: B023
    small = models.Sequential([layers.Dense(16, activation="relu", input_shape=(8,)), layers.Dense(1)])
    one = np.random.rand(1, 8).astype("float32")
    small.predict_on_batch(one)
    show("predict_on_batch, one row", timed(lambda: small.predict_on_batch(one), 300))
    small.predict(one)
    show("predict, one row", timed(lambda: small.predict(one), 100))


def in_turns(turns, backends):
    """Run this program under several backends and interpreters, given as ``NAME=PYTHON``, one after the other."""
    for _ in range(turns):
        for name, python in (backend.split("=", 1) for backend in backends):
            own = dict(os.environ, KERAS_BACKEND=name)
            subprocess.run([python, "-W", "ignore", __file__], env=own, stderr=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        measure()
    else:
        in_turns(int(sys.argv[1]), sys.argv[2:])
