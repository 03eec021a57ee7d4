"""Every error kbplug raises on purpose, each with one finished sentence. Imports nothing of kbplug."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class KbplugError(Exception):
    """Base of all errors that kbplug raises on purpose."""


class KbplugWarning(UserWarning):
    """Something kbplug went on in spite of, and that its user should know."""


class SettingsError(KbplugError, ValueError):
    """A settings file, environment variable or setter holds something that cannot be meant."""


class EngineError(KbplugError):
    """An engine is unknown, not installed, broken, blocked or has no device to run on."""


class OpError(KbplugError):
    """An op was declared or looked up wrongly."""


class ShapeError(KbplugError, ValueError):
    """Operands whose shapes do not fit the op."""


class DTypeError(KbplugError, TypeError):
    """Operands whose dtypes do not fit the op, or have no common dtype."""


class ArgumentError(KbplugError, ValueError, TypeError):
    """An argument that an op or a backend function cannot accept."""


class BoundsError(ShapeError, ArgumentError, IndexError):
    """An axis, an index or a mask that does not fit the shape it is for."""


class SymbolicError(KbplugError, ValueError, TypeError):
    """A value was demanded of a tensor that has none yet, because a placeholder stands below it.

    The Array API standard asks lazy libraries for a ``ValueError`` here and JAX users expect a
    ``TypeError``; it is both.
    """


class GradientError(KbplugError):
    """A derivative was asked of an op that declares none."""


class GraphError(KbplugError):
    """A graph that breaks one of its invariants."""


class FeedError(KbplugError, ValueError, TypeError):
    """A function was called with values that do not fit its inputs."""


class StorageError(KbplugError, ValueError):
    """A saved file that is damaged, truncated, foreign or newer than this kbplug."""


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the nearest of ``known`` in any case, or an empty string."""
    folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(str(word).casefold(), folded, n=1, cutoff=0.6)
    return f" Did you mean {folded[near[0]]!r}?" if near else ""
