"""The emitted source: readable, and traceable to the line of the user that built a node."""

import re
import traceback
from pathlib import Path

import numpy as np
import pytest

import kbplug
import kbplug.array_api
from kbplug import backend as K
from kbplug.engines.numpy.engine import NumpyEngine
from kbplug.runtime.interpret import run_graph

LINES = Path(__file__).read_text(encoding="utf-8").splitlines()


def test_the_source_reads_like_a_program():
    x, w = K.placeholder((4, 3)), K.placeholder((3, 2))
    source = K.function([x, w], [K.tanh(K.dot(x, w)) + 1.0]).source()
    lines = [line.strip() for line in source.splitlines() if line.strip() and not line.strip().startswith("del")]
    assert lines == [
        "def run(v0, v1):",
        "v2 = k_matmul_dot(v0, v1)",
        "v3 = xp_tanh(v2, v2)",
        "v5 = xp_add(v3, c1, v3)",
        "return (v5,)",
    ]


def test_an_error_inside_names_the_users_line_and_shows_the_emitted_one():
    x, y = K.placeholder((None, None)), K.placeholder((None, None))
    total = K.dot(x, y)
    call = K.function([x, y], [K.exp(total)])
    with pytest.raises(ValueError, match="core dimension") as caught:
        call([np.ones((2, 3)), np.ones((2, 3))])
    (note,) = caught.value.__notes__
    assert re.fullmatch(r"This happened in matmul float32\[\?, \?\], built at .*test_emit.py:\d+.", note)
    assert line_of(note) == "total = K.dot(x, y)"
    assert "xp_matmul(v0, v1)" in "".join(traceback.format_exception(caught.value))


def line_of(note):
    return LINES[int(note.rstrip(".").rsplit(":", 1)[1]) - 1].strip()


def test_an_error_inside_a_region_names_the_op_and_the_line_of_the_whole():
    x, y = K.placeholder((None,)), K.placeholder((None,))
    total = x + y
    call = K.function([x, y], [K.exp(total)])
    with pytest.raises(ValueError, match="broadcast") as caught:
        call([[1.0, 2.0], [1.0, 2.0, 3.0]])
    (note,) = caught.value.__notes__
    assert note.startswith("This happened in add float32[?], part of fused float32[?], built at ")
    assert line_of(note) == "call = K.function([x, y], [K.exp(total)])"
    assert "xp_add(v0, v1)" in "".join(traceback.format_exception(caught.value))


def test_an_error_in_a_gradient_names_the_line_of_the_op_it_derives():
    class Failing(NumpyEngine):
        name = "failing"

        @staticmethod
        def _sinh(x):
            raise RuntimeError("planted")

        kernels = {**NumpyEngine.kernels, "sinh": _sinh}

    x = K.placeholder(())
    y = kbplug.array_api.cosh(x)
    (slope,) = K.gradients(y, [x])
    with kbplug.engine_scope(Failing()), pytest.raises(RuntimeError, match="planted") as caught:
        K.function([x], [slope])([1.0])
    assert "built at" in caught.value.__notes__[0]
    line = int(caught.value.__notes__[0].rstrip(".").rsplit(":", 1)[1])
    assert "cosh" in LINES[line - 1]


def test_sizes_are_integers_in_the_source_and_arrays_where_numbers_are_needed():
    x = K.placeholder((None, 6))
    rows = K.shape(x)[0]
    halves = K.reshape(x, (rows * 2, 3))
    scaled = K.sum(x) / K.cast(rows, "float32")
    call = K.function([x], [halves, scaled])
    assert ".shape[0]" in call.source()
    assert "size_multiply" in call.source()
    given = np.arange(12, dtype="float32").reshape(2, 6)
    found = call([given])
    np.testing.assert_array_equal(found[0], given.reshape(4, 3))
    assert found[1] == given.sum() / 2


def test_a_buffer_is_written_over_only_when_nothing_else_needs_it():
    x = K.placeholder((4,))
    a = K.exp(x)
    b = K.tanh(a)
    call = K.function([x], [b, a + b])
    assert "xp_tanh(v1)" in call.source()
    given = np.array([0.1, 0.2, 0.3, 0.4], dtype="float32")
    found = call([given])
    np.testing.assert_array_equal(found[0], np.tanh(np.exp(given)))
    np.testing.assert_array_equal(found[1], np.exp(given) + np.tanh(np.exp(given)))


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_a_keyword_takes_the_buffer_where_its_place_is_deprecated(name):
    x = K.placeholder((3,))
    call = K.function([x], [getattr(K, name)(K.exp(x), 2.0)])
    assert f"xp_{name}(v1, c1, out=v1)" in call.source()
    given = np.array([0.0, 0.5, 1.0], dtype="float32")
    np.testing.assert_array_equal(call([given])[0], getattr(np, name)(np.exp(given), np.float32(2)))


class Fusing(NumpyEngine):
    """Runs a region node by node, and then into the buffer it is given."""

    name = "fusing"
    in_place = {"fused": "out"}

    def fuse(self, region):
        def run(*arrays, out=None):
            (found,) = run_graph(region, arrays, self, {})
            return found if out is None else np.copyto(out, found) or out

        return run


def test_a_region_is_written_over_an_operand_that_nothing_else_needs():
    x, w = K.placeholder((2, 3)), K.placeholder((3, 2))
    f = K.function([x, w], [K.softmax(K.dot(x, w)) * 2.0 + 1.0])
    with kbplug.engine_scope(Fusing()):
        assert re.search(r"v\d+ = k_fused_\d+\((v\d+), out=\1\)", f.source())
        found = f([np.ones((2, 3)), np.eye(3)[:, :2]])[0]
    np.testing.assert_allclose(found, f([np.ones((2, 3)), np.eye(3)[:, :2]])[0])


def test_a_region_is_not_written_over_an_input_or_what_is_needed_later():
    x = K.placeholder((2, 2))
    y = K.dot(x, x)
    f = K.function([x], [K.tanh(x) * 2.0, K.tanh(y) * 2.0, y])
    with kbplug.engine_scope(Fusing()):
        assert f.source().count("k_fused_") == 2
        assert "out=" not in f.source()
