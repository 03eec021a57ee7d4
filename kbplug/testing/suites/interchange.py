"""Values that move: into an engine and out, between engines in mid-program, and through files."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kbplug import engine_scope, saving
from kbplug.engine import STANDARD_DTYPES, Engine
from kbplug.ops.namespace import namespace as xp
from kbplug.testing.application import GROUND
from kbplug.testing.suites.behaviour import NEEDS, K, equal, floats, losses
from kbplug.testing.suites.case import Case

HostArray = np.ndarray[Any, Any]
DTYPES = (*sorted(STANDARD_DTYPES), "float16")


def _read_only(x: HostArray) -> HostArray:
    y = x.copy()
    y.setflags(write=False)
    return y


LAYOUTS: dict[str, Callable[[HostArray], HostArray]] = {
    "plain": lambda x: x,
    "transposed": lambda x: x.T,
    "strided": lambda x: x[::2, 1::2],
    "reversed": lambda x: x[::-1, ::-1],
    "broadcast": lambda x: np.broadcast_to(x[:1], (3, x.shape[1])),
    "empty": lambda x: x[:0],
    "0-d": lambda x: x[0, 0, ...],
    "read-only": _read_only,
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
}


def cases() -> Iterator[Case]:
    """Yield the cases."""
    for dtype in DTYPES:
        for layout in LAYOUTS:
            yield Case(f"interchange/{dtype}-{layout}", partial(in_and_out, dtype, layout), frozenset({dtype}))
        yield Case(f"interchange/{dtype}-conversions", partial(there_and_back, dtype), frozenset({dtype}))
        yield Case(f"interchange/{dtype}-views", partial(out_of_views, dtype), frozenset({dtype, "int64"}))
    yield Case("interchange/bfloat16-in-between", bfloat16_in_between, frozenset({"bfloat16", "float32"}))
    for layout in ("plain", "transposed", "strided", "reversed", "empty", "0-d", "read-only"):
        yield Case(f"interchange/dlpack-{layout}", partial(by_dlpack, layout), NEEDS)
    for check in (
        an_update_keeps_nothing_of_what_was_fed,
        a_copy_is_kept,
        a_variable_changes_engines,
        training_changes_engines,
        a_function_changes_engines,
    ):
        yield Case(f"interchange/{check.__name__.replace('_', '-')}", check, NEEDS)
    for check in (variables_in_a_file, a_function_in_a_file):
        yield Case(f"saving/{check.__name__.replace('_', '-')}", check, NEEDS)


def _values(dtype: str) -> HostArray:
    numbers = np.arange(12).reshape(3, 4)
    if dtype.startswith("complex"):
        return (numbers + 1j * (numbers - 5)).astype(dtype)
    return (numbers % 2 if dtype == "bool" else numbers).astype(dtype)


def in_and_out(dtype: str, layout: str, engine: Engine) -> None:
    """A value fed to an input comes out of the function with its shape, its dtype and every element."""
    value = LAYOUTS[layout](_values(dtype))
    x = K.placeholder(value.shape, dtype=dtype)
    with engine_scope(engine):
        found = K.function([x], [x])([value])[0]
    assert found.dtype.name == dtype, f"A {layout} array of {dtype} came back as {found.dtype}."
    assert found.shape == value.shape, f"A {layout} array of shape {value.shape} came back with {found.shape}."
    assert np.array_equal(found, value), f"A {layout} array of {dtype} came back as {found.tolist()}."


def _edges(dtype: str) -> HostArray:
    """Return what is lost first: the bounds of integers; zeros, infinities and NaN of floats, signs and all."""
    if dtype == "bool":
        return np.resize([True, False, False], (3, 4))
    if dtype.startswith(("int", "uint")):
        bounds = np.iinfo(dtype)
        return np.resize(np.asarray([bounds.max, bounds.min, 0, 1, bounds.max - 1], dtype), (3, 4))
    numbers = np.asarray([0.1, -0.0, np.inf, 3e-8, -np.inf, np.nan, 7.0])
    if dtype.startswith("complex"):
        part = np.dtype(dtype).type(0).real.dtype
        pairs = np.stack([np.resize(numbers, 12), np.resize(numbers[::-1], 12)], axis=-1)
        return np.ascontiguousarray(pairs, part).view(dtype).reshape(3, 4)
    return np.resize(numbers.astype(dtype), (3, 4))


def there_and_back(dtype: str, engine: Engine) -> None:
    """What the engine makes of an array, however that one lies, is an array of that dtype, and leaves bit for bit."""
    for layout in LAYOUTS.keys() - {"big-endian"}:  # which is brought in order before any engine sees it
        value = LAYOUTS[layout](_edges(dtype))
        what = f"A {layout} array of {dtype}"
        with engine.computing():
            inside = engine.from_numpy(value)
            found = engine.to_numpy(inside)
        assert inside.dtype == engine.dtype(dtype), f"{what} is one of {inside.dtype} on the engine."
        assert tuple(inside.shape) == value.shape, f"{what} of shape {value.shape} has {inside.shape} on the engine."
        assert isinstance(found, np.ndarray), f"{what} came back as a {type(found).__name__}."
        assert (found.dtype.name, found.shape) == (dtype, value.shape), f"{what} came back as {found!r}."
        assert found.tobytes() == value.tobytes(), f"{what} came back as {found.tolist()}, not {value.tolist()}."


def out_of_views(dtype: str, engine: Engine) -> None:
    """A result leaves as its elements where a library has only noted how to read them from another array."""
    value = _values(dtype)
    x = K.placeholder((3, 4), dtype=dtype)
    views: dict[str, tuple[Any, HostArray]] = {
        "transposed": (xp.matrix_transpose(x), value.T),
        "strided": (x[::2, 1::2], value[::2, 1::2]),
        "reversed": (xp.flip(x), value[::-1, ::-1]),
        "broadcast": (xp.broadcast_to(x[:1], (3, 4)), np.broadcast_to(value[:1], (3, 4))),
        "empty": (x[:0], value[:0]),
        "0-d": (x[1, 2], value[1, 2, ...]),
    }
    if dtype.startswith("complex"):
        conjugate = xp.conj(x)
        views |= {"conjugated": (conjugate, value.conj()), "imaginary": (xp.imag(conjugate), value.conj().imag)}
    with engine_scope(engine):
        results = K.function([x], [tensor for tensor, _ in views.values()])([value])
    for layout, found, (_, expected) in zip(views, results, views.values(), strict=True):
        assert found.dtype == expected.dtype, f"A {layout} result of {dtype} left as {found.dtype}."
        assert found.shape == expected.shape, f"A {layout} result of shape {expected.shape} left with {found.shape}."
        assert np.array_equal(found, expected), f"A {layout} result of {dtype} left as {found.tolist()}."


def bfloat16_in_between(engine: Engine) -> None:
    """NumPy has no bfloat16: values enter and leave as float32, and are rounded to nearest in between."""
    x = K.placeholder((2, None), dtype="float32")
    y = xp.astype(xp.matrix_transpose(xp.astype(x, "bfloat16")), "float32")
    given = np.asarray([[1.0, 1 + 2**-8, -0.0], [1 + 3 * 2**-8, -np.inf, 301.0]], np.float32)
    with engine_scope(engine):
        found = K.function([x], [y])([given])[0]
    expected = np.asarray([[1.0, 1.0, -0.0], [1 + 2**-6, -np.inf, 300.0]], np.float32).T
    assert np.array_equal(found, expected), f"Numbers rounded to bfloat16 left as {found.tolist()}."


class Giver:
    """An array that is to be had by DLPack alone."""

    def __init__(self, array: HostArray) -> None:
        self.__dlpack__ = array.__dlpack__
        self.__dlpack_device__ = array.__dlpack_device__


def by_dlpack(layout: str, engine: Engine) -> None:
    """An array of another library, and one of the engine's own, are fed as a NumPy array is."""
    value = LAYOUTS[layout](_values("float32"))
    x = K.placeholder(value.shape, dtype="float32")
    f = K.function([x], [x + 0.0])
    with engine_scope(engine):
        for given in (Giver(value), engine.from_numpy(value)):
            found = f([given])[0]
            assert np.array_equal(found, value), f"A {layout} array fed by DLPack came back as {found.tolist()}."


def an_update_keeps_nothing_of_what_was_fed(engine: Engine) -> None:
    """A variable updated by what was fed keeps its value when that array is written into."""
    w, x = K.variable(np.zeros((2, 3)), dtype="float32"), K.placeholder((2, 3), dtype="float32")
    given = np.ones((2, 3), "float32")
    with engine_scope(engine):
        K.function([x], [], updates=[K.update(w, x)])([given])
        given[...] = 9
        equal(K.get_value(w), np.ones((2, 3)), "A variable that took what was fed")


def a_copy_is_kept(engine: Engine) -> None:
    """A variable keeps its value when the array it was set from, or one read from it, is written into."""
    given = np.ones(4, "float32")
    w = K.variable(given, dtype="float32")
    with engine_scope(engine):
        given[...] = 5
        read = K.get_value(w)
        K.function([], [w * 1.0])([])
        read[...] = 6
        K.get_value(w)[...] = 7
        equal(K.function([], [w * 1.0])([])[0], np.ones(4), "A variable whose copies were written into")


def a_variable_changes_engines(engine: Engine) -> None:
    """An update on one engine is seen by the next."""
    w = K.variable([1.0, 2.0], dtype="float32")
    step = K.function([], [w], updates=[K.update(w, w * 3.0)])
    order: tuple[Engine | str, ...] = (engine, GROUND, engine, engine, GROUND)
    for chosen in order:
        with engine_scope(chosen):
            step([])
    equal(K.get_value(w), [243, 486], "A variable that was updated on two engines in turn")


def training_changes_engines(engine: Engine) -> None:
    """Training that changes engines at every third step goes on as if it had not."""

    def turn(step: int) -> contextlib.AbstractContextManager[Engine]:
        return engine_scope(GROUND if step // 3 % 2 else engine)

    with engine_scope(GROUND):
        expected = losses(18)
    equal(losses(18, turn), expected, "The course of the loss over two engines")


def a_function_changes_engines(engine: Engine) -> None:
    """One function keeps what it compiled for each engine apart."""
    x = K.placeholder((None,), dtype="float32")
    f = K.function([x], [K.cumsum(x), K.exp(x)])
    order: tuple[Engine | str, ...] = (GROUND, engine, GROUND, engine)
    for size, chosen in enumerate(order, start=1):
        value = np.linspace(0, 1, size, dtype=np.float32)
        with engine_scope(chosen):
            total, grown = f([value])
        equal(total, np.cumsum(value), "A running sum")
        equal(grown, np.exp(value), "An exponential")


def _both_ways(engine: Engine) -> tuple[tuple[Engine | str, Engine | str], ...]:
    return ((engine, GROUND), (GROUND, engine))


def variables_in_a_file(engine: Engine) -> None:
    """Variables saved on one engine are read on another, bit for bit."""
    for first, second in _both_ways(engine):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "weights.safetensors")
            w = K.variable(np.linspace(0, 1, 6).reshape(2, 3), dtype="float32", name="w")
            with engine_scope(first):
                K.function([], [w], updates=[K.update(w, w / 3.0)])([])
                value = K.get_value(w)
                saving.save_variables(path, [w])
            K.set_value(w, np.zeros((2, 3)))
            with engine_scope(second):
                saving.load_variables(path, [w])
                found = K.function([], [w * 1.0])([])[0]
        assert np.array_equal(found, value), f"A variable was saved as {value.tolist()} and read as {found.tolist()}."


def a_function_in_a_file(engine: Engine) -> None:
    """A function saved on one engine runs on another, with its variable's present value and its update."""
    for first, second in _both_ways(engine):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "step.safetensors")
            w, x = K.variable([1.0, 2.0], dtype="float32"), K.placeholder((2,), dtype="float32")
            step = K.function([x], [K.sum(x * w)], updates=[K.update_add(w, x)])
            with engine_scope(first):
                step([floats(1, 1)])
                saving.save_function(path, step)
            with engine_scope(second):
                loaded = saving.load_function(path)
                found = [float(loaded([floats(1, 1)])[0]) for _ in range(2)]
        equal(found, [5, 7], "What a saved function gave")
