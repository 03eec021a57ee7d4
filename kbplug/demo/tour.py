"""The tour of the classic backend notebook: placeholders, variables, arithmetic, gradients, functions, settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kbplug import backend as K

Say = Callable[[str, Any], None]
"""Shows a line of code beside what it gives; with an empty line of code, a heading."""


def tour(say: Say) -> None:
    """Walk through the backend, and ``say`` every step."""
    placeholders(say)
    variables(say)
    arithmetic(say)
    functions(say)
    settings(say)


def placeholders(say: Say) -> None:
    """Show three ways to declare an input."""
    say("", "Placeholders: inputs without values")
    say("K.placeholder(shape=(2, 4, 5))", K.placeholder(shape=(2, 4, 5)))
    say("K.placeholder(shape=(None, 4, 5))", K.placeholder(shape=(None, 4, 5)))
    say("K.placeholder(ndim=3)", K.placeholder(ndim=3))


def variables(say: Say) -> None:
    """Show variables and their values."""
    say("", "Variables: values that live between calls")
    say("K.variable([[1, 2], [3, 4]])", K.variable([[1, 2], [3, 4]]))
    say("K.zeros((2, 3))", K.zeros((2, 3)))
    say("K.eye(3)", K.eye(3))
    say("K.random_uniform_variable((2, 3), 0, 1, seed=1)", K.random_uniform_variable((2, 3), 0, 1, seed=1))
    say("K.random_normal_variable((2, 3), 0, 1, seed=1)", K.random_normal_variable((2, 3), 0, 1, seed=1))


def arithmetic(say: Say) -> None:
    """Show that expressions are graphs, evaluated when asked."""
    say("", "Arithmetic: graphs, computed when asked")
    a = K.variable([[1.0, 2.0], [3.0, 4.0]], name="a")
    b = K.ones((2, 2), name="b")
    say("a + b", K.eval(a + b))
    say("K.dot(a, K.transpose(a))", K.eval(K.dot(a, K.transpose(a))))
    say("K.sum(a, axis=1)", K.eval(K.sum(a, axis=1)))
    say("K.softmax(a)", K.eval(K.softmax(a)))
    say("K.concatenate([a, b], axis=-1)", K.eval(K.concatenate([a, b], axis=-1)))


def functions(say: Say) -> None:
    """Show a compiled function with an update, and gradients of gradients."""
    say("", "Functions: compiled once, with updates and gradients")
    x = K.placeholder(shape=(None,), name="x")
    calls = K.variable(0.0, name="calls")
    loss = K.sum(x * x * x)
    (slope,) = K.gradients(loss, [x])
    assert slope is not None, "a path leads from x to the loss"
    (curvature,) = K.gradients(slope, [x])
    run = K.function([x], [loss, slope, curvature], updates=[K.update_add(calls, 1.0)])
    for name, value in zip(("sum(x^3)", "its gradient", "its second derivative"), run([[1.0, 2.0]]), strict=True):
        say(f"{name} at x = [1, 2]", value)
    say("K.get_value(calls)", K.get_value(calls))
    say("The Python that ran", run.source().strip())


def settings(say: Say) -> None:
    """Show the settings in force."""
    say("", "Settings")
    say("K.backend()", K.backend())
    say("K.floatx()", K.floatx())
    say("K.epsilon()", K.epsilon())
    say("K.image_data_format()", K.image_data_format())
