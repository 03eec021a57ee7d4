"""These tests run where Keras is installed and told to run on kbplug: ``nox -s clients`` does both."""

import os
import warnings

collect_ignore_glob = ["*.py"]

if os.environ.get("KERAS_BACKEND") == "kbplug.backend":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras speaks of its age
        import keras  # noqa: F401
    collect_ignore_glob = []
