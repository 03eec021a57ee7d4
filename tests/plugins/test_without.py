"""Optimisations that are left out: by a scope, by the settings, on an engine and on its threads; never by accident."""

import threading

import numpy as np
import pytest

import kbplug
from kbplug import backend as K
from kbplug import config, plugins
from kbplug.config.settings import change
from kbplug.engines.numpy import conv, idioms, pool
from kbplug.errors import SettingsError
from kbplug.passes import pipeline


@pytest.fixture(autouse=True)
def afresh():
    plugins.reset()
    yield
    plugins.reset()


@pytest.fixture
def doubled():
    x = K.placeholder((None, 3))
    return K.function([x], [K.exp(K.tanh(x) * 1.0 + 1.0)])


GIVEN = [np.arange(6, dtype="float32").reshape(2, 3)]


def test_every_pass_has_a_name_once_and_says_what_it_does():
    known = kbplug.optimisations()
    assert {p.name for p in pipeline.PIPELINE if p.optional} | set(pipeline.AFTERWARDS) < set(known)
    assert {"idioms", "threads", "transforms"} < set(known)
    assert "expand" not in known
    assert all(known.values())


def test_a_function_is_compiled_anew_and_what_it_was_comes_back(doubled):
    before = doubled.source()
    (expected,) = doubled(GIVEN)
    with kbplug.without("simplify"):
        assert "multiply" in doubled.source()
        np.testing.assert_array_equal(doubled(GIVEN)[0], expected)
        assert doubled.short is not None
    assert doubled.source() == before
    np.testing.assert_array_equal(doubled(GIVEN)[0], expected)
    assert "multiply" not in before


def test_scopes_add_up_and_engines_chosen_inside_leave_out_the_same(doubled):
    with kbplug.without("release") as outer, kbplug.without("simplify", "release") as inner:
        assert outer.left_out == {"release"}
        assert inner.left_out == {"release", "simplify"} == set(config.settings().without)
        assert kbplug.engine() is inner
        assert "del " not in doubled.source()
        with kbplug.engine_scope("strict") as strict:
            assert strict.left_out == {"release", "simplify"}
            assert "del " not in doubled.source()
        kbplug.set_engine("strict")
    assert kbplug.engine().name == "strict"
    assert not kbplug.engine().left_out


def test_the_engine_is_one_object_for_the_same_names():
    with kbplug.without("fuse", "fold") as one:
        pass
    with kbplug.without("fold"), kbplug.without("fuse") as other:
        pass
    with kbplug.without() as plain:
        assert plain is kbplug.engine("numpy")
    assert one is other


def test_all_of_them(doubled):
    with kbplug.without("all") as engine:
        assert engine.left_out == set(kbplug.optimisations())
        assert "multiply" in doubled.source()


def test_the_setting_holds_for_the_process_and_its_threads(monkeypatch, doubled):
    monkeypatch.setenv("KBPLUG_WITHOUT", "simplify, release")
    config.reset()
    seen = []
    thread = threading.Thread(target=lambda: seen.append(doubled.source()))
    thread.start()
    thread.join()
    assert "multiply" in seen[0]
    assert "del " not in seen[0]
    assert kbplug.set_engine("strict").left_out == {"simplify", "release"}


@pytest.mark.parametrize(("text", "near"), [("fues", "fuse"), ("thread", "threads"), ("expand", None)])
def test_an_unknown_name_is_an_error_with_its_origin(monkeypatch, text, near):
    with pytest.raises(SettingsError, match=f"without.*no optimisation '{text}'") as caught, kbplug.without(text):
        pass
    assert near is None or f"Did you mean '{near}'?" in str(caught.value)
    monkeypatch.setenv("KBPLUG_WITHOUT", text)
    plugins.reset()
    with pytest.raises(SettingsError, match="KBPLUG_WITHOUT"):
        kbplug.engine()


@pytest.mark.parametrize("name", [["fuse"], None, 1])
def test_names_are_given_one_by_one(name):
    with pytest.raises(SettingsError, match=r"takes names one by one, as in without\('fuse', 'threads'\), not "):
        kbplug.without(name).__enter__()


def test_an_engine_does_without_what_another_has():
    refused = pytest.raises(SettingsError, match="'strict' has no optimisation 'idioms'")
    with kbplug.engine_scope("strict"), refused, kbplug.without("idioms"):
        pass


@pytest.mark.parametrize("value", ["fuse", 3, [""], [1]])
def test_a_setting_that_is_no_list_of_names(value):
    with pytest.raises(SettingsError, match="a list of names"):
        change("without", value, "here")


def test_passes_of_plugins_can_be_left_out_too(doubled):
    ran = []

    class Plugin:
        @kbplug.hookimpl
        def kbplug_passes(self, engine):
            def noted(graph):
                ran.append(engine)
                return graph

            return [noted]

    plugins.plugin_manager().register(Plugin(), "noting")
    doubled(GIVEN)
    assert len(ran) == 1
    with kbplug.without("noted"):
        doubled(GIVEN)
    assert len(ran) == 1


def test_kernels_of_plugins_can_be_left_out_by_the_plugins_name(doubled):
    class Plugin:
        @kbplug.hookimpl
        def kbplug_kernels(self, engine):
            return {"tanh": np.sin} if engine.name == "numpy" else None

    plugins.plugin_manager().register(Plugin(), "kbplug-wavy::wavy")
    assert kbplug.optimisations()["wavy"] == "kernels of a plugin for numpy"
    assert "wavy" not in kbplug.optimisations("strict")
    (changed,) = doubled(GIVEN)
    for names in (["wavy"], ["all"], ["fuse", "wavy"]):
        with kbplug.without(*names):
            (found,) = doubled(GIVEN)
            with kbplug.without("wavy"):
                assert "tanh" not in plugins.kernels_for(kbplug.engine())
        np.testing.assert_allclose(found, np.exp(np.tanh(GIVEN[0]) + 1), rtol=1e-6)
    np.testing.assert_array_equal(doubled(GIVEN)[0], changed)
    np.testing.assert_allclose(changed, np.exp(np.sin(GIVEN[0]) + 1), rtol=1e-6)


def test_without_threads_there_are_none(monkeypatch):
    monkeypatch.setattr(pool, "_processors", lambda: 4)
    monkeypatch.setenv("KBPLUG_NUM_THREADS", "4")
    seen, x = [], K.placeholder((None, 1000))
    f = K.function([x], [K.exp(K.tanh(x) * 2.0)])
    invite = pool._Pool.invite
    monkeypatch.setattr(pool._Pool, "invite", lambda self, job, n: seen.append(n) or invite(self, job, n))
    given = [np.ones((1000, 1000), "float32")]
    (expected,) = f(given)
    assert seen == [3]
    with kbplug.without("threads"):
        np.testing.assert_array_equal(f(given)[0], expected)
        with kbplug.engine().computing():
            assert pool.workers() == 1
    assert seen == [3]
    assert pool.workers() == 4


def test_without_idioms_numpy_computes_by_its_own_functions():
    x = K.placeholder((None,))
    f = K.function([x], [K.pow(x, 3)])
    assert plugins.kernels_for(kbplug.engine())["pow"] is idioms.power
    with kbplug.without("idioms") as engine:
        assert not {*idioms.KERNELS} & {*plugins.kernels_for(engine)}
        assert "k_pow" not in f.source()
    assert "k_pow" in f.source()


def test_without_transforms_convolutions_slide():
    random = np.random.default_rng(3)
    x, kernel = (random.standard_normal(s).astype("float32") for s in ((1, 64, 64, 1), (31, 31, 1, 1)))
    f = K.function([given := K.placeholder((None, 64, 64, 1))], [K.conv2d(given, K.constant(kernel))])
    (expected,) = f([x])
    with kbplug.without("transforms") as engine:
        assert all(plugins.kernels_for(engine)[name] is kernel for name, kernel in conv.SLIDING.items())
        (found,) = f([x])
    with kbplug.without("idioms") as engine:
        assert all(plugins.kernels_for(engine)[name] is kernel for name, kernel in conv.KERNELS.items())
    assert not np.array_equal(found, expected)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6 * np.abs(found).max())


def test_a_variable_is_the_same_inside():
    w = K.variable([1.0, 2.0])
    step = K.function([], [w * 1.0], updates=[K.update_add(w, 1.0)])
    step([])
    with kbplug.without("all"):
        np.testing.assert_array_equal(step([])[0], [2, 3])
    np.testing.assert_array_equal(step([])[0], [3, 4])
