"""The engine on a CUDA device: values, fusion against single ops, kernels in place, and no waiting inside functions."""

import numpy as np
import pytest

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def cupy():
    return pytest.importorskip("cupy")


@pytest.fixture
def engine(cupy):
    from kbplug_cupy.engine import CupyEngine

    return CupyEngine()


def test_the_probe_names_devices_and_versions(engine):
    probe = engine.probe()
    assert probe.ok
    assert probe.devices[0] == "cuda:0"
    assert {"cupy", "CUDA", "driver"} <= set(probe.versions)


def test_a_device_that_is_not_here_is_refused():
    from kbplug.errors import EngineError
    from kbplug_cupy.engine import CupyEngine

    with pytest.raises(EngineError, match=r"options\.cupy\.device is 'cuda:97', but here are cuda:0"):
        CupyEngine(device="cuda:97")


def _step():
    from kbplug import backend as K

    x, w = K.placeholder((None, 64), dtype="float32"), K.variable(np.ones((64, 64)) / 64, dtype="float32")
    y = K.softmax(K.tanh(K.dot(x, w)) * 2.0 + 0.5)
    loss = K.mean(K.square(y - 0.1))
    return x, w, loss, K.gradients(loss, [w])[0]


def test_fused_regions_give_what_their_ops_do(cupy):
    import kbplug
    from kbplug import backend as K
    from kbplug_cupy.engine import CupyEngine

    x, _, loss, gradient = _step()
    value = np.random.default_rng(1).standard_normal((33, 64)).astype("float32")
    found = []
    for engine in (CupyEngine(), CupyEngine(fuse=False), "numpy"):
        with kbplug.engine_scope(engine):
            found.append(K.function([x], [loss, gradient])([value]))
    for a, b, c in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(a, c, rtol=1e-4, atol=1e-6)


def test_regions_of_few_long_rows_are_run_in_pieces(engine, cupy):
    from regions import region

    from kbplug.graph.op import lookup

    run = engine.fuse(region(lambda x: lookup("sum")(x * x, axis=-1, keepdims=True) + 1.0, (2, "float32")))
    x = cupy.ones((2, 100_000), dtype="float32")
    np.testing.assert_allclose(run(x).get(), [[100_001.0]] * 2)


def test_a_result_may_be_written_over_an_operand(engine, cupy):
    from regions import region

    run = engine.fuse(region(lambda x, y: x * y + 1.0, (2, "float32"), (1, "float32")))
    x, y = cupy.ones((8, 4), dtype="float32"), cupy.arange(4, dtype="float32")
    assert run(x, y, out=x) is x
    np.testing.assert_array_equal(x.get(), np.tile(np.arange(4) + 1.0, (8, 1)))


def test_several_results_may_be_written_over_operands(engine, cupy):
    from regions import region

    run = engine.fuse(region(lambda m, w: (0.9 * m, w - 0.9 * m), (1, "float32"), (1, "float32")))
    m, w = cupy.ones(8, dtype="float32"), cupy.zeros(8, dtype="float32")
    found = run(m, w, out=[m, None])
    assert found[0] is m
    np.testing.assert_allclose(m.get(), np.full(8, 0.9), rtol=1e-6)
    np.testing.assert_allclose(found[1].get(), np.full(8, -0.9), rtol=1e-6)


@pytest.mark.parametrize("cell", ["lstm", "gru", "simple"])
def test_loops_and_their_gradients_give_what_numpy_does(engine, cell):
    from test_loops import FEATURES, agree, network, numbers

    import kbplug
    from kbplug import backend as K

    x, weights, last, outputs, states = network(cell)
    f = K.function([x], [last, outputs, *states, *K.gradients(K.sum(K.square(outputs)), [x, *weights])])
    for shape in ((3, 6), (2, 1)):
        expected = f([numbers(*shape, FEATURES)])
        with kbplug.engine_scope(engine):
            agree(f([numbers(*shape, FEATURES)]), expected)
    assert all(p is not None for plans in engine.kernels["scan"]._plans.values() for p in plans.values())


def test_updates_are_written_over_their_variables(engine):
    from test_updates import GIVEN, adam, layers

    import kbplug
    from kbplug import backend as K

    x, weights, loss, gradients = layers()
    moments = [K.variable(np.zeros(w.shape), dtype="float32") for w in weights for _ in range(2)]
    rows = zip(weights, gradients, moments[::2], moments[1::2], strict=True)
    step = K.function([x], [loss], updates=[c for row in rows for c in adam(*row)])
    held, losses = [*weights, *moments], []
    with kbplug.engine_scope(engine):
        losses.append(step([GIVEN])[0])
        before = [v.cell._held[1].data.ptr for v in held]
        losses += [step([GIVEN])[0] for _ in range(20)]
    assert [v.cell._held[1].data.ptr for v in held] == before
    assert losses[-1] < 0.5 * losses[0]


def test_nothing_inside_a_function_waits_for_the_device(engine, cupy):
    # A stream that is being captured refuses every wait and every copy to the host.
    from kbplug import backend as K

    x = K.placeholder((32, 64), dtype="float32")
    y = K.softmax(K.tanh(x) * 2.0 + K.random_normal((32, 64), dtype="float32"))
    program = K.function([x], [y, K.gradients(K.sum(y * y), [x])[0]]).executable(engine)
    cells = [engine.from_numpy(np.array([1, 2, 3])) for _ in program.graph.inputs[1:]]
    value = cupy.ones((32, 64), dtype="float32")
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        expected = [a.get() for a in program.run(value, *cells)]
        stream.begin_capture()
        found = program.run(value, *cells)
        graph = stream.end_capture()
        graph.launch(stream)
        stream.synchronize()
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a.get(), b)


@pytest.mark.parametrize("draw", ["uniform", "normal", "truncated_normal"])
def test_draws_on_the_device_have_the_moments_they_should(engine, cupy, draw):
    state = cupy.array([1, 2, 3])
    found = engine.kernels[f"random.{draw}"](state, shape=(100_000,), dtype=cupy.float64).get()
    mean, deviation = {"uniform": (0.5, 0.2887), "normal": (0, 1), "truncated_normal": (0, 0.8796)}[draw]
    assert abs(found.mean() - mean) < 0.02
    assert abs(found.std() - deviation) < 0.02
