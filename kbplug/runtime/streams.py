"""Streams of random numbers: cells that hold a key and move on with every call that draws."""

from __future__ import annotations

from kbplug.graph.spec import whole
from kbplug.graph.tensor import Tensor
from kbplug.ops import lookup
from kbplug.runtime import values
from kbplug.runtime.cells import Cell, Variable

_WORD = 0xFFFFFFFF


def stream(seed: int | None = None) -> Tensor:
    """Return the state of a new stream, for one draw of a graph.

    Parameters
    ----------
    seed
        Makes the stream reproducible. None takes one from NumPy's global generator, so that
        ``numpy.random.seed`` makes a whole program reproducible.
    """
    key = values.fresh_seed() if seed is None else whole(seed, "A seed")
    words = [key & _WORD, (key >> 32) & _WORD, 0]
    return Variable(Cell(values.host_array(words, "int64"), "stream", advance=lookup("random.advance")))
