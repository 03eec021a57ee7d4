"""Control flow: derivatives of every order against PyTorch, laziness of branches, and the errors of a bad step."""

import numpy as np
import pytest

from kbplug.autodiff import gradients
from kbplug.errors import ArgumentError, DTypeError, ShapeError
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops import lookup
from kbplug.ops.control import choose, fold_over, repeat_while
from kbplug.ops.namespace import namespace as xp
from kbplug.runtime.function import Function
from kbplug.runtime.streams import stream


def of(*shape, dtype="float64"):
    return Tensor(placeholder(Spec(shape, dtype)))


@pytest.mark.parametrize("engine", ["numpy", "strict"])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("steps", [0, 1, 5])
def test_scan_and_its_gradients_agree_with_pytorch(engine, reverse, steps):
    torch = pytest.importorskip("torch")
    import kbplug

    x, w = of(None, 3), of(3)
    (end,), (states,) = fold_over(
        lambda c, e: ((new := [xp.tanh(c * w + e)]), [new[0] * c]), [w * 0.5], [x], reverse=reverse
    )
    loss = xp.sum(end * end) + xp.sum(states)
    gx, gw = gradients(loss, [x, w])
    (second,) = gradients(xp.sum(gw * gw) + xp.sum(gx * gx), [w])
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(steps, 3)), rng.normal(size=3)
    with kbplug.engine_scope(engine):
        found = Function([x, w], [loss, gx, gw, second])([a, b])

    tx, tw = torch.tensor(a, requires_grad=True), torch.tensor(b, requires_grad=True)
    carry, total = tw * 0.5, 0.0
    for row in reversed(tx) if reverse else tx:
        new = torch.tanh(carry * tw + row)
        total, carry = total + (new * carry).sum(), new
    total = total + (carry * carry).sum()
    first = torch.autograd.grad(total, [tx, tw], create_graph=True, allow_unused=True)
    first = [torch.zeros_like(tx) if first[0] is None else first[0], first[1]]
    (square,) = torch.autograd.grad((first[1] ** 2).sum() + (first[0] ** 2).sum(), [tw])
    for ours, theirs in zip(found, [total, *first, square], strict=True):
        np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-10, atol=1e-12)


def test_a_scan_over_nothing_counts_its_steps():
    x = of()
    (end,), (seen,) = fold_over(lambda c: ([c * 2.0], [c]), [x], length=4)
    total, kept = Function([x], [end, seen])([1.5])
    assert total == 24.0
    assert kept.tolist() == [1.5, 3.0, 6.0, 12.0]


def test_what_a_step_closes_over_is_computed_outside_the_loop():
    x, w = of(None), of()
    (end,), _ = fold_over(lambda c, e: ([c + e * xp.exp(w)], []), [xp.sum(x)], [x])
    call = Function([x, w], [end])
    body, _, main = call.source().partition("def run")
    assert "exp" in main
    assert "exp" not in body


def test_only_the_chosen_branch_is_computed():
    p, x = of(dtype="bool"), of(None)
    (y,) = choose(p, lambda: x * 2.0, lambda: xp.log(x))
    (g,) = gradients(xp.sum(y), [x])
    call = Function([p, x], [y, g])
    main = call.source().partition("def run")[2]
    assert "log" not in main
    np.testing.assert_allclose(call([True, [1.0, 4.0]]), [[2.0, 8.0], [2.0, 2.0]])
    np.testing.assert_allclose(call([False, [1.0, 4.0]]), [np.log([1.0, 4.0]), [1.0, 0.25]])


def test_branches_share_what_stood_before_them():
    p, x = of(dtype="bool"), of(None)
    costly = xp.exp(x)
    (y,) = choose(p, lambda: costly + 1.0, lambda: costly - 1.0)
    source = Function([p, x], [y]).source()
    assert source.count("xp_exp") == 1


def test_a_loop_of_unknown_length_has_gradients():
    torch = pytest.importorskip("torch")
    x, w = of(3), of(3)
    end, steps = repeat_while(lambda v, n: xp.sum(v) < 100.0, lambda v, n: (v * w, n + 1), [x, 0])
    (g,) = gradients(xp.sum(end * end), [w])
    a, b = np.array([1.0, 2.0, 0.5]), np.array([2.0, 1.5, 3.0])
    found, count, slope = Function([x, w], [end, steps, g])([a, b])
    tw = torch.tensor(b, requires_grad=True)
    value, n = torch.tensor(a), 0
    while value.sum() < 100:
        value, n = value * tw, n + 1
    (value**2).sum().backward()
    assert count == n
    np.testing.assert_allclose(found, value.detach().numpy())
    np.testing.assert_allclose(slope, tw.grad.numpy())


def test_a_loop_of_unknown_length_draws_anew_at_each_step_and_its_gradient_sees_the_same():
    w = of()

    def step(i, total, seen):
        drawn = lookup("random.uniform")(stream(4), shape=(), dtype="float64")
        return [i + 1, total + w * drawn, xp.where(xp.arange(9) == i, drawn, seen)]

    _, total, drawn = repeat_while(lambda i, *_: i < 9, step, [xp.asarray(0), w * 0.0, xp.zeros(9, dtype="float64")])
    (slope,) = gradients(total, [w])
    run = Function([w], [total, slope, drawn])
    calls = [run([2.0]) for _ in range(2)]
    assert len({x for call in calls for x in call[2].tolist()}) == 18
    for total_, slope_, drawn_ in calls:
        np.testing.assert_allclose([total_, slope_], [2 * drawn_.sum(), drawn_.sum()], rtol=1e-12)


def test_a_carry_that_grows_is_known_by_its_rank_alone():
    (end,), _ = fold_over(lambda c: ([xp.concat([c, c], axis=0)], []), [of(1)], length=3)
    assert end.shape == (None,)


@pytest.mark.parametrize(
    ("step", "error", "message"),
    [
        (lambda c, e: ([c > e], []), DTypeError, "Carry 0 of a scan is float64, but a step turns it into bool"),
        (lambda c, e: ([xp.sum(c)], []), ShapeError, r"Carry 0 of a scan is float64\[3\], but .* into float64\[\]"),
        (lambda c, e: ([c, c], []), ArgumentError, "carries 1 values, but returned 2"),
    ],
)
def test_a_bad_step_is_told_in_one_sentence(step, error, message):
    with pytest.raises(error, match=message):
        fold_over(step, [of(3)], [of(None, 3)])


def test_a_scan_needs_a_length_and_sequences_of_one_length():
    with pytest.raises(ArgumentError, match="needs a length"):
        fold_over(lambda c: ([c], []), [of(3)])
    with pytest.raises(ShapeError, match="The sequences of a scan: sizes 4 and 5 differ"):
        fold_over(lambda c, a, b: ([c], []), [of(3)], [of(4, 3), of(5, 3)])


def test_a_branch_must_be_chosen_by_one_boolean_and_agree_with_the_other():
    x = of(3)
    with pytest.raises(ArgumentError, match=r"chooses by one boolean, not by float64\[3\]"):
        choose(x, lambda: x, lambda: x)
    with pytest.raises(ShapeError, match=r"return float64\[3\] and float64\[\]; dtype and rank must agree"):
        choose(of(dtype="bool"), lambda: x, lambda: xp.sum(x))
