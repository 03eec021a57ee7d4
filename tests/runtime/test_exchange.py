"""Values that change hands keep shape, dtype and elements, and nobody can write into what somebody else holds."""

import contextlib
import importlib
import io

import numpy as np
import pytest

import kbplug
from kbplug import backend as K
from kbplug import plugins
from kbplug.engine import Engine
from kbplug.errors import ArgumentError, DTypeError, EngineError, FeedError
from kbplug.graph.spec import Spec
from kbplug.ops import REGISTRY
from kbplug.runtime import exchange, values
from kbplug.testing.application import apply, quiet
from kbplug.testing.samples import samples

NAMES = ("numpy", "strict", "torch", "jax")
DTYPES = ("bool", "int8", "uint8", "int64", "uint32", "float16", "float32", "float64", "complex64", "complex128")


def read_only(x):
    y = x.copy()
    y.setflags(write=False)
    return y


LAYOUTS = {
    "plain": lambda x: x,
    "transposed": lambda x: x.T,
    "strided": lambda x: x[::2, 1::2],
    "offset": lambda x: x[1:, 1:],
    "reversed": lambda x: x[::-1, ::-1],
    "broadcast": lambda x: np.broadcast_to(x[:1], (3, 4)),
    "no rows": lambda x: x[:0],
    "no columns": lambda x: x[:, :0].T,
    "one by one": lambda x: x[:1, :1],
    "0-d": lambda x: x[0, 1, ...],
    "read-only": read_only,
}


def numbers(dtype):
    x = np.arange(12).reshape(3, 4)
    if dtype.startswith("complex"):
        return (x + 1j * (x - 5)).astype(dtype)
    return (x % 2 if dtype == "bool" else x).astype(dtype)


def engine(name):
    if name != "numpy":
        library = "array_api_strict" if name == "strict" else name
        pytest.importorskip(library, reason=f"{library} is not installed here")
        pytest.importorskip(f"kbplug_{name}", reason=f"kbplug-{name} is not installed here")
    return plugins.engine(name)


def spec_of(x):
    return Spec(x.shape, x.dtype.name)


def same(found, expected):
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("source", NAMES)
@pytest.mark.parametrize("target", NAMES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_an_array_of_any_layout_moves_between_engines(source, target, dtype):
    first, second = engine(source), engine(target)
    if {dtype} - first.capabilities.dtypes - second.capabilities.dtypes:
        pytest.skip(f"neither engine promises {dtype}")
    if dtype not in first.capabilities.dtypes & second.capabilities.dtypes and "strict" in (source, target):
        pytest.skip(f"array-api-strict has no {dtype}")
    for view in LAYOUTS.values():
        given = view(numbers(dtype))
        expected = given.copy()
        inside = first.from_numpy(given)
        moved = exchange.move(inside, spec_of(given), first, second)
        assert tuple(moved.shape) == given.shape
        same(np.asarray(second.to_numpy(moved)), expected)
        same(np.asarray(second.to_numpy(exchange.move(given, spec_of(given), None, second))), expected)


@pytest.mark.parametrize("source", NAMES)
@pytest.mark.parametrize("target", NAMES)
def test_what_was_moved_shares_no_memory(source, target):
    first, second = engine(source), engine(target)
    for view in LAYOUTS.values():
        given = view(np.ones((3, 4)))
        inside = first.from_numpy(given)
        moved = exchange.move(inside, spec_of(given), first, second)
        if not given.flags.writeable:
            continue
        given[...] = 7
        if source in ("strict", "torch"):
            inside[...] = 7
        same(np.asarray(second.to_numpy(moved)), np.ones(given.shape))


def views_of(library):
    x = library.reshape(library.asarray([1 + 2j, 3 - 4j, 0j, 5 + 0j, 6j, -1 - 1j]), (2, 3))
    yield from (x, x.T, library.conj(x), library.conj(x).T, x[:, 1:], x[:, ::2], x[:0, :], x[0, 0])
    yield from (library.imag(library.conj(x)), library.real(x).T, library.broadcast_to(x[:1, :], (4, 3)))


@pytest.mark.parametrize("source", ["torch", "jax", "array_api_strict"])
@pytest.mark.parametrize("target", NAMES)
def test_views_that_a_library_made_are_fed_as_they_are(source, target):
    library = pytest.importorskip(source, reason=f"{source} is not installed here")
    if source == "torch":
        library = importlib.import_module("array_api_compat.torch")
    if source == "jax":
        library = importlib.import_module("jax.numpy")
    chosen = engine(target)
    for x in views_of(library):
        host = values.host_array(x)
        given = K.placeholder(host.shape, dtype=host.dtype.name)
        with kbplug.engine_scope(chosen):
            found = K.function([given], [given + 0])([x])[0]
        same(found, host)


def test_lazily_conjugated_and_negated_tensors_have_the_values_they_stand_for():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed here")
    x = torch.tensor([1 + 2j, 3 - 4j])
    assert values.host_array(x.conj()).tolist() == [1 - 2j, 3 + 4j]
    assert values.host_array(x.conj().imag).tolist() == [-2, 4]
    assert values.host_array(x.clone().requires_grad_()).tolist() == [1 + 2j, 3 - 4j]


def test_bfloat16_moves_where_both_libraries_have_it_and_is_refused_in_one_sentence_elsewhere():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed here")
    x = torch.arange(6).to(torch.bfloat16).reshape(2, 3).T
    spec = Spec((3, 2), "bfloat16")
    again = exchange.move(x, spec, engine("torch"), engine("torch"))
    assert again.dtype == torch.bfloat16
    assert again.tolist() == x.tolist()
    with pytest.raises(DTypeError, match="bfloat16 cannot move from the engine 'torch' to the engine 'numpy'; cast"):
        exchange.move(x, spec, engine("torch"), engine("numpy"))
    there = exchange.move(x, spec, engine("torch"), engine("jax"))
    assert there.dtype.name == "bfloat16"
    assert there.tolist() == x.tolist()
    assert exchange.move(there, spec, engine("jax"), engine("torch")).tolist() == x.tolist()


class Refusing:
    """An array that speaks DLPack to nobody, but can be read."""

    def __init__(self, values):
        self.values = values

    def __dlpack__(self, **_):
        raise RuntimeError("The strides are not compact.")

    def __dlpack_device__(self):
        return (1, 0)

    def __array__(self, dtype=None, copy=None):
        return self.values


@pytest.mark.parametrize("name", NAMES)
def test_an_array_that_dlpack_refuses_goes_by_numpy(name):
    x = K.placeholder((2,), dtype="float32")
    with kbplug.engine_scope(engine(name)):
        found = K.function([x], [x * 2])([Refusing(np.asarray([1, 2], "float32"))])[0]
    assert found.tolist() == [2, 4]


@pytest.mark.parametrize("name", NAMES)
def test_a_foreign_array_that_does_not_fit_is_cast_or_refused_as_a_numpy_array_is(name):
    xp = importlib.import_module("array_api_strict")
    x = K.placeholder((2,), dtype="float32", name="images")
    f = K.function([x], [x * 2])
    with kbplug.engine_scope(engine(name)):
        assert f([xp.asarray([1, 2])])[0].dtype == np.float32
        with pytest.raises(FeedError, match=r"images.* expects the shape \(2,\), but was given \(3,\)"):
            f([xp.asarray([1.0, 2.0, 3.0])])
        with pytest.raises(FeedError, match="A tensor stands where a value is expected"):
            f([K.constant([1.0, 2.0])])


@pytest.mark.parametrize("name", NAMES)
def test_masked_elements_are_fed_to_no_engine(name):
    x = K.placeholder((2,))
    total = K.function([x], [K.sum(x)])
    with kbplug.engine_scope(engine(name)), pytest.raises(FeedError, match="masked elements has no value there"):
        total([np.ma.array([1.0, 2.0], "float32", mask=[False, True])])


def test_an_array_of_another_device_is_fed():
    xp = importlib.import_module("array_api_strict")
    there = xp.asarray([1.0, 2.0], device=xp.Device("device1"))
    assert values.host_array(there).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("name", NAMES)
def test_an_update_shares_no_memory_with_what_was_fed(name):
    x, c = K.placeholder((2, 3), dtype="float32"), K.placeholder((), dtype="bool")
    ways = (x, K.transpose(K.transpose(x)), x[:, ::-1], K.switch(c, lambda: x, lambda: x + 1))
    with kbplug.engine_scope(engine(name)):
        for way in ways:
            w, given = K.zeros((2, 3)), np.ones((2, 3), "float32")
            (result,) = K.function([x, c], [way], updates=[(w, way)])([given, True])
            given[...] = 9
            same(K.get_value(w), np.ones((2, 3), "float32"))
            same(result, np.ones((2, 3), "float32"))
            result[...] = 8
            same(K.get_value(w), np.ones((2, 3), "float32"))


def memory(array):
    """Return NumPy's view of an engine's array of main memory."""
    if hasattr(array, "_array"):
        return array._array
    if hasattr(array, "resolve_conj"):
        torch = importlib.import_module("torch")
        array = torch.conj(array) if array.is_conj() else array
        return torch.view_as_real(array).numpy() if array.is_complex() else array.numpy()
    return array


@pytest.mark.parametrize("name", ["numpy", "strict", "torch"])
def test_results_of_every_op_that_share_memory_with_inputs_are_known(name):
    chosen = engine(name)
    wrong = []
    for op, listed in samples().items():
        for i, sample in enumerate(listed):
            found = apply(REGISTRY[op], sample)
            if {t.dtype for t in (*found.inputs, *found.outputs)} - chosen.capabilities.dtypes:
                continue
            executable = K.function(found.inputs, found.outputs).executable(chosen)
            if len(executable.graph.inputs) > len(found.values):  # it reads a cell
                continue
            inputs = [chosen.from_numpy(np.array(v)) for v in found.values]
            with contextlib.redirect_stdout(io.StringIO()), quiet():
                outputs = executable.run(*inputs)
            wrong += [
                f"{op} {i}"
                for j, y in enumerate(outputs)
                if j not in executable.shared and any(np.shares_memory(memory(y), memory(x)) for x in inputs)
            ]
    assert not wrong


def test_an_engine_that_copies_nothing_says_so():
    class Poor(Engine):
        name = "poor"

        class xp:
            @staticmethod
            def asarray(x):
                return x

    with pytest.raises(EngineError, match="The engine 'poor' copies no array"):
        exchange.copied(np.ones(2), Poor())


def test_what_is_no_array_is_refused_in_one_sentence():
    class Broken(Refusing):
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("It is gone.")

    with pytest.raises(ArgumentError, match="A Broken does not become an array"):
        values.host_array(Broken(None))
