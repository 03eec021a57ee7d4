"""Models that Keras saved on TensorFlow 1.15 or Theano load, predict the same numbers and learn on as they did."""

from pathlib import Path

import numpy as np
import pytest
from keras import models

DATA = Path(__file__).parent / "data"
NAMES = ["dense", "images", "words", "channels_first"]


def recorded(name):
    with np.load(DATA / f"{name}.npz") as arrays:
        found = dict(arrays)
    return found, [found[key] for key in sorted(found) if key.startswith("output")]


def check_predictions(model, inputs, outputs):
    given = model.predict(inputs)
    for got, expected in zip(given if isinstance(given, list) else [given], outputs, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_whole_models_predict_what_they_did(name):
    found, outputs = recorded(name)
    check_predictions(models.load_model(DATA / f"{name}.h5"), found["inputs"], outputs)


@pytest.mark.parametrize("name", NAMES)
def test_architecture_and_weights_predict_what_they_did(name):
    found, outputs = recorded(name)
    model = models.model_from_json((DATA / f"{name}.json").read_text())
    model.load_weights(str(DATA / f"{name}.h5"))
    check_predictions(model, found["inputs"], outputs)


@pytest.mark.parametrize("name", NAMES)
def test_training_goes_on_where_it_stopped(name):
    found, _ = recorded(name)
    targets = [found[key] for key in sorted(found) if key.startswith("target")]
    model = models.load_model(DATA / f"{name}.h5")
    for expected in found["further"]:
        np.testing.assert_allclose(model.train_on_batch(found["inputs"], targets), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_saved_here_loads_here(name, tmp_path):
    found, outputs = recorded(name)
    model = models.load_model(DATA / f"{name}.h5")
    model.save(tmp_path / "again.h5")
    check_predictions(models.load_model(tmp_path / "again.h5"), found["inputs"], outputs)
