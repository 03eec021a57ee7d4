"""Hooks: who is asked, in which order, and that one that raises harms nobody else."""

import contextlib

import pluggy
import pytest

import kbplug
from kbplug import hookimpl, plugins
from kbplug.engine import Engine
from kbplug.errors import EngineError, KbplugWarning, SettingsError


@pytest.fixture(autouse=True)
def host(site):
    return plugins.plugin_manager()


@pytest.fixture
def engine():
    class Own(Engine):
        name = "own"
        kernels = {"add": "own add", "dot": "own dot"}

    return Own()


class Kernels:
    def __init__(self, **kernels):
        self.kernels = kernels
        self.asked = 0

    @hookimpl
    def kbplug_kernels(self, engine):
        self.asked += 1
        return self.kernels if engine.name == "own" else None


class Raises:
    asked = 0

    @hookimpl
    def kbplug_kernels(self):
        Raises.asked += 1
        raise ValueError("no kernels\ntoday")


def test_contributed_kernels_go_over_the_engines_and_later_ones_over_earlier(host, engine):
    host.register(Kernels(dot="first dot", softmax="first softmax"))
    host.register(Kernels(softmax="second softmax"))
    expected = {"add": "own add", "dot": "first dot", "softmax": "second softmax"}
    assert plugins.kernels_for(engine) == expected
    assert engine.kernels == {"add": "own add", "dot": "own dot"}
    assert plugins.kernels_for(Engine()) == {}


def test_kernels_are_merged_once_until_a_plugin_comes_or_goes(host, engine):
    first = Kernels(dot="first dot")
    host.register(first)
    merged = plugins.kernels_for(engine)
    assert plugins.kernels_for(engine) is merged
    assert first.asked == 1
    second = Kernels(dot="second dot")
    host.register(second)
    assert plugins.kernels_for(engine)["dot"] == "second dot"
    host.unregister(second)
    assert plugins.kernels_for(engine)["dot"] == "first dot"


def test_merged_kernels_cannot_be_written_to(engine):
    with pytest.raises(TypeError):
        plugins.kernels_for(engine)["add"] = None


def test_a_hook_that_raises_is_reported_once_and_not_asked_again(host, engine):
    host.register(Kernels(dot="before"))
    host.register(Raises(), "raiser")
    host.register(Kernels(add="after"))
    Raises.asked = 0
    with pytest.warns(KbplugWarning, match="'raiser' raised ValueError: no kernels today, so its hooks are not asked"):
        assert plugins.kernels_for(engine) == {"add": "after", "dot": "before"}
    assert Raises.asked == 1
    assert not host.has_plugin("raiser")
    assert isinstance(host.quarantined["raiser"], ValueError)
    host.register(Kernels())
    plugins.kernels_for(engine)
    assert Raises.asked == 1


@pytest.mark.parametrize("answer", [["add"], "add", 3])
def test_kernels_that_are_no_mapping_are_refused(host, engine, answer):
    class Odd:
        @hookimpl
        def kbplug_kernels(self):
            return answer

    host.register(Odd(), "odd")
    with pytest.warns(KbplugWarning, match="not a mapping"):
        assert plugins.kernels_for(engine) == engine.kernels
    assert "odd" in host.quarantined


def test_passes_come_in_the_order_of_registration(host, engine):
    class Passes:
        def __init__(self, *passes):
            self.passes = passes

        @hookimpl
        def kbplug_passes(self, engine):
            return iter(self.passes)

    class Endless:
        @hookimpl
        def kbplug_passes(self):
            return 3

    host.register(Passes(abs, max))
    host.register(Endless(), "endless")
    host.register(Passes(min))
    with pytest.warns(KbplugWarning, match="'endless' raised TypeError"):
        assert plugins.passes_for(engine) == (abs, max, min)
    assert plugins.passes_for(engine) is plugins.passes_for(engine)


def test_each_plugin_hears_the_settings_once_whenever_it_comes(host):
    class Configured:
        def __init__(self):
            self.heard = []

        @hookimpl
        def kbplug_configure(self, settings):
            self.heard.append(settings.floatx)

    early, late = Configured(), Configured()
    host.register(early)
    kbplug.config.set_floatx("float64")
    host.register(late)
    assert (early.heard, late.heard) == (["float32"], ["float64"])


class Wrapper:
    def __init__(self, name, log):
        self.name, self.log = name, log

    @hookimpl(wrapper=True)
    def kbplug_run(self, function, inputs):
        self.log.append(f"{self.name} before {function}{inputs}")
        try:
            result = yield
        except KeyError:
            self.log.append(f"{self.name} failed")
            raise
        self.log.append(f"{self.name} after {result}")
        return result


def test_wrappers_surround_a_call_the_later_one_outside(host):
    log = []
    assert not plugins.has_run_wrappers()
    host.register(Wrapper("inner", log))
    host.register(Wrapper("outer", log))
    assert plugins.has_run_wrappers()
    assert plugins.run("f", (1,), lambda: log.append("call") or 7) == 7
    assert log == ["outer before f(1,)", "inner before f(1,)", "call", "inner after 7", "outer after 7"]


def test_a_wrapper_may_change_the_result(host):
    class Double:
        @hookimpl(wrapper=True)
        def kbplug_run(self):
            return 2 * (yield)

    host.register(Double())
    assert plugins.run("f", (), lambda: 21) == 42


def test_the_calls_own_error_passes_through_every_wrapper(host):
    log, error = [], KeyError("mine")
    host.register(Wrapper("inner", log))
    host.register(Wrapper("outer", log))

    def call():
        raise error

    with pytest.raises(KeyError) as caught:
        plugins.run("f", (), call)
    assert caught.value is error
    assert log[-2:] == ["inner failed", "outer failed"]
    assert not host.quarantined


@pytest.mark.parametrize("when", ["before", "after", "on error", "twice"])
def test_a_wrapper_that_raises_costs_neither_the_result_nor_the_error(host, when):
    class Bad:
        @hookimpl(wrapper=True)
        def kbplug_run(self):
            if when == "before":
                raise RuntimeError(when)
            try:
                result = yield
            except KeyError:
                if when == "on error":
                    raise RuntimeError(when) from None
                raise
            if when == "twice":
                yield
            if when == "after":
                raise RuntimeError(when)
            return result

    log, calls = [], []
    host.register(Wrapper("other", log))
    host.register(Bad(), "bad")

    def call():
        calls.append(1)
        if when == "on error":
            raise KeyError("mine")
        return 7

    expected = pytest.raises(KeyError, match="mine") if when == "on error" else contextlib.nullcontext()
    with pytest.warns(KbplugWarning, match="'bad' raised RuntimeError"), expected:
        assert plugins.run("f", (), call) == 7
    assert calls == [1]
    assert len(log) == 2
    assert list(host.quarantined) == ["bad"]


def test_a_plugin_with_a_misspelt_hook_is_refused_whole(host, engine):
    class Misspelt(Kernels):
        @hookimpl
        def kbplug_kernals(self, engine):
            return {}

    with pytest.raises(EngineError, match="unknown hook 'kbplug_kernals'"):
        host.register(Misspelt(dot="dot"), "misspelt")
    assert not host.has_plugin("misspelt")
    assert plugins.kernels_for(engine)["dot"] == "own dot"
    host.register(Kernels(), "next")


def test_wrappers_belong_to_calls_only(host):
    class Plain:
        @hookimpl
        def kbplug_run(self, function, inputs):
            return 1

    class Wraps:
        @hookimpl(wrapper=True)
        def kbplug_kernels(self):
            return (yield)

    with pytest.raises(EngineError, match=r"kbplug_run must be @hookimpl\(wrapper=True\)"):
        host.register(Plain())
    with pytest.raises(EngineError, match="kbplug_kernels cannot be a wrapper"):
        host.register(Wraps())
    assert not plugins.has_run_wrappers()


TRACER = """
from kbplug import hookimpl
from kbplug.engine import Check

@hookimpl
def kbplug_checks():
    return [Check("tracer", False, "Trace disk is full.")]

@hookimpl
def kbplug_report_header():
    return "tracer 1.0"
"""


def test_a_hook_plugin_loads_only_when_it_is_named(site, tmp_path, monkeypatch):
    site.install("tracer", TRACER, group="hooks")
    plugins.reset()
    assert not plugins.plugin_manager().get_plugins()
    file = tmp_path / "kbplug.json"
    file.write_text('{"plugins": {"hooks": ["tracer"]}}')
    monkeypatch.setenv("KBPLUG_CONFIG", str(file))
    plugins.reset()
    assert plugins.plugin_manager().has_plugin("kbplug-tracer::tracer")
    done = site.kbplug("doctor", "good", KBPLUG_CONFIG=str(file))
    assert "No engine named 'good'" in done.stderr
    site.install("good")
    done = site.kbplug("doctor", "good", KBPLUG_CONFIG=str(file))
    assert "failed: tracer. Trace disk is full." in done.stdout
    assert "tracer 1.0" in done.stdout
    assert done.returncode == 1


def test_a_hook_plugin_for_another_api_is_not_imported(site, monkeypatch):
    site.install("late", "1 / 0", group="hooks", manifest='api = ">=2,<3"')
    monkeypatch.setenv("KBPLUG_HOOKS", "late")
    plugins.reset()
    with pytest.warns(KbplugWarning, match="'late' was not loaded: kbplug-late 1.0 works with engine API >=2,<3"):
        plugins.plugin_manager()


@pytest.mark.parametrize(
    ("source", "message"),
    [("1 / 0", "'bad' was not loaded: ZeroDivisionError"), (None, "No hook plugin named 'bad' .*kbplug.json:1:23")],
)
def test_a_hook_plugin_that_fails_is_a_warning(site, tmp_path, monkeypatch, source, message):
    if source:
        site.install("bad", source, group="hooks")
    file = tmp_path / "kbplug.json"
    file.write_text('{"plugins": {"hooks": ["bad"]}}')
    monkeypatch.setenv("KBPLUG_CONFIG", str(file))
    plugins.reset()
    with pytest.warns(KbplugWarning, match=message):
        plugins.plugin_manager()
    site.install("good")
    done = site.kbplug("doctor", "good", "--json", KBPLUG_CONFIG=str(file))
    assert '"name": "hooks of bad"' in done.stdout


def test_a_hook_plugin_that_hangs_leaves_doctor_alive(site, tmp_path):
    site.install("bad", "import time\ntime.sleep(600)", group="hooks")
    site.install("good")
    file = tmp_path / "kbplug.json"
    file.write_text('{"plugins": {"hooks": ["bad"]}}')
    done = site.kbplug("doctor", "good", "--timeout", "2", KBPLUG_CONFIG=str(file))
    assert "failed: hook plugins. It did not answer within 2 seconds" in done.stdout


def test_an_engines_own_bad_hook_leaves_the_engine(site):
    site.install(
        "moody",
        """
        from kbplug import hookimpl
        from kbplug.engine import Engine

        class Moody(Engine):
            name = "moody"

        @hookimpl
        def kbplug_engine(name):
            return Moody()

        @hookimpl
        def kbplug_passes(engine):
            raise RuntimeError("not today")
        """,
    )
    moody = kbplug.set_engine("moody")
    with pytest.warns(KbplugWarning, match="'kbplug-moody::moody' raised RuntimeError: not today"):
        assert plugins.passes_for(moody) == ()
    assert kbplug.engine() is moody


def test_an_engine_whose_plugin_fails_to_configure_says_why(site):
    site.install(
        "unready",
        """
        from kbplug import hookimpl

        @hookimpl
        def kbplug_configure(settings):
            raise RuntimeError("not ready")

        @hookimpl
        def kbplug_engine(name):
            raise AssertionError
        """,
    )
    with pytest.warns(KbplugWarning, match="not ready"), pytest.raises(EngineError, match="RuntimeError: not ready"):
        kbplug.set_engine("unready")


def test_the_manager_is_pluggys(host):
    assert isinstance(host, pluggy.PluginManager)
    assert host.project_name == "kbplug"
    assert plugins.plugin_manager() is host


def test_bad_settings_do_not_leave_a_half_built_manager(monkeypatch):
    plugins.reset()
    monkeypatch.setenv("KBPLUG_RNG", "dice")
    for _ in range(2):
        with pytest.raises(SettingsError):
            plugins.plugin_manager()
