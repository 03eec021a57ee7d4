"""What programs written in K rely on: functions, updates, the learning phase, random numbers, loops, training.

Each check runs on one engine, in float32, and compares with numbers worked out by hand or with the NumPy engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kbplug import backend, engine_scope
from kbplug.config.settings import enter, leave
from kbplug.engine import Engine
from kbplug.errors import KbplugError
from kbplug.testing.application import GROUND, quiet
from kbplug.testing.suites.case import Case

K: Any = backend
"""The API as programs use it, without types."""

HostArray = np.ndarray[Any, Any]
NEEDS = frozenset({"float32", "int32", "int64", "bool"})
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
"""Float32 through a few hundred operations."""


def cases() -> Iterator[Case]:
    """Yield a case per check of this module."""
    for check in CHECKS:
        name = check.__name__.replace("_", "-")
        yield Case(f"behaviour/{name}", _inside(check), NEEDS)


def _inside(check: Callable[[Engine], None]) -> Callable[[Engine], None]:
    def scoped(engine: Engine) -> None:
        with engine_scope(engine), quiet():
            check(engine)

    return scoped


def floats(*numbers: float) -> HostArray:
    """Return numbers in single precision."""
    return np.asarray(numbers, dtype=np.float32)


def equal(actual: Any, expected: Any, what: str) -> None:
    """Raise unless two arrays are close."""
    close = np.allclose(actual, expected, **CLOSE, equal_nan=True)
    assert close, f"{what} is {np.asarray(actual).tolist()}, but should be {np.asarray(expected).tolist()}."


def several_outputs_in_order(engine: Engine) -> None:
    """A function returns one array per output, in order, one that is given twice included."""
    x = K.placeholder((2,), dtype="float32")
    found = K.function([x], [x + 1.0, x * 2.0, x + 1.0])([floats(1, 2)])
    for actual, expected in zip(found, ([2, 3], [2, 4], [2, 3]), strict=True):
        equal(actual, expected, "An output")
        assert actual.dtype == np.float32, f"An output is {actual.dtype}, but should be float32."


def other_values_and_sizes(engine: Engine) -> None:
    """A compiled function computes anew for other values, and for other sizes."""
    x = K.placeholder((None, 2), dtype="float32")
    f = K.function([x], [K.sum(x * x, axis=0)])
    for rows in (3, 3, 1, 5, 3):
        value = np.arange(rows * 2, dtype=np.float32).reshape(rows, 2) + rows
        equal(f([value])[0], (value * value).sum(0), f"The sum of {rows} rows")


def results_are_the_callers(engine: Engine) -> None:
    """Writing into a result changes no variable, and feeding an array does not change it."""
    w, given = K.variable(np.ones(3), dtype="float32"), floats(1, 2, 3)
    x = K.placeholder((3,), dtype="float32")
    f = K.function([x], [w + 0.0, K.reshape(x, (3, 1)), w])
    for result in f([given]):
        if result.flags.writeable:
            result[...] = 7
    equal(given, [1, 2, 3], "The fed array afterwards")
    equal(K.get_value(w), [1, 1, 1], "The variable afterwards")
    equal(f([given])[0], [1, 1, 1], "The next result")


def a_variable_is_read_anew(engine: Engine) -> None:
    """A compiled function sees what set_value and updates left in a variable."""
    w = K.variable(1.0, dtype="float32")
    read, step = K.function([], [w * 10.0]), K.function([], [w], updates=[K.update_add(w, 1.0)])
    seen = [float(read([])[0])]
    for _ in range(3):
        step([])
        seen.append(float(read([])[0]))
    K.set_value(w, 7.0)
    seen.append(float(read([])[0]))
    equal(seen, [10, 20, 30, 40, 70], "What a function read of a variable that changed")


def reads_come_before_writes(engine: Engine) -> None:
    """Outputs hold what variables were before their updates, and updates see each other's old values."""
    a, b = K.variable([1.0, 2.0], dtype="float32"), K.variable([3.0, 4.0], dtype="float32")
    swap = K.function([], [a + b, a], updates=[(a, b), (b, a)])
    equal(swap([])[1], [1, 2], "The old value")
    equal(K.get_value(a), [3, 4], "One side after the swap")
    equal(K.get_value(b), [1, 2], "The other side after the swap")
    swap([])
    equal(K.get_value(a), [1, 2], "One side after two swaps")


def all_updates_or_none(engine: Engine) -> None:
    """A call that fails changes no variable."""
    a, x = K.variable([1.0, 2.0], dtype="float32"), K.placeholder((None,), dtype="float32")
    b = K.variable([0.0, 0.0], dtype="float32")
    step = K.function([x], [K.sum(x)], updates=[(a, a + 1.0), (b, K.reshape(x, (2,)))])
    step([floats(5, 6)])
    try:
        step([floats(5, 6, 7)])
    except Exception as error:  # noqa: BLE001 -- the library's own words for sizes that do not fit
        refused = str(error)
    else:
        refused = ""
    assert refused, "Three numbers were put into a variable of two."
    equal(K.get_value(a), [2, 3], "A variable after a call that failed")
    equal(K.get_value(b), [5, 6], "The other variable after a call that failed")


def the_learning_phase(engine: Engine) -> None:
    """One function trains and tests, as its learning phase says."""
    x = K.placeholder((2,), dtype="float32")
    f = K.function([x, K.learning_phase()], [K.in_train_phase(x * 2.0, x - 1.0)])
    for phase, expected in ((0, [0, 1]), (1, [2, 4]), (0, [0, 1])):
        equal(f([floats(1, 2), phase])[0], expected, f"The result in phase {phase}")


def gradients_of_a_network(engine: Engine) -> None:
    """Gradients by inputs and variables, a second derivative among them, are those of the NumPy engine."""

    def made() -> Any:
        random = np.random.default_rng(3)
        x = K.placeholder((None, 3), dtype="float32")
        w = K.variable(random.normal(size=(3, 2)), dtype="float32")
        y = K.sum(K.tanh(K.dot(x, w)) ** 2)
        (dx, dw) = K.gradients(y, [x, w])
        (second,) = K.gradients(K.sum(dx * dx), [w])
        return K.function([x], [y, dx, dw, second])([random.normal(size=(4, 3)).astype("float32")])

    found = made()
    with engine_scope(GROUND):
        expected = made()
    for i, (a, b) in enumerate(zip(found, expected, strict=True)):
        equal(a, b, f"Result {i} of value and gradients")


def training(engine: Engine) -> None:
    """Thirty steps of descent give the losses that the NumPy engine has."""
    found = losses(30)
    with engine_scope(GROUND):
        expected = losses(30)
    equal(found, expected, "The course of the loss")
    assert found[-1] < 0.5 * found[0], "The loss does not fall."


def losses(steps: int, turn: Callable[[int], Any] | None = None) -> list[float]:
    """Return the losses of a small network over some steps of training; ``turn(step)`` gives a scope for each."""
    random = np.random.default_rng(5)
    x, t = K.placeholder((None, 4), dtype="float32"), K.placeholder((None, 1), dtype="float32")
    shapes = ((4, 8), (8,), (8, 1))
    weights = [K.variable(random.normal(size=s) * 0.5, dtype="float32") for s in shapes]
    speeds = [K.zeros(s, dtype="float32") for s in shapes]
    loss = K.mean(K.square(K.dot(K.tanh(K.dot(x, weights[0]) + weights[1]), weights[2]) - t))
    updates = []
    for w, v, g in zip(weights, speeds, K.gradients(loss, weights), strict=True):
        speed = v * 0.9 - g * 0.05
        updates += [K.update(v, speed), K.update(w, w + speed)]
    train = K.function([x, t], [loss], updates=updates)
    inputs = random.normal(size=(16, 4)).astype("float32")
    targets = np.sin(inputs.sum(1, keepdims=True))
    found = []
    for step in range(steps):
        with turn(step) if turn else quiet():
            found.append(float(train([inputs, targets])[0]))
    return found


def a_loop_and_its_gradient(engine: Engine) -> None:
    """A loop over time whose length is unknown gives the values and the gradient of the NumPy engine."""

    def made(length: int) -> Any:
        random = np.random.default_rng(7)
        x = K.placeholder((2, None, 3), dtype="float32")
        w = K.variable(random.normal(size=(3, 3)) * 0.5, dtype="float32")

        def step(now: Any, states: Any) -> Any:
            y = K.tanh(K.dot(now, w) + states[0])
            return y, [y]

        last, states, _ = K.rnn(step, x, [K.zeros((2, 3), dtype="float32")])
        (g,) = K.gradients(K.sum(states * states), [w])
        return K.function([x], [last, g])([random.normal(size=(2, length, 3)).astype("float32")])

    for length in (4, 1):
        found = made(length)
        with engine_scope(GROUND):
            expected = made(length)
        for a, b in zip(found, expected, strict=True):
            equal(a, b, f"A loop of {length} steps")


def a_choice_at_run_time(engine: Engine) -> None:
    """A condition known only when run picks a branch."""
    x = K.placeholder((2,), dtype="float32")
    f = K.function([x], [K.switch(K.sum(x) > 0.0, lambda: x * 2.0, lambda: x - 1.0)])
    equal(f([floats(1, 2)])[0], [2, 4], "The branch taken where it holds")
    equal(f([floats(-1, -2)])[0], [-2, -3], "The branch taken where it does not")


def random_numbers(engine: Engine) -> None:
    """Draws are new in each call, have the moments they should, and a seed repeats them."""

    def drawn() -> list[Any]:
        uniform = K.random_uniform((2000,), 2.0, 4.0, dtype="float32", seed=11)
        f = K.function([], [uniform, K.random_normal((2000,), 1.0, 0.5, dtype="float32", seed=12)])
        return [*f([]), *f([])]

    first, second = drawn(), drawn()
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a, b), "The same seed drew other numbers."
    for a, b in zip(first[:2], first[2:], strict=True):
        assert not np.array_equal(a, b), "Two calls drew the same numbers."
    uniform, normal = first[:2]
    assert uniform.min() >= 2.0, f"A uniform number is {uniform.min()}, below 2."
    assert uniform.max() <= 4.0, f"A uniform number is {uniform.max()}, above 4."
    moments = (uniform.mean(), uniform.std(), normal.mean(), normal.std())
    expected = (3.0, 2.0 / 12**0.5, 1.0, 0.5)
    assert np.allclose(moments, expected, atol=0.06), f"Means and deviations are {moments}, not {expected}."


def portable_random_numbers(engine: Engine) -> None:
    """With the portable generator every engine draws the same numbers, dropout's too."""

    def drawn() -> Any:
        x = K.ones((6, 5), dtype="float32")
        draw = K.random_normal((7,), dtype="float32", seed=3)
        f = K.function([], [K.dropout(x, 0.4, seed=4), draw])
        return [*f([]), *f([])]

    token = enter({"rng": "portable"}, "the conformance suite")
    try:
        found = drawn()
        with engine_scope(GROUND):
            expected = drawn()
    finally:
        leave(token)
    for a, b in zip(found, expected, strict=True):
        equal(a, b, "A portable draw")


def nan_and_infinity(engine: Engine) -> None:
    """What is not finite goes through as it is, and takes part in comparisons as IEEE 754 says."""
    x = K.placeholder((4,), dtype="float32")
    value = floats(np.nan, np.inf, -np.inf, -0.0)
    found = K.function([x], [x + 0.0, K.maximum(x, 1.0), K.equal(x, x), 1.0 / x])([value])
    equal(found[0], [np.nan, np.inf, -np.inf, 0.0], "The values")
    equal(found[1], [np.nan, np.inf, 1, 1], "The larger of each and 1")
    equal(found[2], [False, True, True, True], "Which equal themselves")
    equal(found[3], [np.nan, 0, -0.0, -np.inf], "The reciprocals")


def an_error_names_its_place(engine: Engine) -> None:
    """A value that fits no input is refused before the engine sees it."""
    x = K.placeholder((2, 3), dtype="float32", name="images")
    f = K.function([x], [x * 2.0])
    try:
        f([np.zeros((2, 4), "float32")])
    except KbplugError as error:
        told = str(error)
    else:
        told = ""
    assert "images" in told, f"An array of the wrong shape was answered by {told!r}, which does not name the input."


CHECKS: tuple[Callable[[Engine], None], ...] = (
    several_outputs_in_order,
    other_values_and_sizes,
    results_are_the_callers,
    a_variable_is_read_anew,
    reads_come_before_writes,
    all_updates_or_none,
    the_learning_phase,
    gradients_of_a_network,
    training,
    a_loop_and_its_gradient,
    a_choice_at_run_time,
    random_numbers,
    portable_random_numbers,
    nan_and_infinity,
    an_error_names_its_place,
)
