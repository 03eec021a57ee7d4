"""The engine by itself: shared memory, devices, the compiler, loops, donated buffers, and random numbers."""

import subprocess
import sys
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from jax.extend.random import threefry_2x32

import kbplug
import kbplug.array_api as xp
from kbplug import backend as K
from kbplug.config.settings import enter, leave
from kbplug.errors import EngineError
from kbplug.graph.op import lookup
from kbplug_jax import kernels, namespace
from kbplug_jax.engine import JaxEngine


@pytest.fixture
def engine():
    with kbplug.engine_scope(JaxEngine(device="cpu")) as chosen:
        yield chosen


def test_an_array_that_is_written_into_afterwards_is_not_shared(engine):
    given = np.zeros(1000)
    inside = engine.from_numpy(given)
    given[...] = 1
    assert not np.asarray(inside).any()
    engine.to_numpy(inside)[...] = 1
    assert not np.asarray(inside).any()


def test_a_device_that_is_not_here_is_refused(engine):
    with pytest.raises(ValueError, match=r"options\.jax\.device is 'cuda:97', but here are"):
        JaxEngine(device="cuda:97")
    with pytest.raises(EngineError, match="The engine 'jax' has no device 'cuda:97' here; it has"):
        engine.on("cuda:97")


def test_the_probe_names_the_library_and_every_device(engine):
    probe = engine.probe()
    assert probe.ok
    assert probe.versions["jax"] == jax.__version__
    assert "cpu" in probe.devices


def test_float64_is_honoured(engine):
    x = K.placeholder((), dtype="float64")
    (found,) = K.function([x], [x + 1e-12])([1.0])
    assert found.dtype == np.float64
    assert found - 1.0 == pytest.approx(1e-12, rel=1e-3)


def test_the_last_of_evenly_spaced_numbers_is_the_last_asked_for(engine):
    for num in (2, 42, 108):  # XLA multiplies by 1 / (num - 1), which for 108 numbers falls short
        assert xp.linspace(0.0, 1.0, num, dtype=xp.float32)[-1] == 1.0


def jaxpr(f, engine, *inputs):
    """Return what JAX traces of a function of K."""
    return str(jax.make_jaxpr(f.executable(engine).program.run)(*map(engine.from_numpy, inputs)))


def test_a_loop_is_lax_scan_and_a_choice_lax_cond(engine):
    x = K.placeholder((None, 5, 3))

    def turn(now, states):
        y = K.tanh(now + states[0])
        return y, [y]

    last, _, _ = K.rnn(turn, x, [K.zeros_like(x[:, 0])])
    given = np.ones((2, 5, 3), "float32")
    assert " scan[" in jaxpr(K.function([x], [last, *K.gradients(K.sum(last), [x])]), engine, given)
    chosen = K.switch(K.sum(x) > 0, lambda: x * 2, lambda: x - 1)
    assert " cond[" in jaxpr(K.function([x], [chosen]), engine, given)


def test_a_loop_without_a_known_end_is_lax_while(engine):
    def doubled(x):
        return kernels.while_(x, test=lambda a: (a < 100,), body=lambda a: (a * 2,), carries=1)

    assert " while[" in str(jax.make_jaxpr(doubled)(3))
    assert int(doubled(jnp.asarray(3))[0]) == 192


def test_a_convolution_is_lax_conv(engine):
    x, k = K.placeholder((2, 8, 8, 3)), K.placeholder((3, 3, 3, 4))
    y = K.conv2d(x, k, padding="same")
    f = K.function([x, k], [y, *K.gradients(K.sum(K.square(y)), [x, k])])
    given = (np.ones((2, 8, 8, 3), "float32"), np.ones((3, 3, 3, 4), "float32"))
    assert jaxpr(f, engine, *given).count("conv_general_dilated[") == 3


def stepping(shape=(64,)):
    w = K.variable(np.zeros(shape), dtype="float32")
    return w, K.function([], [w], updates=[K.update(w, w + 1)])


def test_the_memory_of_a_variable_is_written_over(engine):
    w, step = stepping()
    step([])
    before = w.cell._held[1]
    step([])
    assert before.is_deleted()
    assert K.get_value(w).tolist() == [2.0] * 64


def test_a_value_that_somebody_read_is_not_written_over(engine):
    w, step = stepping()
    step([])
    before = w.cell.on(engine)
    step([])
    assert not before.is_deleted()
    assert np.asarray(before).tolist() == [1.0] * 64
    assert K.get_value(w).tolist() == [2.0] * 64


def test_two_variables_may_change_places_and_take_what_was_fed(engine):
    a, b = K.variable([1.0, 2.0]), K.variable([3.0, 4.0])
    x = K.placeholder((2,))
    swap = K.function([], [a, b], updates=[(a, b), (b, a)])
    take = K.function([x], [x + a], updates=[(a, x), (b, x)])
    grow = K.function([], [], updates=[K.update_add(a, 1.0), K.update_add(b, 1.0)])
    given = jnp.asarray([7.0, 8.0], dtype="float32")
    for _ in range(3):
        swap([])
        grow([])
    assert (K.get_value(a).tolist(), K.get_value(b).tolist()) == ([6.0, 7.0], [4.0, 5.0])
    take([given])
    grow([])
    grow([])
    assert given.tolist() == [7.0, 8.0]
    assert K.get_value(a).tolist() == K.get_value(b).tolist() == [9.0, 10.0]


def test_a_variable_of_another_engine_is_not_touched(engine):
    w, step = stepping((4,))
    for _ in range(3):
        step([])
        with kbplug.engine_scope("numpy"):
            step([])
    assert K.get_value(w).tolist() == [6.0] * 4


def test_after_an_error_the_variable_is_as_it_was(engine, monkeypatch):
    w, step = stepping((4,))
    step([])
    executable = step.executable(engine)
    assert executable.donated == (w.cell,)

    def fails(*_):
        raise MemoryError

    object.__setattr__(executable, "run", fails)
    with pytest.raises(MemoryError):
        step([])
    assert K.get_value(w).tolist() == [1.0] * 4


def test_readers_in_threads_never_meet_a_deleted_array(engine):
    w, step = stepping((256,))
    total = K.function([], [K.sum(w), K.max(w) - K.min(w)])
    step([]), total([])
    wrong = []

    def read():
        with kbplug.engine_scope(engine):
            for _ in range(100):
                try:
                    if total([])[1] or np.ptp(K.get_value(w)):
                        wrong.append("a value half written")
                except Exception as error:  # noqa: BLE001 -- any error is the failure
                    wrong.append(error)

    def write():
        with kbplug.engine_scope(engine):
            for _ in range(100):
                step([])

    threads = [threading.Thread(target=job) for job in (read, read, write, write)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert K.get_value(w).tolist() == [201.0] * 256


def test_donation_can_be_turned_off():
    with kbplug.engine_scope(JaxEngine(device="cpu", donate=False)) as chosen:
        _, step = stepping()
        assert step.executable(chosen).donated == ()


def test_portable_draws_are_those_of_jax_and_of_numpy_bit_for_bit(engine):
    key, count = jnp.asarray([17, 4]), jnp.arange(10).reshape(2, 5)
    words = threefry_2x32(key.astype("uint32"), count.reshape(-1).astype("uint32"))
    assert namespace.threefry2x32(key, count).reshape(-1).tolist() == words.tolist()
    token = enter({"rng": "portable"}, "the test")
    try:
        here = [K.eval(d) for d in draws()]
        drawn = K.function([], [K.random_uniform((4,), dtype="float32", seed=3)])
        assert " threefry2x32 " in jaxpr(drawn, engine, np.asarray([1, 2, 3]))
        with kbplug.engine_scope("numpy"):
            there = [K.eval(d) for d in draws()]
    finally:
        leave(token)
    np.testing.assert_array_equal(here[0], there[0])
    np.testing.assert_array_equal(here[1], there[1])
    np.testing.assert_allclose(here[2], there[2], rtol=1e-6)


def draws():
    yield lookup("random.bits")(K.constant([5, 6, 7], dtype="int64"), shape=(3, 7))
    yield K.random_uniform((50,), dtype="float32", seed=3)
    yield K.random_normal((50,), dtype="float32", seed=4)


def test_a_function_whose_sizes_depend_on_values_runs_all_the_same(engine):
    import kbplug.array_api as xp

    x = K.placeholder((None,), dtype="float32")
    f = K.function([x], [xp.unique_values(x), x[x > 1]])
    for _ in range(2):
        values, larger = f([[3.0, 1.0, 3.0]])
        assert values.tolist() == [1.0, 3.0]
        assert larger.tolist() == [3.0, 3.0]


def test_without_jit_the_results_are_the_same():
    x = K.placeholder((3,))
    f = K.function([x], [K.softmax(x)])
    found = []
    for jit in (True, False):
        with kbplug.engine_scope(JaxEngine(device="cpu", jit=jit)):
            found.append(f([[1.0, 2.0, 3.0]])[0])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)


@pytest.mark.parametrize("name", ["gammaincinv", "pdtri"])
def test_a_long_special_function_runs_inside_a_compiled_function(engine, name):
    a, p = K.placeholder((None,), dtype="float64"), K.placeholder((None,), dtype="float64")
    x = lookup(f"special.{name}")(a, p)
    given = np.asarray([1.0, 2.0, 3.0]), np.asarray([0.2, 0.5, 0.9])
    found, total = K.function([a, p], [x, K.sum(x)])(given)
    np.testing.assert_allclose(found, getattr(scipy.special, name)(*given), rtol=1e-12)
    assert total == pytest.approx(found.sum())


def test_gamma_at_its_poles(engine):
    x = K.placeholder((None,), dtype="float32")
    (found,) = K.function([x], [lookup("special.gamma")(x)])([np.asarray([0.0, -0.0, -1.0, 0.5], "float32")])
    np.testing.assert_array_equal(found[:3], [np.inf, -np.inf, np.nan])
    assert found[3] == pytest.approx(np.sqrt(np.pi))


def test_importing_the_plugin_loads_no_array_library():
    code = "import sys, kbplug_jax; print(*{'numpy', 'jax', 'jaxlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
