"""Keras finds what it needs whichever of the two is imported first, and a process without Keras is left as it is."""

import os
import subprocess
import sys

import pytest


def run(program, **environment):
    inherited = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    command = [sys.executable, "-W", "ignore", "-c", program]
    return subprocess.run(command, env=inherited | environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("first", ["keras", "kbplug.backend"])
def test_either_may_be_imported_first(first, tmp_path):
    program = f"import {first}; import keras, kbplug.backend; print(keras.backend.floatx is kbplug.backend.floatx)"
    done = run(program, KERAS_BACKEND="kbplug.backend", KERAS_HOME=str(tmp_path))
    assert done.stdout == "True\n", done.stderr


def test_file_of_keras_chooses_backend_and_settings(tmp_path):
    (tmp_path / "keras.json").write_text(
        '{"backend": "kbplug.backend", "floatx": "float64", "epsilon": 1e-5, "image_data_format": "channels_first"}'
    )
    program = "import keras, kbplug.backend as K; print(K.floatx(), K.epsilon(), K.image_data_format())"
    done = run(program, KERAS_HOME=str(tmp_path))
    assert done.stdout == "float64 1e-05 channels_first\n", done.stderr


def test_nothing_changes_without_keras():
    program = (
        "import collections, h5py, numpy; before = h5py.File.__init__; import kbplug.backend; "
        "print(hasattr(collections, 'Mapping'), hasattr(numpy, 'Inf'), h5py.File.__init__ is before)"
    )
    assert run(program).stdout == "False False True\n"
