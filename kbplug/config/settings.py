"""The settings in force: resolved once from defaults, file and environment, then changed by calls and scopes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextvars import ContextVar, Token
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from kbplug.config import sources
from kbplug.config.keys import KEYS
from kbplug.config.sources import Layer, Setting


@dataclass(frozen=True, slots=True)
class Plugins:
    """Which plugins may load.

    Parameters
    ----------
    allow
        When not None, only these engines, hook plugins or distributions load; being named here also trusts one that
        was found in the working directory.
    block
        Never loaded: the union of the lists of all layers.
    hooks
        Cross-cutting plugins to load, in this order.
    """

    allow: tuple[str, ...] | None = None
    block: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in force in one context; ``origin(key)`` tells where each value came from."""

    image_data_format: str
    epsilon: float
    floatx: str
    backend: str
    device: str | None
    rng: str
    fallback: tuple[str, ...]
    without: tuple[str, ...]
    plugins: Plugins
    options: Mapping[str, Mapping[str, Any]]
    safe: bool = False
    origins: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def origin(self, key: str) -> str:
        """Return where ``key`` came from: ``default``, a variable, ``file:line:column`` or a call."""
        return self.origins.get(key, "default")

    def items(self) -> tuple[tuple[str, Any, str], ...]:
        """Return name, value and origin of each setting, in the order of the table."""
        flat = {f"plugins.{name}": getattr(self.plugins, name) for name in ("allow", "block", "hooks")}
        names = (*KEYS, "safe")
        return tuple((name, flat[name] if name in flat else getattr(self, name), self.origin(name)) for name in names)


def merge(*layers: Layer) -> Settings:
    """Return the settings of ``layers``, lowest first: the highest wins, but block lists add up."""
    found: dict[str, Setting] = {}
    for layer in layers:
        for name, setting in layer.items():
            found[name] = _union(found.get(name), setting) if name == "plugins.block" else setting
    values = {name: found[name].value if name in found else key.default for name, key in KEYS.items()}
    plugins = Plugins(*(values.pop(f"plugins.{name}") for name in ("allow", "block", "hooks")))
    origins = MappingProxyType({name: setting.origin for name, setting in found.items()})
    safe = found["safe"].value if "safe" in found else False
    return Settings(plugins=plugins, safe=safe, origins=origins, **values)


def _union(lower: Setting | None, upper: Setting) -> Setting:
    if lower is None:
        return upper
    return Setting(tuple(dict.fromkeys(lower.value + upper.value)), f"{lower.origin}, {upper.origin}")


class _Scope:
    """What one context changes over the process's settings, whatever these become while it lasts."""

    __slots__ = ("_changes", "_merged", "_origins")

    def __init__(self, changes: Mapping[str, Any], origin: str, outer: _Scope | None) -> None:
        self._changes: Mapping[str, Any] = {**(outer._changes if outer else {}), **changes}
        self._origins: Mapping[str, str] = {**(outer._origins if outer else {}), **dict.fromkeys(changes, origin)}
        self._merged: tuple[Settings, Settings] | None = None

    def over(self, base: Settings) -> Settings:
        merged = self._merged
        if merged is None or merged[0] is not base:
            origins = MappingProxyType({**base.origins, **self._origins})
            merged = self._merged = (base, replace(base, origins=origins, **self._changes))
        return merged[1]


class _Process:
    """What this process resolved, and what calls changed since."""

    def __init__(self) -> None:
        self.settings: Settings | None = None
        self.environment: Mapping[str, str] = {}
        self._layers: tuple[Layer, ...] = ()
        self._calls: dict[str, Setting] = {}
        self._lock = threading.RLock()

    def resolve(self) -> Settings:
        with self._lock:
            if self.settings is None:
                environment = sources.variables()
                self._layers = (sources.from_file(environment), sources.from_environment(environment))
                self.environment = environment
                self.settings = merge(*self._layers, self._calls)
            return self.settings

    def change(self, key: str, value: object, origin: str) -> None:
        checked = KEYS[key].checked(value, origin)
        with self._lock:
            self.resolve()
            self._calls[key] = Setting(checked, origin)
            self.settings = merge(*self._layers, self._calls)

    def reset(self) -> None:
        with self._lock:
            self._calls.clear()
            self.settings = None


_process = _Process()
_scope: ContextVar[_Scope | None] = ContextVar("kbplug_settings", default=None)


def settings() -> Settings:
    """Return the settings in force in this context.

    File and environment are read at the first call, not on import. A new thread starts from the
    process's settings, without its parent's scopes.

    Raises
    ------
    SettingsError
        If the file or the environment holds something that cannot be meant.
    """
    base = _process.settings
    if base is None:
        base = _process.resolve()
    scope = _scope.get()
    return base if scope is None else scope.over(base)


def of_process() -> Settings:
    """Return the settings of the process, whatever scopes of this context change."""
    return _process.resolve()


def change(key: str, value: object, origin: str) -> None:
    """Set ``key`` for the process, above file and environment and below any scope.

    Raises
    ------
    SettingsError
        If ``value`` cannot be meant; nothing changes then.
    """
    _process.change(key, value, origin)


def set_floatx(floatx: str) -> None:
    """Set the default float dtype: ``float16``, ``bfloat16``, ``float32`` or ``float64``.

    Raises
    ------
    SettingsError
        If ``floatx`` is none of these; nothing changes then.
    """
    change("floatx", floatx, "set_floatx()")


def set_epsilon(epsilon: float) -> None:
    """Set the small number that keeps divisions and logarithms finite; an integer will do.

    Raises
    ------
    SettingsError
        If ``epsilon`` is no finite number above zero; nothing changes then.
    """
    change("epsilon", epsilon, "set_epsilon()")


def set_image_data_format(data_format: str) -> None:
    """Set where images carry their channels: ``channels_last`` or ``channels_first``.

    Raises
    ------
    SettingsError
        If ``data_format`` is neither; nothing changes then.
    """
    change("image_data_format", data_format, "set_image_data_format()")


def set_rng(rng: str) -> None:
    """Set whose random numbers are drawn: the engine's (``native``) or kbplug's own, equal on all (``portable``).

    Raises
    ------
    SettingsError
        If ``rng`` is neither; nothing changes then.
    """
    change("rng", rng, "set_rng()")


def enter(changes: Mapping[str, Any], origin: str) -> Token[_Scope | None]:
    """Put ``changes`` in force in this context until ``leave``, beside those of the scopes around it."""
    return _scope.set(_Scope(changes, origin, _scope.get()))


def leave(token: Token[_Scope | None]) -> None:
    """End what ``enter`` began."""
    _scope.reset(token)


def environment_changes() -> tuple[str, ...]:
    """Return the variables that differ now from when the settings were resolved, and so go unheard."""
    settings()
    then, now = _process.environment, sources.variables()
    return tuple(sorted(name for name in {*now, *then} if now.get(name) != then.get(name)))


def reset() -> None:
    """Forget all calls and resolve file and environment again at the next use; for tests and notebooks."""
    _process.reset()
