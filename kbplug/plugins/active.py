"""The engine in force: one for the process, and one for each context that asks for its own."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Iterator
from contextvars import ContextVar

from kbplug.config import settings
from kbplug.config.settings import change, enter, leave
from kbplug.engine import Engine
from kbplug.errors import EngineError, KbplugWarning
from kbplug.plugins.host import host
from kbplug.plugins.loading import load


class Process:
    """The engine of this process, once there is one."""

    engine: Engine | None = None
    lock = threading.RLock()


scoped: ContextVar[Engine | None] = ContextVar("kbplug_engine", default=None)
"""The engine of this context, if it asked for one."""


def engine(name: str | Engine | None = None) -> Engine:
    """Return an engine: the one in force in this context, or the one called ``name``.

    Parameters
    ----------
    name
        An engine's name or ``dist::name``. An engine itself is returned as it is.

    Raises
    ------
    EngineError
        If the engine is unknown, not installed, barred or broken.
    SettingsError
        If the settings cannot be meant.
    """
    if name is None:
        chosen = _current()
        return chosen if chosen is not None else _start()
    return name if isinstance(name, Engine) else load(name)


def _start() -> Engine:
    with Process.lock:
        if Process.engine is None:
            Process.engine = _from_settings()
            _tell(None, Process.engine)
        return Process.engine


def _from_settings() -> Engine:
    """Return the engine of the settings, or the first of ``fallback`` that can run when it cannot."""
    wanted, fallback = settings().backend, settings().fallback
    origin = settings().origin("backend")
    if not fallback:
        return load(wanted, origin)
    reasons = []
    for name in (wanted, *fallback):
        try:
            chosen = load(name, origin if name == wanted else settings().origin("fallback"))
        except EngineError as cause:
            reasons.append(str(cause))
            continue
        probe = chosen.probe()
        if probe.ok:
            if reasons:
                warnings.warn(f"kbplug runs on {name!r}. {' '.join(reasons)}", KbplugWarning, stacklevel=5)
            return chosen
        reasons.append(f"{name!r} cannot run here: {probe.reason}")
    raise EngineError(f"Neither {wanted!r} nor any engine of fallback can run. {' '.join(reasons)}")


def set_engine(name: str | Engine) -> Engine:
    """Select the engine of the process and return it; a scope still goes before it.

    The engine is loaded first: when that fails, nothing changes.

    Raises
    ------
    EngineError
        If the engine is unknown, not installed, barred or broken.
    """
    chosen = engine(name)
    with Process.lock:
        change("backend", chosen.name, "set_engine()")
        old, Process.engine = Process.engine, chosen
    _tell(old, chosen)
    return chosen


@contextlib.contextmanager
def engine_scope(name: str | Engine) -> Iterator[Engine]:
    """Use another engine inside a ``with`` block, in this context alone.

    Tasks of asyncio that are started inside inherit it. A new thread does not: it starts from the
    process's engine. The engine is loaded before anything changes, and leaving, by an error too,
    restores what was before.

    Raises
    ------
    EngineError
        If the engine is unknown, not installed, barred or broken.
    """
    chosen = engine(name)
    old = _current()
    engine_token, settings_token = scoped.set(chosen), enter({"backend": chosen.name}, "engine_scope()")
    try:
        _tell(old, chosen)
        yield chosen
    finally:
        leave(settings_token)
        scoped.reset(engine_token)
        _tell(chosen, _current())


def _current() -> Engine | None:
    chosen = scoped.get()
    return chosen if chosen is not None else Process.engine


def _tell(old: Engine | None, new: Engine | None) -> None:
    if new is not None and new is not old:
        host().ask("kbplug_engine_changed", old=old, new=new)


def forget() -> None:
    """Forget the process's engine, so that the settings choose again."""
    Process.engine = None
