"""The plugin manager: registers plugins, asks their hooks one by one, and drops a plugin whose hook raises."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Generator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import pluggy

from kbplug.config import settings
from kbplug.errors import EngineError, KbplugWarning
from kbplug.plugins.hookspecs import HookSpecs

if TYPE_CHECKING:
    from kbplug.engine import Engine, Kernel

Pass = Callable[[Any], Any]
"""``pass(graph) -> graph``."""


FAULTS = (Exception, SystemExit)
"""What a plugin may raise without harm to anybody else; the user's own interrupt is not among it."""


class Host(pluggy.PluginManager):
    """pluggy's manager, with what pluggy leaves open: a hook that raises harms only its own plugin."""

    def __init__(self) -> None:
        super().__init__("kbplug")
        self.add_hookspecs(HookSpecs)
        self.quarantined: dict[str, BaseException] = {}
        self._kernels: WeakKeyDictionary[Engine, Mapping[str, Kernel]] = WeakKeyDictionary()
        self._passes: WeakKeyDictionary[Engine, tuple[Pass, ...]] = WeakKeyDictionary()
        self.run_wrappers: tuple[pluggy.HookImpl, ...] = ()

    def register(self, plugin: object, name: str | None = None) -> str | None:
        """Register ``plugin`` and tell it the settings; return its name.

        Raises
        ------
        EngineError
            If it implements an unknown hook, an unknown argument or a wrapper where none is called.
        """
        try:
            registered = super().register(plugin, name)
            self.check_pending()
            self._check_wrappers(plugin)
        except (pluggy.PluginValidationError, EngineError) as cause:
            if self.is_registered(plugin):
                super().unregister(plugin)
            raise EngineError(f"The plugin {name or plugin!r} was not registered: {_line(cause)}") from cause
        self._changed()
        for impl in self.hook.kbplug_configure.get_hookimpls():
            if impl.plugin is plugin:
                self._ask(impl, {"settings": settings()})
        return registered

    def unregister(self, plugin: object | None = None, name: str | None = None) -> Any | None:
        """Take ``plugin`` out again and return it."""
        removed = super().unregister(plugin, name)
        self._changed()
        return removed

    def ask(self, hook: str, **arguments: Any) -> list[tuple[str, Any]]:
        """Return each plugin's name and answer, in the order of registration; answers of None are left out."""
        answers = []
        for impl in getattr(self.hook, hook).get_hookimpls():
            answer = self._ask(impl, arguments)
            if answer is not None:
                answers.append((impl.plugin_name, answer))
        return answers

    def ask_one(self, plugin: object, hook: str, **arguments: Any) -> Any:
        """Return the answer of one plugin, None when it does not implement ``hook``; its errors pass through."""
        for impl in getattr(self.hook, hook).get_hookimpls():
            if impl.plugin is plugin:
                return _call(impl, arguments)
        return None

    def kernels_for(self, engine: Engine) -> Mapping[str, Kernel]:
        """Return the engine's kernels, and over them those that plugins contribute and it does not leave out."""
        found = self._kernels.get(engine)
        if found is None:
            merged = dict(engine.kernels)
            for name, kernels in self.contributed(engine):
                if name not in engine.left_out:
                    merged.update(kernels)
            found = self._kernels[engine] = MappingProxyType(merged)
        return found

    def contributed(self, engine: Engine) -> list[tuple[str, Mapping[str, Kernel]]]:
        """Return the kernels that plugins contribute, each plugin by the name under which users know it."""
        found = []
        for name, kernels in self.ask("kbplug_kernels", engine=engine):
            if isinstance(kernels, Mapping):
                found.append((name.rpartition("::")[2], kernels))
            else:
                self.quarantine(name, TypeError(f"kbplug_kernels returned {kernels!r}, not a mapping"))
        return found

    def passes_for(self, engine: Engine) -> tuple[Pass, ...]:
        """Return the passes that plugins add for ``engine``."""
        found = self._passes.get(engine)
        if found is None:
            passes: list[Pass] = []
            for name, added in self.ask("kbplug_passes", engine=engine):
                try:
                    passes.extend(added)
                except TypeError as cause:
                    self.quarantine(name, cause)
            found = self._passes[engine] = tuple(passes)
        return found

    def run(self, function: Any, inputs: Any, call: Callable[[], Any]) -> Any:
        """Return ``call()`` inside every ``kbplug_run`` wrapper; an error of ``call`` itself passes through."""
        entered: list[tuple[str, Generator[None, Any, Any]]] = []
        for impl in reversed(self.run_wrappers):
            wrapper = self._ask(impl, {"function": function, "inputs": inputs})
            if wrapper is not None and self._enter(impl.plugin_name, wrapper):
                entered.append((impl.plugin_name, wrapper))
        outcome = _Outcome.of(call)
        for name, wrapper in reversed(entered):
            outcome = self._leave(name, wrapper, outcome)
        return outcome.unwrap()

    def _enter(self, name: str, wrapper: Generator[None, Any, Any]) -> bool:
        try:
            next(wrapper)
        except FAULTS as cause:
            self.quarantine(name, cause)
            return False
        return True

    def _leave(self, name: str, wrapper: Generator[None, Any, Any], outcome: _Outcome) -> _Outcome:
        try:
            if outcome.error is None:
                wrapper.send(outcome.value)
            else:
                wrapper.throw(outcome.error)
        except StopIteration as stop:
            return _Outcome(stop.value)
        except BaseException as cause:
            if cause is outcome.error:
                return outcome
            if not isinstance(cause, FAULTS):
                raise
            self.quarantine(name, cause)
            return outcome
        wrapper.close()
        self.quarantine(name, RuntimeError("kbplug_run yielded twice"))
        return outcome

    def _ask(self, impl: pluggy.HookImpl, arguments: Mapping[str, Any]) -> Any:
        try:
            return _call(impl, arguments)
        except FAULTS as cause:
            self.quarantine(impl.plugin_name, cause)
            return None

    def quarantine(self, name: str, cause: BaseException) -> None:
        """Drop the plugin called ``name`` because of ``cause``, and say so once."""
        self.quarantined[name] = cause
        if self.has_plugin(name):
            self.unregister(name=name)
        warnings.warn(
            f"The plugin {name!r} raised {_line(cause)}, so its hooks are not asked again.", KbplugWarning, stacklevel=3
        )

    def _check_wrappers(self, plugin: object) -> None:
        for caller in self.get_hookcallers(plugin) or ():
            wraps = caller.name == "kbplug_run"
            for impl in caller.get_hookimpls():
                if impl.plugin is plugin and (impl.wrapper is not wraps or impl.hookwrapper):
                    wanted = "must be @hookimpl(wrapper=True)" if wraps else "cannot be a wrapper"
                    raise EngineError(f"its {caller.name} {wanted}.")

    def _changed(self) -> None:
        self._kernels.clear()
        self._passes.clear()
        self.run_wrappers = tuple(self.hook.kbplug_run.get_hookimpls())


def name_of(added: Pass) -> str:
    """Return the name by which a plugin's pass can be left out."""
    return getattr(added, "__name__", type(added).__name__)


class _Outcome:
    """What a call came to: a value or an error."""

    __slots__ = ("error", "value")

    def __init__(self, value: Any = None, error: BaseException | None = None) -> None:
        self.value, self.error = value, error

    @classmethod
    def of(cls, call: Callable[[], Any]) -> _Outcome:
        try:
            return cls(call())
        except BaseException as error:  # noqa: BLE001 -- it is raised again by unwrap
            return cls(error=error)

    def unwrap(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.value


def _call(impl: pluggy.HookImpl, arguments: Mapping[str, Any]) -> Any:
    return impl.function(*(arguments[name] for name in impl.argnames))


def _line(cause: BaseException) -> str:
    return f"{type(cause).__name__}: {' '.join(str(cause).split())}"


class _Process:
    """The manager of this process, once there is one."""

    host: Host | None = None
    lock = threading.RLock()


def host() -> Host:
    """Return the manager of this process; the first call loads the hook plugins that the settings name."""
    if _Process.host is None:
        settings()  # an error in them comes before anything is built
        with _Process.lock:
            if _Process.host is None:
                from kbplug.plugins.loading import load_hooks

                _Process.host = Host()
                load_hooks(_Process.host)
    return _Process.host


def set_host(new: Host | None) -> None:
    """Put ``new`` in the place of this process's manager; None makes the next use build one."""
    _Process.host = new


def has_run_wrappers() -> bool:
    """Say whether any plugin wraps calls, so that a call without wrappers costs nothing."""
    return bool((_Process.host or host()).run_wrappers)


def run(function: Any, inputs: Any, call: Callable[[], Any]) -> Any:
    """Return ``call()`` inside every ``kbplug_run`` wrapper."""
    return host().run(function, inputs, call)


def kernels_for(engine: Engine) -> Mapping[str, Kernel]:
    """Return kernels by op name: the engine's own, under those that plugins contribute.

    Of two plugins that contribute a kernel for the same op, the one registered later wins. The
    mapping is kept per engine until a plugin is registered or dropped.
    """
    return host().kernels_for(engine)


def passes_for(engine: Engine) -> tuple[Pass, ...]:
    """Return the passes that plugins add for ``engine``, in the order in which the plugins were registered."""
    return host().passes_for(engine)
