"""The session: what a program's names, numbers and learning phase belong to. Variables belong to themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kbplug.backend.control import phase
from kbplug.backend.functions import function
from kbplug.backend.names import forget_names
from kbplug.graph.tensor import Tensor
from kbplug.runtime.cells import Update


class Session:
    """Computes tensors, as the sessions of TensorFlow 1 do. Variables live without it."""

    def run(self, fetches: Tensor | Sequence[Tensor], feed_dict: Mapping[Tensor, Any] | None = None) -> Any:
        """Return the values of tensors, and perform the updates among them.

        Parameters
        ----------
        fetches
            A tensor, or a list of them.
        feed_dict
            Values of placeholders.
        """
        fed = feed_dict or {}
        wanted = list(fetches) if isinstance(fetches, list | tuple) else [fetches]
        updates = [t for t in wanted if isinstance(t, Update)]
        found = function(list(fed), wanted, updates)(list(fed.values()))
        return found if isinstance(fetches, list | tuple) else found[0]


class _Current:
    session = Session()


def get_session() -> Session:
    """Return the session, an object whose ``run`` computes tensors.

    Examples
    --------
    >>> x = K.placeholder(())
    >>> float(K.get_session().run(2 * x, feed_dict={x: 3.0}))
    6.0
    """
    return _Current.session


def set_session(session: Session) -> None:
    """Make ``session`` what ``get_session`` returns.

    Examples
    --------
    >>> K.set_session(K.get_session())
    """
    _Current.session = session


def manual_variable_initialization(value: bool) -> None:
    """Say whether a program gives variables their first values itself; here they always have one, so nothing changes.

    Examples
    --------
    >>> K.manual_variable_initialization(False)
    """


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
