"""``kbplug.array_api`` as a library finds it: through ``x.__array_namespace__()``."""

import copy
import inspect
import math
import pickle

import array_api_compat
import array_api_strict
import numpy as np
import pytest

import kbplug.array_api as xp
from kbplug.errors import ArgumentError, BoundsError, DTypeError, ShapeError
from kbplug.graph.tensor import tensor

STANDARD = list(array_api_strict.__array_namespace_info__().dtypes())


def test_a_tensor_names_its_namespace():
    x = xp.asarray([1.0, 2.0])
    assert x.__array_namespace__() is xp
    assert x.__array_namespace__(api_version="2022.12") is xp
    assert array_api_compat.array_namespace(x, xp.asarray(1)) is xp
    assert xp.__name__ == "kbplug.array_api"
    assert xp.__array_api_version__ == "2025.12"
    assert (xp.e, xp.pi, xp.inf, xp.newaxis) == (math.e, math.pi, math.inf, None)
    with pytest.raises(ArgumentError, match=r"does not know version '2019\.12'"):
        x.__array_namespace__(api_version="2019.12")
    with pytest.raises(AttributeError, match="no function 'frobnicate'"):
        xp.frobnicate  # noqa: B018


def test_dir_lists_what_the_standard_and_kbplug_offer():
    names = dir(xp)
    assert {"sum", "linalg", "fft", "special", "float32", "asarray", "jit", "grad", "vmap", "pi"} <= set(names)
    assert [name for name in names if not hasattr(xp, name)] == []
    assert not {"Any", "placeholder", "transforms"} & set(names)


@pytest.mark.parametrize(
    ("extension", "some"), [("linalg", {"det", "matmul"}), ("fft", {"rfft"}), ("special", {"erf"})]
)
def test_dir_of_an_extension_lists_its_functions_alone(extension, some):
    names = dir(getattr(xp, extension))
    assert some <= set(names)
    assert all(callable(getattr(getattr(xp, extension), name)) for name in names)
    assert not {"_prefix", "pi", "sum"} & set(names)


def test_python_can_say_which_name_was_meant():
    with pytest.raises(AttributeError) as caught:
        xp.linalg.detr  # noqa: B018
    assert (caught.value.name, "det" in dir(caught.value.obj)) == ("detr", True)


@pytest.mark.parametrize("name", STANDARD)
def test_a_dtype_is_an_object_that_equals_its_name(name):
    dtype = getattr(xp, name)
    assert not isinstance(dtype, str)
    assert dtype == name
    assert name == dtype
    assert dtype == np.dtype(name)
    assert hash(dtype) == hash(name)
    assert {name: 1}[dtype] == {dtype: 1}[name] == 1
    assert (str(dtype), repr(dtype)) == (name, f"kbplug.array_api.{name}")
    assert [other == dtype for other in STANDARD].count(True) == 1
    assert copy.deepcopy(dtype) == pickle.loads(pickle.dumps(dtype)) == dtype  # noqa: S301
    assert xp.zeros(2, dtype=dtype).dtype == dtype
    assert xp.zeros(2, dtype=dtype).node is xp.zeros(2, dtype=name).node
    assert xp.astype(xp.zeros(2, dtype="bool"), dtype).dtype == dtype
    assert xp.isdtype(dtype, dtype)
    assert xp.isdtype(dtype, (dtype, "bool"))
    assert xp.__array_namespace_info__().dtypes()[name] is dtype
    assert xp.result_type(dtype) == dtype


def test_limits_name_their_dtype_by_the_object():
    assert xp.finfo("complex64").dtype is xp.float32
    assert xp.iinfo(xp.asarray(1)).dtype is xp.int64
    assert xp.finfo(xp.float64).eps == np.finfo("float64").eps


def test_dtypes_of_one_kind():
    info = xp.__array_namespace_info__()
    assert info.dtypes(kind="real floating") == {"float32": xp.float32, "float64": xp.float64}
    assert info.default_dtypes()["complex floating"] is xp.complex128
    assert info.capabilities()["data-dependent shapes"] is True


@pytest.mark.parametrize("copied", [None, True, False])
def test_values_leave_by_dlpack(copied):
    x = xp.asarray([1.0, 2.0]) * 2
    given = np.from_dlpack(x, copy=copied)
    assert given.tolist() == [2.0, 4.0]
    given[0] = 7.0  # the reader's own, whatever was asked, since a lazy tensor has no memory
    assert x.value().tolist() == [2.0, 4.0]
    x.__dlpack__(copy=copied)  # to a reader of the first version, which knows nothing read-only
    assert x.__dlpack_device__() == (1, 0)
    assert xp.from_dlpack(given).value().tolist() == given.tolist()


def test_dlpack_is_called_as_the_standard_says():
    parameters = inspect.signature(tensor(1.0).__dlpack__).parameters.values()
    assert [(p.name, p.kind, p.default) for p in parameters] == [
        (name, inspect.Parameter.KEYWORD_ONLY, None) for name in ("stream", "max_version", "dl_device", "copy")
    ]
    with pytest.raises(ArgumentError, match="no stream"):
        tensor(1.0).__dlpack__(stream=1)


def test_what_is_no_dtype():
    with pytest.raises(DTypeError, match="Did you mean 'float32'"):
        xp.zeros(2, dtype="float31")


def test_unstack_counts_what_a_concrete_tensor_has():
    x = xp.asarray([[3.0, -1.0], [2.0, 5.0]])
    assert [float(part) for part in xp.unstack(x[x > 0])] == [3.0, 2.0, 5.0]
    assert [part.value().tolist() for part in xp.unstack(x[:, x[0] > 0], axis=-1)] == [[3.0, 2.0]]
    assert len(xp.unstack(x[x > 9])) == 0
    with pytest.raises(ShapeError, match="unstack needs to know the size of dimension 0"):
        xp.jit(lambda y: xp.unstack(y[y > 0])[0])(np.ones(2))
    with pytest.raises(BoundsError, match="Axis 2 is out of range"):
        xp.unstack(x, axis=2)


FACTORIES = {
    "asarray": lambda **device: xp.asarray(1.0, **device),
    "zeros": lambda **device: xp.zeros(2, **device),
    "ones_like": lambda **device: xp.ones_like(xp.zeros(2), **device),
    "empty": lambda **device: xp.empty(2, **device),
    "full": lambda **device: xp.full(2, 1.0, **device),
    "arange": lambda **device: xp.arange(3, **device),
    "eye": lambda **device: xp.eye(2, **device),
    "linspace": lambda **device: xp.linspace(0, 1, 3, **device),
    "fftfreq": lambda **device: xp.fft.fftfreq(4, **device),
}


@pytest.mark.parametrize("name", FACTORIES)
def test_the_one_device_is_the_engines_choice(name):
    assert FACTORIES[name](device=None).device is None
    with pytest.raises(ArgumentError, match=r"is on no device, so not on 'cuda:0'; choose an engine or its device"):
        FACTORIES[name](device="cuda:0")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: xp.permute_dims(x, (1, 0), 5), "permute_dims takes 2 arguments, not 3"),
        (lambda x: xp.sum(x, 0, 1), r"sum takes the arrays \(x\), but was given 3"),
        (lambda x: xp.sum(None), "sum was given None as operand 0; give an array or a number"),
        (lambda x: xp.add(x, None), "add was given None as operand 1"),
        (lambda x: xp.concat([x, None]), "concat was given None as operand 1"),
        (lambda x: xp.linspace(0, 1, 2.5), "The number of elements must be a whole number, not 2.5"),
        (lambda x: xp.linspace(0, 1, -2), "linspace makes at least 0 numbers, not -2"),
    ],
)
def test_a_call_that_cannot_be_meant(call, message):
    with pytest.raises(ArgumentError, match=message):
        call(xp.ones((2, 3)))
