"""The networks that were recorded under TensorFlow 1.15 and that kbplug must repeat. Knows Keras, and no backend.

It runs on Python 3.7, where the recordings are made, and on any later one. Every number comes from
``numpy.random.RandomState``, whose streams never change between versions of NumPy.
"""

from collections import namedtuple

import numpy as np
from keras import layers, models, optimizers

STEPS = 50
BATCH = 16

Case = namedtuple("Case", "build data")  # model() and arrays(random) -> inputs, targets


def mlp():
    """Dense layers, trained by Nesterov's momentum."""
    model = models.Sequential(
        [
            layers.Dense(16, activation="relu", input_shape=(20,)),
            layers.Dense(8, activation="tanh"),
            layers.Dense(5, activation="softmax"),
        ]
    )
    model.compile(optimizers.SGD(lr=0.1, momentum=0.9, nesterov=True), "categorical_crossentropy")
    return model


def normed():
    """Dense layers with batch normalization, trained by Adagrad."""
    model = models.Sequential(
        [
            layers.Dense(16, use_bias=False, input_shape=(20,)),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.Dense(5, activation="softmax"),
        ]
    )
    model.compile(optimizers.Adagrad(lr=0.05), "categorical_crossentropy")
    return model


def cnn():
    """Convolutions with both paddings, a separable one, and pooling, trained by Adadelta."""
    model = models.Sequential(
        [
            layers.Conv2D(4, 3, padding="same", activation="relu", input_shape=(8, 8, 3)),
            layers.MaxPooling2D(),
            layers.SeparableConv2D(6, 3, padding="same", activation="elu"),
            layers.Conv2D(6, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(5, activation="softmax"),
        ]
    )
    model.compile(optimizers.Adadelta(), "categorical_crossentropy")
    return model


def lstm():
    """An LSTM over embedded words of which some are masked, trained by RMSprop."""
    model = models.Sequential(
        [
            layers.Embedding(20, 6, mask_zero=True, input_length=7),
            layers.LSTM(8),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(optimizers.RMSprop(lr=0.01), "binary_crossentropy")
    return model


def gru():
    """Two GRUs of both kinds, trained by clipped gradients."""
    model = models.Sequential(
        [
            layers.GRU(8, return_sequences=True, input_shape=(6, 4)),
            layers.GRU(6, reset_after=True, go_backwards=True),
            layers.Dense(2),
        ]
    )
    model.compile(optimizers.SGD(lr=0.2, clipnorm=0.5), "mean_squared_error")
    return model


def _small(optimizer):
    model = models.Sequential([layers.Dense(6, activation="tanh", input_shape=(20,)), layers.Dense(5)])
    model.add(layers.Softmax())
    model.compile(optimizer, "categorical_crossentropy")
    return model


def adam():
    """A small network trained by Adam in its AMSGrad form, whose rate decays."""
    return _small(optimizers.Adam(lr=0.01, amsgrad=True, decay=0.01))


def adamax():
    """A small network trained by Adamax."""
    return _small(optimizers.Adamax(lr=0.01))


def nadam():
    """A small network trained by Nadam."""
    return _small(optimizers.Nadam(lr=0.01))


def _classes(random, *shape):
    count = 4 * BATCH
    return random.uniform(-1, 1, (count, *shape)), np.eye(5)[random.randint(0, 5, count)]


def _words(random):
    words = random.randint(1, 20, (4 * BATCH, 7))
    for row, length in zip(words, random.randint(1, 8, len(words))):  # noqa: B905 -- Python 3.7 has no strict=
        row[length:] = 0
    return words, (words.sum(axis=1, keepdims=True) > 35).astype("float64")


def _series(random):
    inputs = random.uniform(-1, 1, (4 * BATCH, 6, 4))
    return inputs, np.stack([inputs.mean((1, 2)), np.sin(inputs[:, -1].sum(1))], axis=1)


CASES = {
    "mlp": Case(mlp, lambda random: _classes(random, 20)),
    "normed": Case(normed, lambda random: _classes(random, 20)),
    "cnn": Case(cnn, lambda random: _classes(random, 8, 8, 3)),
    "lstm": Case(lstm, _words),
    "gru": Case(gru, _series),
    "adam": Case(adam, lambda random: _classes(random, 20)),
    "adamax": Case(adamax, lambda random: _classes(random, 20)),
    "nadam": Case(nadam, lambda random: _classes(random, 20)),
}


def fix_weights(model):
    """Give every matrix and kernel of a model numbers that depend on nothing but its place; vectors keep theirs."""
    weights = model.get_weights()
    drawn = [np.random.RandomState(i).uniform(-0.4, 0.4, w.shape) if w.ndim > 1 else w for i, w in enumerate(weights)]
    model.set_weights(drawn)


def train(model, data, steps=STEPS):
    """Return the loss before each of ``steps`` updates, over batches taken in turn."""
    inputs, targets = data
    batches = len(inputs) // BATCH
    parts = [slice(i % batches * BATCH, (i % batches + 1) * BATCH) for i in range(steps)]
    return [float(model.train_on_batch(inputs[part], targets[part])) for part in parts]


def curve(name):
    """Return the losses of one case, in the float type that Keras is set to."""
    case = CASES[name]
    model = case.build()
    fix_weights(model)
    return train(model, case.data(np.random.RandomState(7)))


def dense_model():
    """Return a model to be saved whole, with its optimizer: dense layers, activations with weights, dropout."""
    model = models.Sequential(name="dense")
    model.add(layers.Dense(12, input_shape=(10,), kernel_regularizer="l2", name="first"))
    model.add(layers.BatchNormalization(name="normed"))
    model.add(layers.PReLU(name="rectified"))
    model.add(layers.Dropout(0.0, name="kept"))
    model.add(layers.Dense(3, activation="softmax", name="last"))
    model.compile(optimizers.Adadelta(), "categorical_crossentropy", metrics=["accuracy"])
    return model, (10,)


def image_model():
    """Return a functional model over images: branches, shared layers, every kind of convolution in two dimensions."""
    image = layers.Input((12, 12, 3), name="image")
    shared = layers.Conv2D(4, 3, padding="same", name="shared")
    once = layers.Activation("relu")(shared(image))
    shifted = layers.ZeroPadding2D(((1, 0), (1, 0)))(layers.Cropping2D(((0, 1), (0, 1)))(image))
    both = layers.Add()([once, shared(shifted)])
    both = layers.BatchNormalization(name="normed")(both)
    left = layers.SeparableConv2D(5, 3, depth_multiplier=2, strides=2, padding="same", name="separable")(both)
    right = layers.DepthwiseConv2D(3, strides=2, padding="same", name="depthwise")(both)
    joined = layers.Concatenate()([left, right])
    grown = layers.Conv2DTranspose(4, 3, strides=2, padding="same", name="transposed")(joined)
    pooled = layers.MaxPooling2D(3, strides=2, padding="same")(grown)
    pooled = layers.AveragePooling2D(2)(layers.LeakyReLU()(pooled))
    local = layers.LocallyConnected2D(3, 2, name="local")(pooled)
    result = layers.Dense(4, activation="softmax", name="result")(layers.Flatten()(local))
    model = models.Model(image, [result, layers.GlobalAveragePooling2D()(local)], name="images")
    model.compile(optimizers.SGD(lr=0.01), ["categorical_crossentropy", "mean_squared_error"])
    return model, (12, 12, 3)


def sequence_model():
    """Return a functional model over words: masking, recurrent layers of every kind, in both directions."""
    words = layers.Input((9,), dtype="int32", name="words")
    embedded = layers.Embedding(30, 6, mask_zero=True, name="embedded")(words)
    both = layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="both")(embedded)
    deep = layers.TimeDistributed(layers.Dense(5, activation="tanh"), name="each")(both)
    deep = layers.GRU(4, return_sequences=True, reset_after=True, name="gru")(deep)
    last = layers.SimpleRNN(3, go_backwards=True, name="simple")(deep)
    model = models.Model(words, layers.Dense(2, activation="softmax", name="result")(last), name="words")
    model.compile(optimizers.RMSprop(lr=0.01), "categorical_crossentropy")
    return model, (9,)


def channels_first_model():
    """Return a convolutional network as Theano liked it, channels first; its file holds flipped kernels."""
    model = models.Sequential(name="first")
    model.add(layers.Conv2D(4, 3, data_format="channels_first", input_shape=(3, 8, 8), name="one"))
    model.add(layers.BatchNormalization(axis=1, name="normed"))
    model.add(layers.Activation("relu", name="rectified"))
    model.add(layers.MaxPooling2D(data_format="channels_first", name="pooled"))
    model.add(layers.Conv2D(3, 2, data_format="channels_first", name="two"))
    model.add(layers.Flatten(data_format="channels_first", name="flat"))
    model.add(layers.Dense(3, activation="softmax", name="last"))
    model.compile(optimizers.SGD(lr=0.01), "categorical_crossentropy")
    return model, (3, 8, 8)
