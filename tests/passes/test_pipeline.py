"""Optimising is safe: a program computes what its plain twin does, with all optimisations, and without each of them.

What may not touch a number is held to the bit, over graphs of every op and special values. What may round differently
is held to the bit over integers, whose sums are the same in any order, and over smooth networks to a bound. Thresholds
are lowered, so that blocks, threads and shards run on small arrays; a few networks are large instead.
"""

import contextlib

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import kbplug
from kbplug.config.keys import THREADS
from kbplug.engines.numpy import blas, blocks, idioms, pool, shards
from kbplug.passes import work
from kbplug.runtime import shards as twins
from kbplug.testing.closeness import assert_close
from kbplug.testing.graphs import BATCHES, EXACT, graphs
from programs import Program, networks, of_graph

NAMES = tuple(kbplug.optimisations("numpy"))

LAYING = ("fold", "fuse")
"""What lays values out in memory in another way, in which order NumPy adds up what is transposed or broadcast."""

ADDING = ("loops", "shard", "idioms", "transforms")
"""What computes a number in another way. With what lays out, this is all that may change last places."""


@contextlib.contextmanager
def threaded():
    """Have three threads, however many processors there are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "_processors", lambda: 3)
        patch.setattr(blas, "threads", lambda: 3)
        patch.setenv(THREADS, "3")
        yield


@contextlib.contextmanager
def small():
    """Lower every threshold, and have three threads."""
    with threaded(), pytest.MonkeyPatch.context() as patch:
        for where, names, value in (
            (blocks, ("SMALL", "THREADED"), 1),
            (blocks, ("ALONE", "TOGETHER", "IN_ROWS"), 48),
            (shards, ("_JOIN", "_CALL", "_SHARE"), 0),
            (work, ("_COPIED",), 0),
            (work, ("_OTHER",), 1),
            (twins, ("SMALLEST",), 0),
            (idioms, ("FEW",), 8),
        ):
            for name in names:
                patch.setattr(where, name, value)
        yield


class Fired:
    """Which optimisations made a difference, to what was emitted or to what ran."""

    def __init__(self):
        self.names = set()

    def look(self, name, plain, optimised):
        """Note ``name`` if what an optimised program ran differs from what it ran without."""
        if plain != optimised:
            self.names.add(name)


def ran(program, *left_out):
    """Return what a program computes without some optimisations, and what ran for it."""
    with kbplug.without(*left_out), watched() as jobs:
        found = program.run()
        return found, (program.source, *jobs)


@contextlib.contextmanager
def watched():
    """Note the threads asked for, the parts of batches, and whether lines ran one by one."""
    jobs = []

    def noting(note, inner):
        def call(*args, **keywords):
            jobs.append(note(*args))
            return inner(*args, **keywords)

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool._Pool, "invite", noting(lambda pool, job, number: ("threads", number), pool._Pool.invite))
        patch.setattr(shards._Results, "put", noting(lambda results, *_: "part", shards._Results.put))
        engine = type(kbplug.engine("numpy"))
        patch.setattr(engine, "compile", noting(lambda *_: "compiled", engine.compile))
        yield jobs


def check(program: Program, fired, *, apart=(), kept=(), **bounds):
    """Check a program with all optimisations but those kept ``apart``, and without each other one as well.

    Its plain twin has none but those that are ``kept``.
    """
    plain, _ = ran(program, *(n for n in NAMES if n not in kept))
    whole, how = ran(program, *apart)
    same(whole, plain, "with all optimisations", **bounds)
    for name in NAMES:
        if name not in apart + kept:
            found, without = ran(program, *apart, name)
            same(found, plain, f"without {name}", **bounds)
            fired.look(name, without, how)


def same(found, expected, what, *, within=0, besides=()):
    for i, (a, b) in enumerate(zip(found, expected, strict=True)):
        assert_close(a, b, f"Value {i} {what}", within=within, besides=besides[i] if besides else 0.0)


def sensitivity(program):
    """Return how far each result moves when what the program begins with moves by a unit in its last place."""
    moved = zip(ran(program.nudged(), "all")[0], ran(program, "all")[0], strict=True)
    with np.errstate(invalid="ignore"):
        return [float(np.nanmax(np.where(np.isfinite(b), np.abs(a - b), 0), initial=0.0)) for a, b in moved]


@st.composite
def random_programs(draw, space, steps):
    drawn = draw(graphs(steps=steps, space=space))
    return of_graph(drawn, hidden=draw(st.booleans()), phase=draw(st.booleans()), slopes=draw(st.booleans()))


def exactly(space, steps, **sides):
    """Return a property of programs over a space, that every number is the same; and what fired."""
    fired = Fired()

    @given(random_programs(space, steps))
    def holds(program):
        with small():
            check(program, fired, **sides)

    return holds, fired


ROUNDINGS = 32
"""How many times as much as what a program begins with its roundings may move a result."""


def closely(strategy, *, sizes=small):
    """Return a property of networks, that numbers are the same up to rounding; to the bit where nothing rounds."""
    fired = Fired()

    @given(strategy)
    def holds(program):
        with sizes():
            check(program, fired, within=None, besides=[ROUNDINGS * moved for moved in sensitivity(program)])
            same(ran(program, *ADDING, *LAYING)[0], ran(program, "all")[0], "with nothing that rounds")

    return holds, fired


def searched(found, examples, *, but=(), **keywords):
    """Look for an example that breaks a property, and see that every optimisation but some did something in one."""
    holds, fired = found
    settings(max_examples=examples, **keywords)(holds)()
    missing = set(NAMES) - fired.names - {*but, *ELSEWHERE}
    assert not missing, f"{', '.join(missing)} did nothing in any example."


ELSEWHERE = ("transforms", "heap")
"""What no program here has anything for: convolutions and the allocator have tests of their own."""

GRADIENTS = ("join", "loops")
"""What has something to do where the gradient of a loop is taken."""

LARGE = networks(samples=(8192, 9001), width=64)
"""Networks that run in blocks, shards and threads as they are."""


def test_no_optimisation_changes_a_bit():
    searched(exactly(BATCHES, 12, apart=ADDING, kept=LAYING), 40, but=(*ADDING, *LAYING, *GRADIENTS))


def test_no_optimisation_changes_an_integer():
    searched(exactly(EXACT, 12), 30, but=GRADIENTS)


def test_optimised_networks_differ_by_roundings():
    searched(closely(networks()), 10, but=("specialise", *GRADIENTS))


@pytest.mark.nightly
def test_no_optimisation_changes_a_bit_of_many():
    searched(exactly(BATCHES, 30, apart=ADDING, kept=LAYING), 2000, but=(*ADDING, *LAYING), derandomize=False)


@pytest.mark.nightly
def test_no_optimisation_changes_an_integer_of_many():
    searched(exactly(EXACT, 30), 1000, but=GRADIENTS, derandomize=False)


@pytest.mark.nightly
def test_many_optimised_networks_differ_by_roundings():
    searched(closely(networks()), 400, but=("specialise",), derandomize=False)


@pytest.mark.nightly
def test_large_networks_differ_by_roundings():
    seldom = {"phases": [Phase.generate], "derandomize": False}  # to shrink an example would take hours
    searched(closely(LARGE, sizes=threaded), 10, but=("specialise", *GRADIENTS), **seldom)
