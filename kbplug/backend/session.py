"""The session: what a program's names, numbers and learning phase belong to. Variables belong to themselves."""

from __future__ import annotations

from kbplug.backend.control import phase
from kbplug.backend.names import forget_names


def clear_session() -> None:
    """Let names and numbers start afresh, and the learning phase be free again.

    Variables and functions made before stay as they are; what nothing refers to is freed in any case.

    Examples
    --------
    >>> K.clear_session()
    >>> K.variable(0.0).name
    'variable_1'
    """
    forget_names()
    phase.begin()
