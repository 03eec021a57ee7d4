"""Version 1 of the conformance suite: import everything from here into a test module, with ``kbplug.testing.plugin``.

The samples that it feeds are frozen in ``v1.txt``. What kbplug adds later runs too, but cannot fail it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from importlib import resources

from kbplug.testing.samples import Sample
from kbplug.testing.suites import behaviour, concurrency, interchange, operations, packaging
from kbplug.testing.suites.case import Case

__all__ = [
    "test_behaviour",
    "test_gradients",
    "test_interchange",
    "test_packaging",
    "test_random",
    "test_saving",
    "test_sizes",
    "test_threads",
    "test_values",
]

NAME = "v1"
TIERS = ("packaging", "values", "sizes", "gradients", "random", "behaviour", "threads", "interchange", "saving")

Ask = Callable[[], None]


@functools.cache
def cases() -> tuple[Case, ...]:
    """Return every case, tier by tier."""
    known = frozen()

    def is_frozen(id: str, sample: Sample) -> bool:
        return known.get(id) == operations.digest(sample)

    found = [
        *packaging.cases(),
        *operations.cases(is_frozen),
        *behaviour.cases(),
        *concurrency.cases(),
        *interchange.cases(),
    ]
    return tuple(sorted(found, key=lambda case: TIERS.index(case.tier)))


@functools.cache
def frozen() -> Mapping[str, str]:
    """Return the digest of each sample of this version by its id."""
    text = resources.files(__package__).joinpath(f"{NAME}.txt").read_text(encoding="utf-8")
    return {id: digest for id, _, digest in (line.rpartition(" ") for line in text.splitlines())}


def test_packaging(kbplug_case: Ask) -> None:
    """The plugin is installed, described, light to import, and loads."""
    kbplug_case()


def test_values(kbplug_case: Ask) -> None:
    """Every op gives what it should, for each dtype and shape."""
    kbplug_case()


def test_sizes(kbplug_case: Ask) -> None:
    """Every op gives the same when its graph knows no size."""
    kbplug_case()


def test_gradients(kbplug_case: Ask) -> None:
    """Every derivative is what it should be, to order two."""
    kbplug_case()


def test_random(kbplug_case: Ask) -> None:
    """Random draws are reproducible, and the portable ones everywhere the same."""
    kbplug_case()


def test_behaviour(kbplug_case: Ask) -> None:
    """Functions, updates, the learning phase, loops and training do what K says."""
    kbplug_case()


def test_threads(kbplug_case: Ask) -> None:
    """Threads and tasks do not disturb each other."""
    kbplug_case()


def test_interchange(kbplug_case: Ask) -> None:
    """Values go in and out unchanged, and programs change engines."""
    kbplug_case()


def test_saving(kbplug_case: Ask) -> None:
    """What one engine saved another one reads."""
    kbplug_case()
