"""Finds what installed distributions offer, by their metadata alone; loads and judges nothing."""

from __future__ import annotations

import functools
import importlib
import site
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kbplug.config import normalise

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

ENGINES = "kbplug.engines"
HOOKS = "kbplug.hooks"


@dataclass(frozen=True, slots=True)
class Offer:
    """One entry point of one distribution.

    Parameters
    ----------
    name
        The normalised name users select.
    dist, version
        The distribution that offers it; ``kbplug`` for what is built in.
    value
        The module, or ``module:attribute``, to load.
    trusted
        False for a distribution that merely lies in the working directory.
    builtin
        Whether it is part of kbplug.
    """

    name: str
    dist: str
    version: str
    value: str
    trusted: bool = True
    builtin: bool = False

    @property
    def module(self) -> str:
        """The module that holds the plugin."""
        return self.value.partition(":")[0].strip()

    @property
    def qualified(self) -> str:
        """``dist::name``, which no other offer shares."""
        return f"{self.dist}::{self.name}"


@functools.cache
def discover(group: str) -> tuple[Offer, ...]:
    """Return what is installed under ``group``; one scan of the metadata per process.

    The first of two distributions of the same name counts, as for ``import``; only, one in the
    working directory never hides one that is installed. One target named twice is one offer.
    """
    from importlib.metadata import distributions

    found: list[Offer] = []
    for dist in distributions():
        found.extend(_offers(dist, group))
    found.sort(key=lambda offer: not offer.trusted)
    return tuple(_unique(found))


def refresh() -> None:
    """Forget the scan, so that what was installed meanwhile is found."""
    importlib.invalidate_caches()
    discover.cache_clear()


def _offers(dist: Distribution, group: str) -> Iterator[Offer]:
    try:
        entry_points: Iterable[EntryPoint] = dist.entry_points.select(group=group)
        for entry_point in entry_points:
            name = dist.metadata["Name"] or "unnamed"
            version = dist.metadata["Version"] or "?"
            yield Offer(
                normalise(entry_point.name), normalise(name), version, entry_point.value.strip(), trusted=_trusted(dist)
            )
    except Exception:  # noqa: BLE001 -- damaged metadata of any kind, of any package, is not ours to stumble over
        return


def _unique(offers: Iterable[Offer]) -> Iterator[Offer]:
    homes: dict[str, Offer] = {}
    targets: set[tuple[str, str]] = set()
    for offer in offers:
        first = homes.setdefault(offer.dist, offer)
        same_copy = (first.version, first.trusted) == (offer.version, offer.trusted)
        if same_copy and (offer.name, offer.value) not in targets:
            targets.add((offer.name, offer.value))
            yield offer


def _trusted(dist: Distribution) -> bool:
    root = Path(str(dist.locate_file("")))
    if root.is_absolute() and root.resolve() != Path.cwd().resolve():
        return True
    return root.resolve() in _site_directories() or _is_editable(dist)


def _site_directories() -> set[Path]:
    paths = sysconfig.get_paths()
    return {
        Path(path).resolve()
        for path in (*site.getsitepackages(), site.getusersitepackages(), paths["purelib"], paths["platlib"])
    }


def _is_editable(dist: Distribution) -> bool:
    import json

    text = dist.read_text("direct_url.json")
    return bool(text and json.loads(text).get("dir_info", {}).get("editable"))
