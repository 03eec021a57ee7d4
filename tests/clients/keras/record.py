"""Record what Keras 2.3.1 does on TensorFlow 1.15 or Theano, for kbplug to repeat; README.md says how to run it.

KERAS_BACKEND=tensorflow python record.py
KERAS_BACKEND=theano python record.py
"""

import json
from pathlib import Path

import networks
import numpy as np
from keras import backend as K

DATA = Path(__file__).parent / "data"

FLOATS = ("float32", "float64")

# On TensorFlow Keras cannot normalize batches of float64, and its optimizers that count read their count after the
# update of it: they begin at their second step. Theano flips kernels, so the same weights are another network there.
UNABLE = [("tensorflow", "float64", "normed")]
UNABLE += [("tensorflow", floatx, name) for floatx in FLOATS for name in ("adam", "adamax", "nadam")]
UNABLE += [("theano", floatx, "cnn") for floatx in FLOATS]


def curves():
    """Write the losses of each case in both float types, less what the backend cannot run."""
    recorded = {}
    for floatx in FLOATS:
        K.set_floatx(floatx)
        able = [n for n in networks.CASES if (K.backend(), floatx, n) not in UNABLE]
        recorded[floatx] = {name: networks.curve(name) for name in able}
    K.set_floatx("float32")
    (DATA / ("curves-%s.json" % K.backend())).write_text(json.dumps(recorded, indent=1) + "\n")  # noqa: UP031


def saved(name, model, shape, words=0):
    """Train a model a little, save it whole and in parts, and write what it gives for some inputs."""
    random = np.random.RandomState(3)
    inputs = random.randint(0, words, (8, *shape)) if words else random.uniform(-1, 1, (8, *shape))
    sizes = [shape[-1] for shape in _listed(model.output_shape)]
    targets = [np.eye(size)[random.randint(0, size, 8)] for size in sizes]
    networks.fix_weights(model)
    for _ in range(5):
        model.train_on_batch(inputs, targets)
    model.save(str(DATA / (name + ".h5")))
    (DATA / (name + ".json")).write_text(model.to_json() + "\n")
    outputs = {"output%d" % i: y for i, y in enumerate(_listed(model.predict(inputs)))}  # noqa: UP031 -- as elsewhere
    wanted = {"target%d" % i: y for i, y in enumerate(targets)}  # noqa: UP031
    further = [model.train_on_batch(inputs, targets) for _ in range(3)]
    np.savez_compressed(str(DATA / (name + ".npz")), inputs=inputs, further=np.array(further), **outputs, **wanted)


def _listed(value):
    return value if isinstance(value, list) else [value]


if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    curves()
    if K.backend() == "theano":
        saved("channels_first", *networks.channels_first_model())
    else:
        saved("dense", *networks.dense_model())
        saved("images", *networks.image_model())
        saved("words", *networks.sequence_model(), words=30)
