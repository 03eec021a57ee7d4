"""Regions run block by block: the same numbers as in one piece, whatever the shapes, layouts and threads."""

import numpy as np
import pytest
from hypothesis import given, settings

from kbplug import backend as K
from kbplug.engines.numpy import blocks, pool
from kbplug.engines.numpy.blocks import arrange, loops_of, rows, spans
from kbplug.graph.op import lookup
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.runtime.function import Function
from kbplug.testing.application import run
from kbplug.testing.closeness import assert_close
from kbplug.testing.graphs import graphs


@pytest.fixture(params=[1, 3], ids=["alone", "together"])
def tiny(request, monkeypatch):
    """Blocks of a few elements, on one thread or three."""
    _shrink(monkeypatch, request.param)


def _shrink(patch, workers):
    for name in ("SMALL", "THREADED"):
        patch.setattr(blocks, name, 1)
    for name in ("ALONE", "TOGETHER", "IN_ROWS", "BESIDE"):
        patch.setattr(blocks, name, 48)
    patch.setattr(pool, "workers", lambda: workers)


def random(*shape, dtype="float64"):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


def softmax(x):
    shifted = np.exp(x - x.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


CASES = {
    "chain": (lambda x: xp.tanh(x * 2 + 1), lambda x: np.tanh(x * 2 + 1), [(7,)]),
    "matrix": (lambda x: xp.exp(x) * x, lambda x: np.exp(x) * x, [(5, 9)]),
    "bias": (lambda x, b: xp.tanh(x + b), lambda x, b: np.tanh(x + b), [(5, 9), (9,)]),
    "bias of rows": (lambda x, b: xp.tanh(x + b), lambda x, b: np.tanh(x + b), [(5, 9), (5, 1)]),
    "whole bias": (lambda x, b: xp.tanh(x + b), lambda x, b: np.tanh(x + b), [(4, 5, 9), (1, 1, 9)]),
    "bias between": (lambda x, b: xp.tanh(x + b), lambda x, b: np.tanh(x + b), [(4, 5, 9), (4, 1, 9)]),
    "bias below": (lambda x, b: xp.tanh(x + b), lambda x, b: np.tanh(x + b), [(4, 5, 9), (5, 9)]),
    "outer": (lambda x, b: xp.tanh(x * b), lambda x, b: np.tanh(x * b), [(6, 1), (1, 7)]),
    "number": (lambda x, b: xp.tanh(x * b), lambda x, b: np.tanh(x * b), [(6, 5), ()]),
    "number of one dimension": (lambda x, b: xp.tanh(x * b), lambda x, b: np.tanh(x * b), [(6, 5), (1,)]),
    "softmax": (K.softmax, softmax, [(6, 5)]),
    "softmax of three dimensions": (K.softmax, softmax, [(3, 4, 5)]),
    "softmax with bias": (lambda x, b: K.softmax(x + b), lambda x, b: softmax(x + b), [(3, 4, 5), (4, 1)]),
    "rows": (
        lambda x: xp.log(xp.sum(xp.exp(x), axis=-1, keepdims=True)),
        lambda x: np.log(np.exp(x).sum(-1, keepdims=True)),
        [(3, 4, 5)],
    ),
    "taken and put": (
        lambda x: (
            xp.take_along_axis(xp.exp(x), lookup("argmax")(x, axis=-1, keepdims=True)) * 2
            + lookup("one_in_row")(x[:, :1] * 3, lookup("argmin")(x, axis=-1, keepdims=True), size=5)
        ),
        lambda x: 2 * np.exp(x.max(-1, keepdims=True)) + np.where(x == x.min(-1, keepdims=True), 3 * x[:, :1], 0),
        [(6, 5)],
    ),
    "sum of rows": (lambda x: xp.sum(xp.exp(x) * 2, axis=0), lambda x: (np.exp(x) * 2).sum(0), [(6, 5)]),
    "sum of all rows": (
        lambda x, b: xp.sum(xp.exp(x) * b, axis=(1, 0)),
        lambda x, b: (np.exp(x) * b).sum((0, 1)),
        [(3, 4, 5), (5,)],
    ),
    "sum of rows that are all one": (
        lambda x, b: xp.sum(xp.exp(b) * 2, axis=0) + xp.sum(x * b, axis=0),
        lambda x, b: (np.exp(b) * 2).sum(0) + (x * b).sum(0),
        [(6, 5), (1, 5)],
    ),
    "a result that all blocks share": (
        lambda x, b: xp.sum(xp.tanh(xp.exp(b) * 2) + x, axis=0) + (xp.exp(b) * 2)[0],
        lambda x, b: (np.tanh(np.exp(b) * 2) + x).sum(0) + (np.exp(b) * 2)[0],
        [(64, 5), (1, 5)],
    ),
    "sums of products": (
        lambda x, y: (
            xp.sum(x * y, axis=-1, keepdims=True)
            + x * xp.mean(y * y, axis=-1, keepdims=True)
            + xp.sum(x * xp.exp(y), axis=-1, keepdims=True) * y
        ),
        lambda x, y: (
            (x * y).sum(-1, keepdims=True)
            + x * (y * y).mean(-1, keepdims=True)
            + (x * np.exp(y)).sum(-1, keepdims=True) * y
        ),
        [(3, 4, 5), (3, 4, 5)],
    ),
    "comparison": (lambda x: (x * 2 > 1) & (x < 3), lambda x: (x * 2 > 1) & (x < 3), [(6, 5)]),
    "one row": (lambda x: xp.tanh(x * 2), lambda x: np.tanh(x * 2), [(1, 50)]),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_a_region_by_blocks(tiny, monkeypatch, name, known):
    make, expected, shapes = CASES[name]
    given_ = [random(*s) for s in shapes]
    inputs = [K.placeholder(s if known else [None] * len(s), dtype="float64") for s in shapes]
    f = K.function(inputs, [make(*inputs)])
    assert "k_fused_1" in f.source()
    used = []
    monkeypatch.setattr(blocks.Blocks, "_by_blocks", _watched(blocks.Blocks._by_blocks, used))
    np.testing.assert_allclose(f(given_)[0], expected(*given_), rtol=1e-14)
    assert used


def _watched(method, used):
    def watched(self, arrays, cut):
        used.append(len(arrays))
        return method(self, arrays, cut)

    return watched


def test_a_single_row_is_never_cut(tiny):
    x = K.placeholder((None,), dtype="float64")
    a = random(50)
    np.testing.assert_allclose(K.function([x], [K.softmax(x)])([a])[0], softmax(a), rtol=1e-14)


def test_other_layouts(tiny):
    x, y = K.placeholder((None, None), dtype="float64"), K.placeholder((None, None), dtype="float64")
    f = K.function([x, y], [xp.tanh(x * y + 1)])
    a = random(6, 8)
    for b in (a[::-1], a[:, ::-1], np.asfortranarray(a), random(8, 6).T, np.repeat(a, 2, axis=1)[:, ::2]):
        np.testing.assert_allclose(f([a, b])[0], np.tanh(a * b + 1), rtol=1e-14)
        np.testing.assert_allclose(f([b, a])[0], np.tanh(a * b + 1), rtol=1e-14)


def test_no_elements(tiny):
    x = K.placeholder((None, None))
    f = K.function([x], [xp.tanh(x * 2)])
    for shape in ((0, 3), (3, 0), (0, 0)):
        assert f([np.zeros(shape)])[0].shape == shape


def test_a_large_operand_of_an_empty_result():
    x, y = K.placeholder((None, 1)), K.placeholder((1, None))
    f = K.function([x, y], [xp.exp(x + y) * 2])
    assert f([np.ones((blocks.SMALL, 1), "float32"), np.ones((1, 0), "float32")])[0].shape == (blocks.SMALL, 0)


def test_results_are_arrays_of_their_own(tiny):
    x = K.placeholder((None,), dtype="float64")
    f = K.function([x], [xp.tanh(x * 2)])
    a = random(20)
    first = f([a])[0]
    kept = first.copy()
    f([a + 1])
    np.testing.assert_array_equal(first, kept)


def test_a_region_within_a_region_of_threads(monkeypatch):
    _shrink(monkeypatch, 2)
    x = K.placeholder((None,), dtype="float64")
    f = K.function([x], [xp.tanh(x * 2)])
    a, found = random(20), [None] * 4

    def task(i):
        found[i] = f([a + i])[0]

    pool.run([lambda i=i: task(i) for i in range(4)])
    for i in range(4):
        np.testing.assert_allclose(found[i], np.tanh((a + i) * 2), rtol=1e-14)


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_random_graphs_by_blocks(drawn):
    plain = {}
    for key, workers in ((None, 1), ("alone", 1), ("together", 3)):
        with pytest.MonkeyPatch.context() as patch:
            if key:
                _shrink(patch, workers)
            inputs, outputs = ([Tensor(n) for n in nodes] for nodes in (drawn.hidden.inputs, drawn.hidden.outputs))
            plain[key] = run(inputs, outputs, drawn.values, "numpy")
    for key in ("alone", "together"):
        for i, (a, b) in enumerate(zip(plain[key], plain[None], strict=True)):
            assert_close(a, b, f"Output {i} by blocks, {key}")


def test_small_and_static_regions_stay_as_they_are():
    x = K.placeholder((16, 16))
    assert "k_fused" not in K.function([x], [xp.tanh(x * 2)]).source()
    x = K.placeholder((512, 512))
    source = K.function([x], [xp.tanh(x * 2)]).source()
    assert source.index("v1 = k_fused_1(v0)") < source.index("def k_fused_1(v0):\n")


def test_an_error_inside_names_the_users_line(tiny, monkeypatch):
    x = Tensor(K.placeholder((None,), dtype="float64").node)
    y = xp.logaddexp(x * 2, x)
    f = Function([x], [y])
    region = next(v for k, v in f.executable().program.run.__globals__.items() if k.startswith("k_fused"))
    for emitted in (region._into, region._run):
        monkeypatch.setitem(emitted.__globals__, "k_logaddexp", lambda *arrays, **into: 1 / 0)
        with pytest.raises(ZeroDivisionError) as caught:
            f([random(20)])
        assert "logaddexp" in caught.value.__notes__[0]
        assert "test_blocks.py" in caught.value.__notes__[0]
        monkeypatch.setattr(blocks, "SMALL", 1 << 16)


def test_how_operands_are_cut():
    full, row, column, number = np.zeros((4, 5, 9)), np.zeros(9), np.zeros((4, 5, 1)), np.zeros(())
    cut = arrange([full, number], [(4, 5, 9)], flat=True)
    assert (cut.merged, cut.length, cut.piece((4, 5, 9), 7), cut.piece((), 7)) == (3, 180, (7,), ())
    cut = arrange([full, row, column, number], [(4, 5, 9), (4, 5, 1)], flat=True)
    assert (cut.merged, cut.length) == (2, 20)
    assert [cut.piece(a.shape, 3) for a in (full, row, column, number)] == [(3, 9), (9,), (3, 1), ()]
    cut = arrange([full, np.zeros((5, 9))], [(4, 5, 9)], flat=True)
    assert (cut.merged, cut.length, cut.piece((5, 9), 2)) == (1, 4, (5, 9))
    cut = arrange([full, np.zeros((1, 1, 9))], [(4, 5, 1)], flat=False)
    assert (cut.merged, cut.piece((1, 1, 9), 2)) == (2, (1, 9))
    cut = arrange([full[:, :, ::2]], [(4, 5, 5)], flat=True)
    assert (cut.merged, cut.length) == (1, 4), "without a copy"
    assert arrange([row], [(9,)], flat=False) is None, "a single row"
    cut = arrange([column, np.zeros((4, 5, 3)), full], [(4, 5, 3), (4, 5, 9)], flat=False)
    assert cut.merged == 2, "rows of two lengths"
    with pytest.raises(ValueError, match="broadcast"):
        arrange([full, np.zeros((3, 5, 9))], [], flat=False)


def test_how_large_a_block_is():
    assert rows(10**6, 4 * 10**6, 1, 1 << 18) == 1 << 16
    assert rows(10**5, 4 * 10**5, 2, 1 << 18) == 50_000, "every thread gets a part"
    assert rows(3, 3 * 10**9, 2, 1 << 18) == 1
    assert list(spans(10, 4)) == [(0, 4), (4, 8), (8, 10)]


@pytest.mark.parametrize(("row", "buffer"), [(1000, 1008), (256, 256), (8192, 8192), (5, blocks.SHORT_LOOPS)])
def test_numpys_buffer_holds_one_row_while_blocks_run(row, buffer):
    usual = np.getbufsize()
    with loops_of(row):
        assert np.getbufsize() == buffer
    with loops_of(9000):
        assert np.getbufsize() == usual
    assert np.getbufsize() == usual


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("length", [40, 300, 1000, 5000])
def test_numpys_buffer_changes_no_bit(length, dtype):
    x, column = random(9, length, dtype=dtype), random(9, 1, dtype=dtype)

    def computed():
        return [
            x * column + x[0],
            np.mean(x, axis=-1),
            np.sum(x, axis=0),
            np.max(x, axis=-1),
            np.where(x > column, x, 0),
        ]

    usual = computed()
    with loops_of(length):
        for found, expected in zip(computed(), usual, strict=True):
            np.testing.assert_array_equal(found, expected)
