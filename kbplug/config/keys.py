"""What each setting may hold, its default and its environment variable; knows no file and no state."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from kbplug import dtypes
from kbplug.errors import DTypeError, SettingsError, did_you_mean


@dataclass(frozen=True, slots=True)
class Key:
    """One setting.

    Parameters
    ----------
    name
        Its name in Python and in the file; a dot stands for an object inside the file's object.
    default
        The value when no layer sets it.
    check
        Returns the value as it is kept, or raises ``ValueError`` that says what it must be.
    variable
        The environment variable that sets it.
    parse
        Turns the variable's text into what ``check`` takes.
    """

    name: str
    default: Any
    check: Callable[[Any], Any]
    variable: str | None = None
    parse: Callable[[str], Any] = str

    def checked(self, value: object, origin: str) -> Any:
        """Return ``value`` as it is kept.

        Raises
        ------
        SettingsError
            If ``value`` cannot be meant; the sentence starts with ``origin``.
        """
        try:
            return self.check(value)
        except (ValueError, TypeError) as cause:
            raise SettingsError(f"{origin}: {self.name} is {value!r}, but it must be {cause}") from cause


def normalise(name: str) -> str:
    """Return ``name`` as PEP 503 writes it, on both sides of a ``::``.

    >>> normalise("Array_API.Strict")
    'array-api-strict'
    """
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def is_true(text: str) -> bool:
    """Return the truth that ``text`` spells: ``1/0``, ``true/false``, ``yes/no`` or ``on/off``."""
    word = text.strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off"):
        return False
    raise ValueError("1, true, yes, on, 0, false, no or off.")


def _one_of(*choices: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        if isinstance(value, str) and value in choices:
            return value
        raise ValueError(f"{' or '.join(map(repr, choices))}.{did_you_mean(value, choices)}")

    return check


def _positive(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value > 0):
        raise ValueError("a finite number above zero.")
    return float(value)


def _floatx(value: object) -> str:
    try:
        name = dtypes.check_dtype(value)
    except DTypeError:
        name = ""
    if name not in dtypes.REAL_FLOATING:
        raise ValueError(f"one of {', '.join(dtypes.REAL_FLOATING)}.{did_you_mean(value, dtypes.REAL_FLOATING)}")
    return name


_ENGINE = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?::)?[a-z0-9]([a-z0-9-]*[a-z0-9])?")


def _engine(value: object) -> str:
    name = normalise(value) if isinstance(value, str) else ""
    if not _ENGINE.fullmatch(name):
        raise ValueError("the name of an engine, such as 'numpy', or 'distribution::name'.")
    return name


def _device(value: object) -> str | None:
    if value is None or value == "auto":
        return None
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a device such as 'cpu' or 'cuda:0', or 'auto'.")
    return value.strip()


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ValueError("a list of names.")
    return tuple(dict.fromkeys(_engine(name) for name in value))


def _names_or_all(value: object) -> tuple[str, ...] | None:
    return None if value is None else _names(value)


def _optimisations(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ValueError("a list of names of optimisations, or of 'all'.")
    names = list(value)
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise ValueError("a list of names of optimisations, or of 'all'.")
    return tuple(dict.fromkeys(name.strip() for name in names))


def _options(value: object) -> Mapping[str, Mapping[str, Any]]:
    if not isinstance(value, Mapping) or not all(isinstance(options, Mapping) for options in value.values()):
        raise ValueError("an object that gives each engine an object of options.")
    return MappingProxyType({_engine(name): MappingProxyType(dict(options)) for name, options in value.items()})


def _number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def _split(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


KEYS: Mapping[str, Key] = MappingProxyType(
    {
        key.name: key
        for key in (
            Key(
                "image_data_format",
                "channels_last",
                _one_of("channels_last", "channels_first"),
                "KBPLUG_IMAGE_DATA_FORMAT",
            ),
            Key("epsilon", 1e-7, _positive, "KBPLUG_EPSILON", _number),
            Key("floatx", "float32", _floatx, "KBPLUG_FLOATX"),
            Key("backend", "numpy", _engine, "KBPLUG_BACKEND"),
            Key("device", None, _device, "KBPLUG_DEVICE"),
            Key("rng", "native", _one_of("native", "portable"), "KBPLUG_RNG"),
            Key("fallback", (), _names, "KBPLUG_FALLBACK", _split),
            Key("without", (), _optimisations, "KBPLUG_WITHOUT", _split),
            Key("plugins.allow", None, _names_or_all, "KBPLUG_ALLOW", _split),
            Key("plugins.block", (), _names, "KBPLUG_BLOCK", _split),
            Key("plugins.hooks", (), _names, "KBPLUG_HOOKS", _split),
            Key("options", MappingProxyType({}), _options),
        )
    }
)
"""Every setting a file may hold, in the order it is shown."""

SAFE = "KBPLUG_SAFE"
"""The variable that keeps everything but the built-in engines out; a file cannot set it."""

PLACES = ("KBPLUG_CONFIG", "KBPLUG_HOME")
"""The variables that say where the settings file is."""

THREADS = "KBPLUG_NUM_THREADS"
"""The variable that limits the threads of the built-in engine."""

VARIABLES = (*(key.variable for key in KEYS.values() if key.variable), SAFE, *PLACES, THREADS)
"""Every environment variable that kbplug reads."""
