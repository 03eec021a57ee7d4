"""A pytest plugin that points Keras's tests at the backend Keras has loaded. Knows a few of their files, edits none.

``backend_test.py`` compares backends that it imports by name. Here the built-in ones cannot be imported, and the names
it would have given them mean the loaded backend: ``KTF`` its module, and ``KTH`` a second object, since convolution
tests tell the two apart by identity. Keras's own ``numpy_backend`` stays what both are compared with.

Two files import TensorFlow, one of them for its version alone; they find a module that has nothing else. The tests of
data sets download one time in five; here they never do.

``KERAS_SUITE_UNSKIP=1`` also runs what Keras skips because the backend is not called "tensorflow".
"""

import importlib
import os
import sys
from types import SimpleNamespace

BUILT_IN = ("tensorflow_backend", "theano_backend", "cntk_backend")


def pytest_configure():
    from keras import backend as K

    assert K.backend() == os.environ["KERAS_BACKEND"]
    sys.modules.update({f"keras.backend.{name}": None for name in BUILT_IN})


def pytest_collectstart(collector):
    named = getattr(collector, "path", None)
    if named is not None and named.name in ("metrics_confusion_matrix_test.py", "multi_gpu_test.py"):
        sys.modules.setdefault("tensorflow", SimpleNamespace(__version__="1.15.5"))


def pytest_collection_modifyitems(items):
    for module in {item.module for item in items}:
        if module.__name__.endswith("backend_test"):
            _point(module)
        if module.__name__.endswith("test_datasets"):
            module.random = SimpleNamespace(seed=module.random.seed, random=lambda: 0.0)
    if os.environ.get("KERAS_SUITE_UNSKIP") == "1":
        for item in items:
            _unskip(item)


def _point(module):
    module.KTF = importlib.import_module(module.K.backend())
    module.KTH = SimpleNamespace(**vars(module.KTF))
    module.WITH_NP[:] = [module.KTF, module.KNP]


def _unskip(item):
    for node in item.listchain():
        node.own_markers[:] = [mark for mark in node.own_markers if not _for_tensorflow(mark)]


def _for_tensorflow(mark):
    reason = mark.kwargs.get("reason", "").lower()
    named = mark.name == "skipif" and ("tensorflow" in reason or "tf" in reason.split())
    return named or (mark.name == "skip" and not reason)  # whole files say no more
