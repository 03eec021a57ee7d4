"""Where the least or the largest float stands along an axis: loops over bits, which are integers in order.

Read as integers, the bits of positive floats stand in their order; those of negative ones are turned round here. Then
both zeros are equal and a NaN lies beyond the infinities. Processors compare integers by the dozen, but not floats of
which one may be no number. The first NaN is the place, as in NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kbplug_numba.compiling import compiled

Array = np.ndarray[Any, Any]
Word = Any
"""A signed integer as wide as the floats, or its type."""


@compiled
def _rank(bits: Word, word: Word, lowest: Word, infinity: Word, flip: Word) -> Word:
    """Return a number that is less for a lesser float, or for a larger one if all bits of ``flip`` are set."""
    rank = word(bits ^ word(word(bits >> 63) & word(~lowest)))
    rank = word(rank - word(rank >> 63))  # the zeros meet
    return lowest if rank > infinity or rank < word(-infinity) else word(rank ^ flip)


@compiled
def along_rows(bits: Array, lowest: Word, infinity: Word, flip: Word, places: Array) -> None:
    """Write for each row of (rows, elements) where its first least element is."""
    count, width = bits.shape
    word = bits.dtype.type
    ranks = np.empty(width, bits.dtype)
    for i in range(count):
        least = word(~lowest)
        for j in range(width):
            rank = _rank(bits[i, j], word, lowest, infinity, flip)
            ranks[j] = rank
            least = rank if rank < least else least
        place = word(width)
        for j in range(width):
            found = word(j) if ranks[j] == least else word(width)
            place = found if found < place else place
        places[i] = place


@compiled
def along_columns(bits: Array, lowest: Word, infinity: Word, flip: Word, places: Array) -> None:
    """Write for each column of each matrix in (matrices, rows, columns) where its first least element is."""
    count, height, width = bits.shape
    word = bits.dtype.type
    least, place = np.empty(width, bits.dtype), np.empty(width, bits.dtype)
    for i in range(count):
        for k in range(width):
            least[k], place[k] = _rank(bits[i, 0, k], word, lowest, infinity, flip), 0
        for j in range(1, height):
            for k in range(width):
                rank = _rank(bits[i, j, k], word, lowest, infinity, flip)
                less = rank < least[k]
                least[k] = rank if less else least[k]
                place[k] = word(j) if less else place[k]
        for k in range(width):
            places[i, k] = place[k]
