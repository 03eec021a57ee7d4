"""Which engines there are, in what state, and which one a name means; imports no plugin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from kbplug.config import normalise, settings
from kbplug.config.keys import KEYS
from kbplug.engine import Engine
from kbplug.errors import EngineError, did_you_mean
from kbplug.plugins import discovery, manifest
from kbplug.plugins.discovery import Offer

if TYPE_CHECKING:
    from kbplug.plugins.manifest import Manifest

BUILTIN: Mapping[str, str] = MappingProxyType({"numpy": "kbplug.engines.numpy"})
"""Engines that are part of kbplug, and their modules: found without a scan, and never shadowed."""

KNOWN: Mapping[str, str] = MappingProxyType(
    {name: f"kbplug-{name}" for name in ("cupy", "jax", "mlx", "strict", "torch")}
)
"""Engines that exist, and the distribution to install for each."""

READY = "ready to load"
LOADED = "loaded"
BROKEN = "broken"
BLOCKED = "blocked"
UNTRUSTED = "untrusted"
CONFLICT = "conflict"
INCOMPATIBLE = "incompatible"


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What is known of an engine without importing it.

    Parameters
    ----------
    name, dist, version
        The engine's name, and the distribution that offers it.
    status
        ``ready to load``, ``loaded``, ``broken``, ``blocked``, ``untrusted``, ``conflict`` or ``incompatible``.
    cause
        One sentence that explains the status; empty when there is nothing to explain.
    value
        The module, or ``module:attribute``, that is loaded.
    manifest
        What the plugin says of itself, if it says anything.
    """

    name: str
    dist: str
    version: str
    status: str
    cause: str
    value: str
    manifest: Manifest | None = None


_outcomes: dict[Offer, Engine | EngineError] = {}


def record(offer: Offer, outcome: Engine | EngineError) -> None:
    """Remember what loading ``offer`` came to, so that it is tried once."""
    _outcomes[offer] = outcome


def outcome(offer: Offer) -> Engine | EngineError | None:
    """Return what loading ``offer`` came to, or None when nobody tried."""
    return _outcomes.get(offer)


def refresh() -> None:
    """Forget what was found and what failed, so that it is looked for and tried again; loaded engines stay."""
    discovery.refresh()
    manifest.read.cache_clear()
    for offer in [offer for offer, result in _outcomes.items() if isinstance(result, EngineError)]:
        del _outcomes[offer]


def forget() -> None:
    """Forget loaded engines too."""
    refresh()
    _outcomes.clear()


def builtin(name: str) -> Offer:
    """Return the offer of a built-in engine."""
    from kbplug import __version__

    return Offer(name, "kbplug", __version__, BUILTIN[name], builtin=True)


def offers() -> tuple[Offer, ...]:
    """Return the built-in engines and, unless ``KBPLUG_SAFE`` keeps them out, those that are installed."""
    ours = tuple(builtin(name) for name in BUILTIN)
    if settings().safe:
        return ours
    return ours + tuple(offer for offer in discovery.discover(discovery.ENGINES) if offer.dist != "kbplug")


def engines() -> tuple[EngineInfo, ...]:
    """Return what is known of each engine that is built in or installed; imports none of them."""
    return tuple(describe(offer) for offer in offers())


def describe(offer: Offer) -> EngineInfo:
    """Return the state of one offer, with the user's word and its rivals taken into account."""
    info = examine(offer)
    refusal = barred(offer) or _conflict(offer)
    return replace(info, status=refusal[0], cause=refusal[1]) if refusal else info


def examine(offer: Offer) -> EngineInfo:
    """Return the state of one offer by itself."""
    try:
        path = manifest.find(offer.module)
        about = manifest.read(path) if path else None
    except EngineError as cause:
        about, status, why = None, BROKEN, str(cause)
    else:
        status, why = _state(offer, about)
    return EngineInfo(offer.name, offer.dist, offer.version, status, why, offer.value, about)


def _state(offer: Offer, about: Manifest | None) -> tuple[str, str]:
    result = outcome(offer)
    if isinstance(result, Engine):
        return LOADED, ""
    if result is not None:
        return BROKEN, str(result)
    if about is None:
        return READY, ""
    if about.name and normalise(about.name) != offer.name:
        return BROKEN, f"The manifest {about.path} is of an engine {about.name!r}, not of {offer.name!r}."
    wrong = manifest.mismatch(about, offer.dist, offer.version)
    if wrong:
        return INCOMPATIBLE, wrong
    missing = manifest.missing_requirements(about)
    if missing:
        command = " ".join(map(repr, missing))
        return READY, f"It asks for {' and '.join(missing)}, which is not installed: run `pip install {command}`."
    return READY, manifest.no_device(about)


def barred(offer: Offer) -> tuple[str, str] | None:
    """Return the status and cause that keep ``offer`` from loading by the user's word, or None."""
    plugins = settings().plugins
    names = {offer.name, offer.dist, offer.qualified}
    if offer.builtin:
        names = {offer.name}
    if names & set(plugins.block):
        return BLOCKED, f"It is blocked by {settings().origin('plugins.block')}."
    if offer.builtin:
        return None
    if plugins.allow is not None and not names & set(plugins.allow):
        return BLOCKED, f"It is not among those allowed by {settings().origin('plugins.allow')}."
    if not offer.trusted and plugins.allow is None:
        return UNTRUSTED, f"It lies in the working directory; allow it with KBPLUG_ALLOW={offer.name} if it is yours."
    return None


def _conflict(offer: Offer) -> tuple[str, str] | None:
    if offer.builtin:
        return None
    if offer.name in BUILTIN:
        return CONFLICT, f"{offer.name!r} is built in and cannot be shadowed; select this one as {offer.qualified!r}."
    rivals = [rival for rival in _loadable(offer.name) if rival is not offer]
    if not rivals:
        return None
    others = " and ".join(rival.dist for rival in rivals)
    return CONFLICT, f"{others} offers {offer.name!r} too; select this one as {offer.qualified!r} or block the other."


def _loadable(name: str) -> list[Offer]:
    return [offer for offer in offers() if offer.name == name and barred(offer) is None]


def select(name: str, origin: str = "") -> Offer:
    """Return the one offer that ``name`` means and that may load; a built-in engine needs no scan.

    Parameters
    ----------
    name
        An engine's name or ``dist::name``.
    origin
        Where the name came from, for the error; empty for an argument.

    Raises
    ------
    EngineError
        If it is no name, no engine has it, several have it, or the engine is barred or incompatible.
    """
    by = f" (from {origin})" if origin else ""
    try:
        wanted: str = KEYS["backend"].check(name)
    except ValueError as cause:
        raise EngineError(f"{name!r}{by} is not {cause}") from None
    if wanted in BUILTIN:
        candidates = [builtin(wanted)]
    elif settings().safe:
        raise EngineError(
            f"The engine {name!r}{by} is not built in, and KBPLUG_SAFE lets only {', '.join(BUILTIN)} load."
        )
    else:
        candidates = [offer for offer in offers() if wanted in (offer.name, offer.qualified)]
    if not candidates:
        raise EngineError(_unknown(name, by))
    return only(candidates, name, by)


def only(candidates: list[Offer], name: str, by: str) -> Offer:
    """Return the one of ``candidates`` that may load; ``by`` says where ``name`` came from.

    Raises
    ------
    EngineError
        If none may, or several.
    """
    free = [offer for offer in candidates if barred(offer) is None]
    if not free:
        reasons = " ".join(f"{offer.dist}: {refusal[1]}" for offer in candidates if (refusal := barred(offer)))
        raise EngineError(f"The plugin {name!r}{by} may not load. {reasons}")
    if len(free) > 1:
        ways = " or ".join(repr(offer.qualified) for offer in free)
        raise EngineError(f"The plugin {name!r}{by} is offered by several distributions; select {ways}.")
    return free[0]


def _unknown(name: str, by: str) -> str:
    dist, _, wanted = normalise(name).rpartition("::")
    infos = engines()
    installed = ", ".join(
        f"{info.name} ({'built in' if info.dist == 'kbplug' else f'{info.dist} {info.version}'}"
        f"{'' if info.status in (READY, LOADED) else f', {info.status}'})"
        for info in infos
    )
    advice = _advice(dist, wanted, {info.name for info in infos})
    return f"No engine named {name!r}{by} is installed.{advice} Installed: {installed}."


def _advice(dist: str, wanted: str, installed: set[str]) -> str:
    """Return what to do about an engine that is not there; its distribution is known, guessed, or by custom."""
    if wanted in KNOWN and dist in ("", KNOWN[wanted]):
        return f" It exists: run `pip install {KNOWN[wanted]}`."
    advice = "" if dist else did_you_mean(wanted, {*KNOWN, *installed})
    near = advice.split("'")[1] if advice else ""
    if near in KNOWN and near not in installed:
        advice += f" It is not installed: run `pip install {KNOWN[near]}`."
    package = dist or f"kbplug-{wanted}"
    custom = f" It comes with a package, by custom {package}: if that is the one you mean, run `pip install {package}`."
    return advice or custom
