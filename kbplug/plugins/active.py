"""The engine in force: one for the process, and one for each context that asks for its own."""

from __future__ import annotations

import contextlib
import functools
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from weakref import WeakKeyDictionary

from kbplug.config import settings
from kbplug.config.keys import KEYS
from kbplug.config.settings import change, enter, leave, of_process
from kbplug.engine import Engine
from kbplug.errors import EngineError, KbplugWarning, SettingsError, did_you_mean
from kbplug.plugins.host import host, name_of, passes_for
from kbplug.plugins.loading import load

ALL = "all"
"""Stands for every optimisation."""


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
        If the settings cannot be meant, or ``device`` is no name.
    """
    chosen = (_current() or _start()) if name is None else name if isinstance(name, Engine) else load(name)
    if device is None:
        return chosen
    place = KEYS["device"].checked(device, "engine()")
    return chosen if place is None else _placed(chosen, place)


@functools.cache
def _placed(chosen: Engine, device: str) -> Engine:
    return chosen if chosen.device == device else chosen.on(device)


def optimisations(name: str | Engine | None = None) -> Mapping[str, str]:
    """Return what the engine in force, or another, does to be fast and can do without: a name, and what it does.

    Examples
    --------
    >>> import kbplug
    >>> kbplug.optimisations()["fuse"]
    'elementwise regions run as one'
    """
    from kbplug.passes.pipeline import OPTIMISATIONS

    chosen = engine(name)
    kernels = {name: f"kernels of a plugin for {chosen.name}" for name, _ in host().contributed(chosen)}
    passes = {name_of(p): f"a pass of a plugin for {chosen.name}" for p in passes_for(chosen)}
    return MappingProxyType({**OPTIMISATIONS, **chosen.optimisations, **kernels, **passes})


def _reduced(chosen: Engine, names: tuple[str, ...], origin: str) -> Engine:
    """Return ``chosen`` without the optimisations called ``names``, and without those it left out before."""
    if not names:
        return chosen
    known = optimisations(chosen)
    for name in names:
        if name != ALL and name not in known:
            raise SettingsError(
                f"{origin}: the engine {chosen.name!r} has no optimisation {name!r} to leave out; "
                f"it has {', '.join(known)}, or {ALL!r} for them together.{did_you_mean(name, known)}"
            )
    return _leaving_out(_whole.get(chosen, chosen), chosen.left_out | frozenset(known if ALL in names else names))


_whole: WeakKeyDictionary[Engine, Engine] = WeakKeyDictionary()
"""Of an engine that leaves something out, the one that it is a copy of."""


@functools.cache
def _leaving_out(whole: Engine, names: frozenset[str]) -> Engine:
    reduced = whole.leaving_out(names)
    _whole[reduced] = whole
    return reduced


def _start() -> Engine:
    with Process.lock:
        if Process.engine is None:
            found = of_process()
            Process.engine = _reduced(_from_settings(), found.without, found.origin("without"))
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
    found = of_process()
    chosen = _reduced(engine(name, device), found.without, found.origin("without"))
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
    found = settings()
    chosen = _reduced(engine(name, device), found.without, found.origin("without"))
    with _in_force(chosen, {"backend": chosen.name, "device": device}, "engine_scope()"):
        yield chosen


@contextlib.contextmanager
def without(*names: str) -> Iterator[Engine]:
    """Leave optimisations out inside a ``with`` block, in this context alone.

    It helps to find a fault, or to measure what helps. Functions are compiled anew for the block and keep what they
    had; scopes add up. ``optimisations()`` tells the names, and ``"all"`` stands for each of them. The setting
    ``without`` does the same for a whole program.

    Raises
    ------
    SettingsError
        If the engine in force has no such optimisation.

    Examples
    --------
    >>> import kbplug
    >>> from kbplug import backend as K
    >>> x = K.placeholder((2,))
    >>> f = K.function([x], [K.exp(x) * 1.0])
    >>> with kbplug.without("simplify", "threads"):
    ...     print("multiply" in f.source())
    True
    """
    for name in names:
        if not isinstance(name, str):
            raise SettingsError(f"without() takes names one by one, as in without('fuse', 'threads'), not {name!r}.")
    outer = settings().without
    chosen = _reduced(engine(), names, "without()")
    with _in_force(chosen, {"without": tuple(dict.fromkeys((*outer, *names)))}, "without()"):
        yield chosen


@contextlib.contextmanager
def _in_force(chosen: Engine, changes: Mapping[str, object], origin: str) -> Iterator[None]:
    old = _current()
    engine_token, settings_token = scoped.set(chosen), enter(changes, origin)
    try:
        _tell(old, chosen)
        yield
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
    _leaving_out.cache_clear()
