"""Any index that NumPy takes gives what NumPy gives, read, written and differentiated, by the standard alone too."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import kbplug
from kbplug.autodiff import gradients
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec, compatible
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.runtime.function import Function


def tensor(array, *, hidden):
    shape = (None,) * array.ndim if hidden else array.shape
    return Tensor(placeholder(Spec(shape, array.dtype.name)))


@st.composite
def entries(draw, size):
    """Draw what may index a dimension of ``size``; arrays of one index broadcast together."""
    shape = draw(st.sampled_from([(), (2,), (1, 2), (3, 2)]))
    place = st.integers(-size, size - 1)
    bound = st.none() | st.integers(-size - 2, size + 2)
    kinds = [
        place,
        st.builds(slice, bound, bound, st.sampled_from([None, 1, 2, -1, -3])),
        st.lists(place, min_size=int(np.prod(shape)), max_size=6).map(
            lambda drawn: np.array(drawn[: int(np.prod(shape))], dtype="int64").reshape(shape)
        ),
        st.permutations([True, True] + [False] * (size - 2)).map(np.array),
    ]
    return [draw(st.one_of(kinds)), *[None] * draw(st.integers(0, 1))]


@st.composite
def calls(draw):
    """Draw an array, an index for it, and whether sizes are hidden from the graph."""
    shape = tuple(draw(st.lists(st.integers(2, 4), min_size=1, max_size=3)))
    first, last = sorted(draw(st.tuples(st.integers(0, len(shape)), st.integers(0, len(shape)))))
    key = [e for n in shape[:first] for e in draw(entries(n))]
    if draw(st.booleans()):
        key += [..., *(e for n in shape[last:] for e in draw(entries(n)))]
    return np.arange(1.0, np.prod(shape) + 1).reshape(shape), tuple(key), draw(st.booleans())


@settings(max_examples=60, deadline=None)
@given(calls())
def test_any_index_is_numpys(call):
    data, key, hidden = call
    arrays = [k for k in key if isinstance(k, np.ndarray)]
    x, operands = tensor(data, hidden=hidden), [tensor(a, hidden=hidden) for a in arrays]
    rest = iter(operands)
    index = tuple(next(rest) if isinstance(k, np.ndarray) else k for k in key)

    expected = data[key]
    value = np.arange(expected.size, dtype="float64").reshape(expected.shape) - 0.5
    written, slope = data.copy(), np.zeros_like(data)
    written[key] = value
    np.add.at(slope, key, 2 * expected)

    part, changed = x[index], Tensor(x.node)
    changed[index] = value
    assert compatible(part.shape, expected.shape)
    run = Function([x, *operands], [part, changed, *gradients(xp.sum(part * part), [x])])
    for engine in ("numpy", "strict"):
        with kbplug.engine_scope(engine):
            for found, wanted in zip(run([data, *arrays]), (expected, written, slope), strict=True):
                np.testing.assert_array_equal(found, wanted)
