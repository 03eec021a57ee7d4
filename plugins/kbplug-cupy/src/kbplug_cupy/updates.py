"""A function whose last updates are written over the variables that they replace. Knows no library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kbplug_cupy.codegen.endings import Ending

Run = Callable[..., tuple[Any, ...]]


class Overwriting:
    """Runs the parts of a function one after the other.

    Parameters
    ----------
    ending
        What the parts are.
    main
        The first.
    regions
        The regions of the updates, each ``region(*operands, out=arrays)``, with None for a result of its own.
    """

    def __init__(self, ending: Ending, main: Run, regions: Sequence[Callable[..., Any]]) -> None:
        self._main, self._places = main, ending.places
        self._updates = tuple(zip(ending.updates, regions, strict=True))
        self._count = len(ending.places) + sum(len(given) for u in ending.updates for given in u.given)

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        """Return the function's outputs."""
        found = self._main(*arrays)
        outputs: list[Any] = [None] * self._count
        for place, at in self._places:
            outputs[place] = found[at]
        for update, region in self._updates:
            operands = [found[i] for i in update.operands]
            results = region(*operands, out=[None if i is None else operands[i] for i in update.over])
            for result, places in zip(results if len(update.over) > 1 else (results,), update.given, strict=True):
                for place in places:
                    outputs[place] = result
        return tuple(outputs)
