"""Random draws run on the CPU: Philox against NumPy's own, moments, ranges, and what a state decides."""

import numpy as np
import pytest
from emulator import COMPILER, Emulated, as_numbers

from kbplug_cupy.codegen.random import drawing

pytestmark = pytest.mark.skipif(COMPILER is None, reason="There is no g++ to compile kernels for the CPU.")
FLOATS = ("float16", "bfloat16", "float32", "float64")
COUNT = 20001
DRAWS = [("bits", "int64"), *((d, t) for d in ("uniform", "normal") for t in FLOATS)]
RANGES = {"int8": (-5, 5), "int32": (0, 10), "int64": (-(2**40), 2**40), "uint8": (200, 256)}


def every_launch():
    """Return a launch of each kernel."""
    found = {(draw, dtype): drawing(draw, dtype, COUNT) for draw, dtype in DRAWS}
    return found | {
        ("integers", t): drawing("integers", t, COUNT, low, high - low) for t, (low, high) in RANGES.items()
    }


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return Emulated([launch.kernel for launch in every_launch().values()], tmp_path_factory.mktemp("random"))


def drawn(library, draw, dtype, state):
    memory = np.full(COUNT, 9).astype("uint16" if dtype == "bfloat16" else dtype)
    library.run(every_launch()[draw, dtype], [np.array(state, dtype="int64"), memory])
    return as_numbers(memory, dtype)


def test_words_are_the_known_answers_of_philox(library):
    # Random123, kat_vectors: philox4x32-10 of counter 0 under key 0.
    zero = drawn(library, "bits", "int64", [0, 0, 0])
    assert [hex(w) for w in zero[:4]] == ["0x6627e8d5", "0xe169c58d", "0xbc57ac4c", "0x9b00dbd8"]


def test_equal_states_draw_equal_numbers_and_others_do_not(library):
    states = ([1, 2, 3], [1, 2, 4], [2, 1, 3], [1, 2, 3])
    found = [tuple(drawn(library, "bits", "int64", s)[:50]) for s in states]
    assert found[0] == found[3]
    assert len(set(found)) == 3


@pytest.mark.parametrize("dtype", FLOATS)
def test_uniform_numbers_fill_their_range(library, dtype):
    found = drawn(library, "uniform", dtype, [7, 0, 1]).astype("float64")
    assert 0 <= found.min() < 0.01
    assert 0.99 < found.max() < 1
    assert abs(found.mean() - 0.5) < 0.01
    assert abs(found.var() - 1 / 12) < 0.005


@pytest.mark.parametrize("dtype", FLOATS)
def test_normal_numbers_have_the_moments_they_should(library, dtype):
    found = drawn(library, "normal", dtype, [7, 0, 2]).astype("float64")
    assert np.isfinite(found).all()
    assert abs(found.mean()) < 0.03
    assert abs(found.std() - 1) < 0.03
    assert abs((found**4).mean() - 3) < 0.3
    assert abs(np.corrcoef(found[:-1:2], found[1::2])[0, 1]) < 0.04


@pytest.mark.parametrize("dtype", RANGES)
def test_integers_lie_in_their_range(library, dtype):
    low, high = RANGES[dtype]
    found = drawn(library, "integers", dtype, [7, 0, 3]).astype("float64")
    assert low <= found.min()
    assert found.max() < high
    assert abs((found.mean() - low) / (high - low) - 0.5) < 0.06


def test_nothing_is_drawn_for_nothing():
    assert drawing("bits", "int64", 0) is None
