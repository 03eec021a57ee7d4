"""The hooks a plugin may implement: their names, arguments and results. No op call passes through one."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from kbplug.config import Settings
    from kbplug.engine import Check, Engine, Kernel, Probe
    from kbplug.graph.graph import Graph

hookspec = pluggy.HookspecMarker("kbplug")
hookimpl = pluggy.HookimplMarker("kbplug")
"""Marks a function of a plugin as its implementation of the hook of that name."""


class HookSpecs:
    """Every hook. An implementation may take fewer arguments than its specification names.

    ``kbplug_engine`` and ``kbplug_probe`` are asked of one plugin, the one that offers the engine.
    The others are asked of every registered plugin, each on its own: one that raises is reported,
    loses its registration and is not asked again.
    """

    @hookspec(firstresult=True)
    def kbplug_engine(self, name: str, options: Mapping[str, Any]) -> Engine | None:
        """Return the engine called ``name``.

        Import the array library here, not at the top of the plugin.

        Parameters
        ----------
        name
            The entry point's normalised name.
        options
            What the settings hold under ``options`` for this engine.
        """

    @hookspec(firstresult=True)
    def kbplug_probe(self, name: str) -> Probe | None:
        """Say whether the engine ``name`` can run here, if that is known without creating it."""

    @hookspec
    def kbplug_kernels(self, engine: Engine) -> Mapping[str, Kernel] | None:
        """Return kernels for somebody else's ``engine``, by op name.

        They win over the engine's own; of two plugins, the one registered later wins.
        """

    @hookspec
    def kbplug_passes(self, engine: Engine) -> Iterable[Callable[[Graph], Graph]] | None:
        """Return passes to run on each graph before ``engine`` compiles it, in the order of registration."""

    @hookspec(historic=True)
    def kbplug_configure(self, settings: Settings) -> None:
        """Take notice of the settings, once, when this plugin is registered."""

    @hookspec
    def kbplug_engine_changed(self, old: Engine | None, new: Engine) -> None:
        """Take notice that another engine was selected; ``old`` is None for the first one."""

    @hookspec
    def kbplug_run(self, function: Any, inputs: Any) -> Generator[None, Any, Any]:
        """Wrap each call of a compiled function; only ``@hookimpl(wrapper=True)`` is accepted.

        The generator yields once, is sent the outputs or thrown the error, and returns the outputs.
        """
        raise NotImplementedError  # a specification is never called

    @hookspec
    def kbplug_checks(self) -> Iterable[Check] | None:
        """Return what ``kbplug doctor`` should know of this machine."""

    @hookspec
    def kbplug_report_header(self) -> str | Iterable[str] | None:
        """Return lines for the head of ``kbplug doctor``'s report."""
