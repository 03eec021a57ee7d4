"""Programs cut at their reductions: the pieces run one after another give what the whole region does."""

import numpy as np
import pytest
from emulator import COMPILER, Emulated, place
from regions import operands, region

from kbplug.graph.op import lookup
from kbplug_cupy.codegen.launch import launch, result_shapes
from kbplug_cupy.codegen.pieces import pieces
from kbplug_cupy.codegen.program import read

max_, sum_, mean, exp = (lookup(n) for n in ("max", "sum", "mean", "exp"))


def _over(op, x):
    return op(x, axis=-1, keepdims=True)


def _softmax(x):
    e = exp(x - _over(max_, x))
    return e / _over(sum_, e)


def test_a_program_is_cut_at_its_reductions():
    found = list(pieces(read(region(_softmax, (2, "float32")))))
    assert [p.reduction for p in found] == ["max", "sum", ""]
    assert not any(p.program.reduces for p in found)


def test_a_reduction_of_an_operand_itself_takes_it_as_it_is():
    (first, *_) = pieces(read(region(lambda x: _over(max_, x) + 1.0, (2, "float32"))))
    assert (first.inputs, len(first.program.values), first.program.outputs) == ((0,), 1, (0,))


def _two_lengths(x, y):
    return _over(sum_, x * x) * y + _over(mean, y)


@pytest.mark.skipif(COMPILER is None, reason="There is no g++ to compile kernels for the CPU.")
@pytest.mark.parametrize("function", [_softmax, _two_lengths])
def test_pieces_compute_the_whole(function, tmp_path):
    count = function.__code__.co_argcount
    program = read(region(function, *((2, "float32"),) * count))
    arrays = [operands((6, 11 + 4 * i), "float32", i) for i in range(count)]
    found = dict(enumerate(arrays))
    for piece in pieces(program):
        taken = [found[p] for p in piece.inputs]
        (shape,) = result_shapes(piece.program, [a.shape for a in taken])
        value = np.empty(shape, "float32")
        made = launch(piece.program, [place(a) for a in (*taken, value)])
        directory = tmp_path / str(piece.place)
        directory.mkdir()
        Emulated([made.kernel], directory).run(made, [*taken, value])
        found[piece.place] = getattr(np, piece.reduction)(value, axis=-1, keepdims=True) if piece.reduction else value
    expected = _softmax_of(*arrays) if count == 1 else _two_lengths_of(*arrays)
    np.testing.assert_allclose(found[program.outputs[0]], expected, rtol=1e-5)


def _softmax_of(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _two_lengths_of(x, y):
    return (x * x).sum(-1, keepdims=True) * y + y.mean(-1, keepdims=True)
