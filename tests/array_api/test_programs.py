"""The very same program, in the words of the standard, on NumPy at once and on lazy tensors: dtype, shape and value.

It is run on concrete tensors, traced by ``jit``, and traced on placeholders of unknown sizes. Where kbplug differs from
NumPy on purpose, having no views, the programs show no difference: see ``array_api.programs``.
"""

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import kbplug.array_api as xp
from array_api.programs import programs
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.runtime.function import Function
from kbplug.testing.application import quiet
from kbplug.testing.closeness import assert_close

SLOW = [HealthCheck.too_slow]  # a program is run while it is drawn


def check(program):
    """Check every way of running a program against NumPy."""
    function = program.function()
    for way in ways(program.source):
        with quiet():
            found = way(function, program.inputs)
        for name, value in zip(program.returned, found, strict=True):
            assert type(value) is np.ndarray
            assert_close(value, program.values[name], f"{name}, {way.__name__},")


def ways(source):
    """Return the ways to run a program; unstack cannot be traced where a size is unknown, as it is after a mask."""
    if "unstack" not in source:
        return [concrete, compiled, placed]
    return [concrete] if re.search(r"nonzero|> 0\]|(True|False)\]", source) else [concrete, compiled]


def concrete(function, inputs):
    """Run on tensors that have values, and ask for the values in the end."""
    return [t.value() for t in function(xp, *map(xp.asarray, inputs))]


def compiled(function, inputs):
    """Trace with all sizes known and run."""
    return xp.jit(lambda *arrays: function(xp, *arrays))(*inputs)


def placed(function, inputs):
    """Trace with all sizes of the inputs unknown and run."""
    tensors = [Tensor(placeholder(Spec((None,) * a.ndim, a.dtype.name))) for a in inputs]
    return Function(tensors, function(xp, *(Tensor(t.node) for t in tensors)))(inputs)


@given(programs())
@settings(max_examples=200, suppress_health_check=SLOW)
def test_a_program_comes_to_the_same_at_once_and_lazily(program):
    check(program)


@pytest.mark.nightly
@given(programs(steps=20))
@settings(max_examples=5000, derandomize=False, suppress_health_check=SLOW)
def test_many_programs_come_to_the_same(program):
    check(program)


def test_the_programs_drawn_are_worth_drawing():
    lengths, text = [], []

    @given(programs())
    @settings(max_examples=150, suppress_health_check=SLOW)
    def look(program):
        lengths.append(len(program.lines))
        text.extend(program.lines)

    look()
    assert max(lengths) > 8
    assert np.median(lengths) > 2
    assert len(set(re.findall(r"xp\.[a-z_.]+(?=\()", "\n".join(text)))) > 60
    kinds = {
        "integer": r"v\d+\[-?\d+[\],]",
        "backward slice": r"\[[^\]]*:-\d",
        "ellipsis": r"v\d+\[[^\]]*\.\.\.",
        "new axis": r"v\d+\[[^\]]*None",
        "integer array": r"v\d+\[.*xp\.asarray\(\[-?\d",
        "mask": r"v\d+\[(.*xp\.asarray\(\[(True|False)|v\d+ > 0)",
        "assignment": r"^v\d+\[.*\] = ",
        "part in place": r"^v\d+\[.*\] \+= ",
        "in place": r"^v\d+ [+*/&-]= ",
        "reflected": r"= (-?\d[\d.]*|\(.*\)|True|False) [-+*/&|^<>=!]+ v\d+$",
    }
    assert [kind for kind, pattern in kinds.items() if not any(re.search(pattern, line) for line in text)] == []
