"""What Keras computes on kbplug agrees with NumPy, where layers, metrics, phases, masks and states meet the backend."""

import numpy as np
import pytest
from keras import backend as K
from keras import layers, metrics, models, optimizers

import kbplug.backend


@pytest.fixture
def random():
    """Numbers for data; first weights are drawn from a seed as well."""
    np.random.seed(5)
    return np.random.RandomState(5)


def test_settings_are_shared():
    K.set_floatx("float64")
    assert kbplug.backend.floatx() == "float64"
    assert K.zeros((2,)).dtype == "float64"
    kbplug.backend.set_epsilon(1e-3)
    assert K.epsilon() == 1e-3
    K.set_image_data_format("channels_first")
    assert kbplug.backend.image_data_format() == "channels_first"
    with pytest.raises(ValueError, match="floatx"):
        K.set_floatx("complex64")


def test_sequential_network_learns(random):
    inputs = random.uniform(-1, 1, (256, 8))
    classes = (inputs[:, 0] * inputs[:, 1] > 0).astype(int)
    model = models.Sequential(
        [
            layers.Dense(32, activation="relu", input_shape=(8,)),
            layers.Dropout(0.1),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile(optimizers.Adam(lr=0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(inputs, classes, epochs=40, batch_size=32, verbose=0)
    assert history.history["accuracy"][-1] > 0.9
    assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]
    guessed = model.predict(inputs).argmax(axis=1)
    assert model.evaluate(inputs, classes, verbose=0)[1] == pytest.approx(np.mean(guessed == classes))


def test_shared_layer_learns_from_both_its_places(random):
    left, right = layers.Input((3,)), layers.Input((3,))
    shared = layers.Dense(2, use_bias=False)
    model = models.Model([left, right], layers.subtract([shared(left), shared(right)]))
    model.compile(optimizers.SGD(lr=0.1), "mean_squared_error")
    a, b, target = random.randn(4, 3), random.randn(4, 3), random.randn(4, 2)
    before = model.get_weights()[0]
    loss = model.train_on_batch([a, b], target)
    error = (a - b) @ before - target
    assert loss == pytest.approx(np.mean(error**2), rel=1e-5)
    expected = before - 0.1 * 2 * (a - b).T @ error / error.size
    np.testing.assert_allclose(model.get_weights()[0], expected, rtol=1e-4, atol=1e-6)


def test_merging_leaves_its_inputs_alone(random):
    first, second = layers.Input((2,)), layers.Input((2,))
    model = models.Model([first, second], [layers.add([first, second]), layers.multiply([first, second]), first])
    a, b = random.randn(3, 2).astype("float32"), random.randn(3, 2).astype("float32")
    for got, expected in zip(model.predict([a, b]), [a + b, a * b, a], strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-6)


@pytest.mark.parametrize("recurrent", [layers.SimpleRNN, layers.GRU, layers.LSTM])
def test_masked_steps_do_not_count(recurrent, random):
    words = layers.Input((None,), dtype="int32")
    embedded = layers.Embedding(10, 4, mask_zero=True)(words)
    model = models.Model(words, layers.Bidirectional(recurrent(3))(embedded))
    sentences = random.randint(1, 10, (5, 6))
    padded = np.concatenate([sentences, np.zeros((5, 4), int)], axis=1)
    np.testing.assert_allclose(model.predict(padded), model.predict(sentences), rtol=1e-5)


def test_states_carry_over_between_batches(random):
    model = models.Sequential([layers.LSTM(3, stateful=True, batch_input_shape=(2, None, 4))])
    series = random.randn(2, 6, 4)
    whole = model.predict(series, batch_size=2)
    model.reset_states()
    model.predict(series[:, :2], batch_size=2)
    np.testing.assert_allclose(model.predict(series[:, 2:], batch_size=2), whole, rtol=1e-5)
    assert not np.allclose(model.predict(series, batch_size=2), whole)


def test_batch_normalization_keeps_moving_moments(random):
    model = models.Sequential([layers.BatchNormalization(momentum=0.9, epsilon=1e-3, input_shape=(3,))])
    model.compile(optimizers.SGD(lr=0.0), "mean_squared_error")
    inputs = random.randn(16, 3) * 2 + 1
    mean, variance = inputs.mean(0), inputs.var(0)
    loss = model.train_on_batch(inputs, np.zeros((16, 3)))
    assert loss == pytest.approx(np.mean(variance / (variance + 1e-3)), rel=1e-4)
    moving = [0.1 * mean, 0.9 + 0.1 * variance * 16 / (15 - 1e-3)]
    np.testing.assert_allclose(model.get_weights()[2:], moving, rtol=1e-4)
    expected = (inputs - moving[0]) / np.sqrt(moving[1] + 1e-3)
    np.testing.assert_allclose(model.predict(inputs), expected, rtol=1e-3, atol=1e-4)


class Hits(metrics.Metric):
    """How often the first class was right, counted over all batches of an epoch."""

    def __init__(self, name="hits", **options):
        super().__init__(name=name, **options)
        self.count = self.add_weight(name="count", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        right = K.cast(K.equal(K.argmax(y_true), K.argmax(y_pred)), "float32") * y_true[:, 0]
        return K.update_add(self.count, K.sum(right))

    def result(self):
        return self.count * 1.0


def test_metric_counts_the_batch_it_reports_on(random):
    model = models.Sequential([layers.Dense(3, activation="softmax", input_shape=(4,))])
    model.compile("sgd", "categorical_crossentropy", metrics=[Hits()])
    inputs, classes = random.randn(60, 4), random.randint(0, 3, 60)
    guessed = model.predict(inputs).argmax(axis=1)
    expected = np.sum((guessed == 0) & (classes == 0))
    assert model.evaluate(inputs, np.eye(3)[classes], batch_size=7, verbose=0)[1] == expected
    assert model.evaluate(inputs, np.eye(3)[classes], batch_size=60, verbose=0)[1] == expected


def test_dropout_acts_in_training_alone():
    model = models.Sequential([layers.Dropout(0.5, input_shape=(1000,))])
    ones = np.ones((2, 1000), "float32")
    assert (model.predict(ones) == 1).all()
    both = K.function([model.input, K.learning_phase()], [model.output])
    dropped = both([ones, 1.0])[0]
    assert set(np.unique(dropped)) == {0.0, 2.0}
    assert abs(dropped.mean() - 1) < 0.15


def test_variables_held_by_layers_are_weights():
    class Scaled(layers.Layer):
        def build(self, shape):
            self.scale = K.variable(2.0)
            super().build(shape)

        def call(self, inputs):
            return self.scale * inputs

    layer = Scaled()
    layer(layers.Input((2,)))
    assert layer.trainable_weights[0] is layer.scale
