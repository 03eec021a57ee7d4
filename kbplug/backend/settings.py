"""The settings that Keras code asks for; each is read from ``kbplug.config`` when asked, and none is kept here."""

from __future__ import annotations

from typing import Any

from kbplug import config, plugins
from kbplug.backend.arguments import HostArray
from kbplug.errors import ArgumentError, did_you_mean
from kbplug.runtime import values

DATA_FORMATS = ("channels_first", "channels_last")


def backend() -> str:
    """Return the name of the engine in force.

    Examples
    --------
    >>> K.backend()
    'numpy'
    """
    return plugins.engine().name


def epsilon() -> float:
    """Return the small number that keeps divisions and logarithms finite.

    Examples
    --------
    >>> K.epsilon()
    1e-07
    """
    return config.settings().epsilon


def set_epsilon(value: float) -> None:
    """Set what ``epsilon`` returns.

    Raises
    ------
    SettingsError
        If it is no finite number above zero.

    Examples
    --------
    >>> K.set_epsilon(1e-5)
    >>> K.epsilon()
    1e-05
    >>> K.set_epsilon(1e-7)
    """
    config.set_epsilon(value)


def floatx() -> str:
    """Return the dtype of new tensors for which none is given.

    Examples
    --------
    >>> K.floatx()
    'float32'
    """
    return config.settings().floatx


def set_floatx(value: str) -> None:
    """Set what ``floatx`` returns: ``float16``, ``bfloat16``, ``float32`` or ``float64``.

    Raises
    ------
    SettingsError
        If it is none of these.

    Examples
    --------
    >>> K.set_floatx("float64")
    >>> K.zeros((2,)).dtype
    'float64'
    >>> K.set_floatx("float32")
    """
    config.set_floatx(value)


def image_data_format() -> str:
    """Return where images carry their channels: ``channels_last`` or ``channels_first``.

    Examples
    --------
    >>> K.image_data_format()
    'channels_last'
    """
    return config.settings().image_data_format


def set_image_data_format(data_format: str) -> None:
    """Set what ``image_data_format`` returns.

    Raises
    ------
    SettingsError
        If it is neither ``channels_last`` nor ``channels_first``.

    Examples
    --------
    >>> K.set_image_data_format("channels_first")
    >>> K.image_data_format()
    'channels_first'
    >>> K.set_image_data_format("channels_last")
    """
    config.set_image_data_format(data_format)


def image_dim_ordering() -> str:
    """Return the image data format as Keras 1 wrote it: ``tf`` for ``channels_last``, ``th`` for ``channels_first``.

    Examples
    --------
    >>> K.image_dim_ordering()
    'tf'
    """
    return "tf" if image_data_format() == "channels_last" else "th"


def set_image_dim_ordering(dim_ordering: str) -> None:
    """Set the image data format as Keras 1 wrote it.

    Raises
    ------
    ArgumentError
        If it is neither ``tf`` nor ``th``.

    Examples
    --------
    >>> K.set_image_dim_ordering("tf")
    """
    formats = {"tf": "channels_last", "th": "channels_first"}
    if dim_ordering not in formats:
        raise ArgumentError(f"The dimension ordering is {dim_ordering!r}, but it must be 'tf' or 'th'.")
    set_image_data_format(formats[dim_ordering])


def normalize_data_format(value: str | None) -> str:
    """Return a data format in lower case, the one of the settings for None.

    Raises
    ------
    ArgumentError
        If it is neither ``channels_last`` nor ``channels_first``.

    Examples
    --------
    >>> K.normalize_data_format(None)
    'channels_last'
    """
    data_format = image_data_format() if value is None else str(value).lower()
    if data_format not in DATA_FORMATS:
        raise ArgumentError(
            f"The data format is {value!r}, but it must be 'channels_last' or 'channels_first'."
            + did_you_mean(data_format, DATA_FORMATS)
        )
    return data_format


def cast_to_floatx(x: Any) -> HostArray:
    """Return an array, list or scalar as a NumPy array of the dtype ``floatx``.

    Examples
    --------
    >>> K.cast_to_floatx([1, 2]).dtype
    dtype('float32')
    """
    return values.host_array(x, floatx())
