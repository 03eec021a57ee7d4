"""The settings of K follow kbplug's, and its dtypes and layouts follow the settings."""

import numpy as np
import pytest

import kbplug
from kbplug import backend as K
from kbplug import config
from kbplug.errors import ArgumentError, SettingsError


def test_settings_are_read_when_asked():
    config.set_epsilon(1e-3)
    config.set_floatx("float64")
    config.set_image_data_format("channels_first")
    assert (K.epsilon(), K.floatx(), K.image_data_format()) == (1e-3, "float64", "channels_first")
    assert (K.normalize_data_format(None), K.image_dim_ordering()) == ("channels_first", "th")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_new_tensors_take_floatx(dtype):
    K.set_floatx(dtype)
    made = [K.variable(1), K.constant([1, 2]), K.zeros((2,)), K.eye(2), K.placeholder((2,)), K.random_normal((2,))]
    assert {t.dtype for t in made} == {dtype}
    assert K.cast_to_floatx([1, 2]).dtype == dtype


@pytest.mark.parametrize(
    ("setter", "value"),
    [
        (K.set_floatx, "int32"),
        (K.set_floatx, "float63"),
        (K.set_epsilon, 0.0),
        (K.set_epsilon, "small"),
        (K.set_image_data_format, "channels_middle"),
    ],
)
def test_settings_that_cannot_be_meant(setter, value):
    with pytest.raises(SettingsError, match="must be"):
        setter(value)


def test_data_formats():
    assert K.normalize_data_format("Channels_First") == "channels_first"
    with pytest.raises(ArgumentError, match="Did you mean 'channels_last'"):
        K.normalize_data_format("channel_last")
    with pytest.raises(ArgumentError, match="must be 'tf' or 'th'"):
        K.set_image_dim_ordering("torch")
    K.set_image_dim_ordering("th")
    assert K.image_data_format() == "channels_first"


def test_the_backend_is_the_engine_in_force():
    assert K.backend() == kbplug.engine().name == "numpy"


def test_cast_to_floatx_copies_no_array_that_fits():
    x = np.ones(3, dtype="float32")
    assert K.cast_to_floatx(x) is x
