"""What Keras 2.3.1 needs on a current Python, restored when it loads ``kbplug.backend``. Knows Keras's modules by name.

Keras was written for Python 3.7, NumPy 1 and h5py 2. What these have since taken away and Keras or its examples name is
put back in the process in which Keras runs on kbplug, and in no other; and Keras's settings become kbplug's, so that
there is one float type, one epsilon and one data format.
"""

from __future__ import annotations

import collections
import collections.abc
import functools
import os
import sys
from typing import Any

from kbplug.backend import settings

NAME = "kbplug.backend"

_SHARED = (
    "cast_to_floatx",
    "epsilon",
    "floatx",
    "image_data_format",
    "image_dim_ordering",
    "normalize_data_format",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_image_dim_ordering",
)


def prepare() -> None:
    """Restore what Keras needs if it is loading ``kbplug.backend``, or when it does, as the environment says."""
    if _chosen():
        _restore()
    elif os.environ.get("KERAS_BACKEND") == NAME:
        sys.meta_path.insert(0, _Watch())


def _chosen() -> bool:
    return getattr(sys.modules.get("keras.backend.load_backend"), "_BACKEND", None) == NAME


class _Watch:
    """Sees Keras come when ``kbplug.backend`` was there first, and finds no module."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.startswith("keras.") and _chosen():
            sys.meta_path.remove(self)
            _restore()


def _restore() -> None:
    _share_settings()
    _restore_collections()
    _restore_numpy()
    try:
        import h5py  # type: ignore[import-not-found, unused-ignore]
    except ImportError:  # Keras too does without it until a file is saved or loaded
        return
    _restore_h5py(h5py)


def _share_settings() -> None:
    """Take over what ``keras.json`` says, then let Keras's own functions be kbplug's."""
    common = sys.modules["keras.backend.common"]
    settings.set_floatx(common.floatx())
    settings.set_epsilon(common.epsilon())
    settings.set_image_data_format(common.image_data_format())
    for module in ("keras.backend.common", "keras.backend.load_backend", "keras.backend"):
        vars(sys.modules[module]).update({name: getattr(settings, name) for name in _SHARED})


def _restore_collections() -> None:
    for name in ("Container", "Iterable", "Mapping", "Sequence"):
        setattr(collections, name, getattr(collections.abc, name))


def _restore_numpy() -> None:
    numpy: Any = sys.modules["numpy"]  # kbplug's values are its arrays
    former = {"Inf": numpy.inf, "float": float, "int": int, "string_": numpy.bytes_, "unicode_": numpy.str_}
    for name, value in former.items():
        if name not in vars(numpy):
            setattr(numpy, name, value)


class _Text(str):
    """A string that still knows how bytes become one: Keras decodes what h5py 2 gave as bytes."""

    __slots__ = ()

    def decode(self, *_: str) -> str:
        return str(self)


def _restore_h5py(h5py: Any) -> None:
    """Let attributes be bytes as in h5py 2, and a file in memory be writable by default."""
    attributes = h5py.AttributeManager
    read, write, open_ = attributes.__getitem__, attributes.__setitem__, h5py.File.__init__

    @functools.wraps(read)
    def decodable(self: Any, name: str) -> Any:
        value = read(self, name)
        return _Text(value) if type(value) is str else value

    @functools.wraps(write)
    def fixed_length(self: Any, name: str, value: Any) -> None:
        texts = isinstance(value, list | tuple) and value and all(isinstance(v, bytes) for v in value)
        write(self, name, sys.modules["numpy"].asarray(value) if texts else value)

    @functools.wraps(open_)
    def opened(self: Any, name: Any, mode: str | None = None, driver: str | None = None, *args: Any, **kw: Any) -> None:
        open_(self, name, mode or ("a" if driver == "core" else "r"), driver, *args, **kw)

    attributes.__getitem__, attributes.__setitem__, h5py.File.__init__ = decodable, fixed_length, opened
    h5py.File.fid = property(lambda self: self.id)
