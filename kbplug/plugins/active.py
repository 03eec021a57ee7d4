"""The engine in force: one for the process, and one for each context that asks for its own."""

from __future__ import annotations

import contextlib
import functools
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


def engine(name: str | Engine | None = None, device: str | None = None) -> Engine:
    """Return an engine: the one in force in this context, or the one called ``name``.

    Parameters
    ----------
    name
        An engine's name or ``dist::name``. An engine itself is returned as it is.
    device
        Where it places arrays, as ``"cpu"``, ``"cuda:1"`` or ``"cuda"`` for the first of them; by default where it
        would by itself. One engine on two devices is two engines, between which variables move.

    Raises
    ------
    EngineError
        If the engine is unknown, not installed, barred or broken, or has no such device.
    SettingsError
        If the settings cannot be meant.
    """
    chosen = (_current() or _start()) if name is None else name if isinstance(name, Engine) else load(name)
    return chosen if device is None else _placed(chosen, device)


@functools.cache
def _placed(chosen: Engine, device: str) -> Engine:
    return chosen if chosen.device == device else chosen.on(device)


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
        return _on_device(load(wanted, origin))
    reasons = []
    for name in (wanted, *fallback):
        try:
            chosen = load(name, origin if name == wanted else settings().origin("fallback"))
            chosen = _on_device(chosen) if name == wanted else chosen
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


def _on_device(chosen: Engine) -> Engine:
    """Return the engine of the settings on the device of the settings."""
    device = settings().device
    if device is None:
        return chosen
    try:
        return _placed(chosen, device)
    except EngineError as cause:
        raise EngineError(f"{cause} The device is from {settings().origin('device')}.") from cause


def set_engine(name: str | Engine, device: str | None = None) -> Engine:
    """Select the engine of the process, and its device, and return it; a scope still goes before it.

    The engine is loaded first: when that fails, nothing changes.

    Raises
    ------
    EngineError
        If the engine is unknown, not installed, barred or broken.
    """
    chosen = engine(name, device)
    with Process.lock:
        change("backend", chosen.name, "set_engine()")
        change("device", device, "set_engine()")
        old, Process.engine = Process.engine, chosen
    _tell(old, chosen)
    return chosen


@contextlib.contextmanager
def engine_scope(name: str | Engine, device: str | None = None) -> Iterator[Engine]:
    """Use another engine, or another device, inside a ``with`` block, in this context alone.

    Tasks of asyncio that are started inside inherit it. A new thread does not: it starts from the
    process's engine. The engine is loaded before anything changes, and leaving, by an error too,
    restores what was before.

    Raises
    ------
    EngineError
        If the engine is unknown, not installed, barred or broken, or has no such device.
    """
    chosen = engine(name, device)
    old = _current()
    changes = {"backend": chosen.name, "device": device}
    engine_token, settings_token = scoped.set(chosen), enter(changes, "engine_scope()")
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
    _placed.cache_clear()
