"""Training on kbplug gives the losses that TensorFlow 1.15 and Theano gave, step by step, from the same weights."""

import json
from pathlib import Path

import numpy as np
import pytest
from keras import backend as K

from clients.keras import networks

TOLERANCE = {"float32": 1e-4, "float64": 1e-8}

RECORDED = {
    (path.stem.removeprefix("curves-"), floatx, name): losses
    for path in sorted(Path(__file__).parent.glob("data/curves-*.json"))
    for floatx, cases in json.loads(path.read_text()).items()
    for name, losses in cases.items()
}


@pytest.mark.parametrize("recorded", RECORDED, ids="-".join)
def test_losses_are_those_of_the_peer(recorded):
    _, floatx, name = recorded
    K.set_floatx(floatx)
    losses = networks.curve(name)
    assert len(losses) == networks.STEPS
    np.testing.assert_allclose(losses, RECORDED[recorded], rtol=TOLERANCE[floatx], atol=TOLERANCE[floatx])


def test_recorded_networks_learn():
    for losses in RECORDED.values():
        assert min(losses) < 0.9 * losses[0]
