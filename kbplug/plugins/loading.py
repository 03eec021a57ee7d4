"""Imports the one plugin that was asked for, and lets nothing it does wrong get past."""

from __future__ import annotations

import importlib
import operator
import threading
import warnings
from typing import TYPE_CHECKING, Any

from kbplug.config import normalise, settings
from kbplug.engine import Engine
from kbplug.errors import EngineError, KbplugWarning
from kbplug.plugins import discovery, manifest, registry
from kbplug.plugins.host import FAULTS, Host, host
from kbplug.plugins.registry import BROKEN, INCOMPATIBLE

if TYPE_CHECKING:
    from kbplug.plugins.discovery import Offer

_lock = threading.RLock()
_loading: set[Offer] = set()


def load(name: str, origin: str = "") -> Engine:
    """Return the engine called ``name``, loaded at most once.

    Raises
    ------
    EngineError
        If no engine has that name, or the one that has it may not or cannot load. A failure is
        remembered: asking again does not import again before ``refresh()``.
    """
    offer = registry.select(name, origin)
    result = registry.outcome(offer)
    if isinstance(result, Engine):
        return result
    with _lock:
        return _load_once(offer)


def _load_once(offer: Offer) -> Engine:
    result = registry.outcome(offer)
    if isinstance(result, Engine):
        return result
    if isinstance(result, EngineError):
        raise EngineError(str(result)) from result.__cause__
    state = registry.examine(offer)
    if state.status in (BROKEN, INCOMPATIBLE):
        raise EngineError(state.cause)
    if offer in _loading:
        raise EngineError(f"The engine {offer.name!r} asks for itself while it is being loaded.")
    _loading.add(offer)
    try:
        engine = _create(offer)
    except FAULTS as cause:
        error = cause if isinstance(cause, EngineError) else _failure(offer, cause, state.cause)
        registry.record(offer, error)
        raise error from error.__cause__
    finally:
        _loading.discard(offer)
    registry.record(offer, engine)
    return engine


def _failure(offer: Offer, cause: BaseException, advice: str) -> EngineError:
    options = settings().options.get(offer.name)
    given = f" Its options, from {settings().origin('options')}, are {', '.join(options)}." if options else ""
    error = EngineError(
        f"The engine {offer.name!r} of {offer.dist} {offer.version} cannot be loaded: {words(cause)};"
        f" `kbplug doctor {offer.name}` tells more.{given}{' ' + advice if advice else ''}"
    )
    error.__cause__ = cause
    return error


def words(cause: BaseException) -> str:
    """Return in one line what went wrong, and below what, when another error was the root of it."""
    root = cause
    while root.__cause__ is not None or (root.__context__ is not None and not root.__suppress_context__):
        root = root.__cause__ or root.__context__ or root
    return _one(cause) if root is cause else f"{_one(cause)}, from {_one(root)}"


def _one(cause: BaseException) -> str:
    if isinstance(cause, SystemExit):
        return f"it called sys.exit({cause.code!r})"
    return f"{type(cause).__name__}: {' '.join(str(cause).split())}" if str(cause) else type(cause).__name__


def _create(offer: Offer) -> Engine:
    manager = host()
    plugin = plugin_of(offer, manager)
    who = f"The plugin {offer.dist} {offer.version}"
    if offer.qualified in manager.quarantined:
        raise manager.quarantined[offer.qualified]
    if not any(caller.name == "kbplug_engine" for caller in manager.get_hookcallers(plugin) or ()):
        raise EngineError(f"{who} has no kbplug_engine hook in {offer.value}, so it cannot make {offer.name!r}.")
    options = settings().options.get(offer.name, {})
    engine = manager.ask_one(plugin, "kbplug_engine", name=offer.name, options=options)
    if not isinstance(engine, Engine):
        raise EngineError(f"{who} was asked for the engine {offer.name!r} but returned {engine!r}.")
    if normalise(engine.name) != offer.name:
        raise EngineError(f"{who} was asked for the engine {offer.name!r} but returned one named {engine.name!r}.")
    return engine


def plugin_of(offer: Offer, manager: Host) -> Any:
    """Import what ``offer`` points to and register it, unless that was done before."""
    module, _, attribute = offer.value.partition(":")
    plugin: Any = importlib.import_module(module.strip())
    if attribute:
        plugin = operator.attrgetter(attribute.strip())(plugin)
    if not manager.is_registered(plugin) and offer.qualified not in manager.quarantined:
        manager.register(plugin, offer.qualified)
    return plugin


def load_hooks(manager: Host) -> None:
    """Load the cross-cutting plugins that the settings name, in that order; one that fails is a warning."""
    for name in settings().plugins.hooks:
        try:
            plugin_of(_hook_offer(name), manager)
        except FAULTS as cause:
            manager.quarantined[name] = cause
            reason = cause if isinstance(cause, EngineError) else words(cause)
            warnings.warn(f"The hook plugin {name!r} was not loaded: {reason}", KbplugWarning, stacklevel=4)


def _hook_offer(name: str) -> Offer:
    by = f" (from {settings().origin('plugins.hooks')})"
    if settings().safe:
        raise EngineError(f"KBPLUG_SAFE keeps the hook plugin {name!r}{by} out.")
    offers = [offer for offer in discovery.discover(discovery.HOOKS) if name in (offer.name, offer.qualified)]
    if not offers:
        raise EngineError(f"No hook plugin named {name!r}{by} is installed; install its package, or take the name out.")
    offer = registry.only(offers, name, by)
    about = manifest.find(offer.module)
    wrong = manifest.mismatch(manifest.read(about), offer.dist, offer.version) if about else ""
    if wrong:
        raise EngineError(wrong)
    return offer
