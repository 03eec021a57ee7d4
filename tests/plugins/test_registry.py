"""Which engines there are and which one a name means."""

import json
import os
from pathlib import Path

import pytest

import kbplug
from kbplug import plugins
from kbplug.errors import EngineError
from kbplug.plugins import discovery, registry

STATUS = (
    "import json, kbplug; print(json.dumps({f'{i.dist}::{i.name}': [i.status, i.cause] for i in kbplug.engines()}))"
)
RAISES = "raise AssertionError('imported')"


def statuses(site, **keywords):
    done = site.run("-c", STATUS, **keywords)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_engine_is_listed_with_its_distribution_and_manifest(site):
    manifest = 'name = "Fast.Arrays"\napi = ">=1,<2"\nkind = "graph"\ndevices = ["cuda"]\n[capabilities]\nfft = false\n'
    site.install("fast_arrays", RAISES, manifest=manifest, version="2.5")
    info = {info.name: info for info in kbplug.engines()}["fast-arrays"]
    assert (info.dist, info.version, info.status, info.cause) == ("kbplug-fast-arrays", "2.5", "ready to load", "")
    assert (info.manifest.kind, info.manifest.devices) == ("graph", ("cuda",))
    assert info.manifest.capabilities == {"fft": False}


@pytest.mark.parametrize("name", ["fast-arrays", "Fast_Arrays", "fast.arrays", "kbplug-fast-arrays::fast-arrays"])
def test_names_are_normalised(site, name):
    site.install("fast_arrays")
    assert kbplug.engine(name).name == "fast_arrays"


def test_the_builtin_engine_needs_no_scan(site):
    assert kbplug.engine().name == kbplug.set_engine("numpy").name == "numpy"
    assert discovery.discover.cache_info().misses == 0


def test_the_metadata_is_scanned_once_until_refresh(site):
    kbplug.engines()
    site.install("late")
    assert "late" not in {info.name for info in kbplug.engines()}
    assert discovery.discover.cache_info().misses == 1
    plugins.refresh()
    assert "late" in {info.name for info in kbplug.engines()}


def test_refresh_tries_again_what_failed(site):
    site.install("flaky", "raise ImportError('half installed')")
    with pytest.raises(EngineError, match="half installed"):
        kbplug.engine("flaky")
    site.install("flaky")
    with pytest.raises(EngineError, match="half installed"):
        kbplug.engine("flaky")
    plugins.refresh()
    assert kbplug.engine("flaky").name == "flaky"


def test_the_root_cause_is_chained_each_time(site):
    site.install("flaky", "import no_such_module_anywhere")
    for _ in range(2):
        with pytest.raises(EngineError) as caught:
            kbplug.engine("flaky")
        assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_two_distributions_of_one_name_neither_wins(site):
    site.install("twin", dist="kbplug-one")
    site.install("twin", dist="kbplug-two")
    infos = [info for info in kbplug.engines() if info.name == "twin"]
    assert [info.status for info in infos] == ["conflict", "conflict"]
    with pytest.raises(EngineError, match=r"select 'kbplug-(one|two)::twin' or 'kbplug-(one|two)::twin'"):
        kbplug.engine("twin")
    one, two = kbplug.engine("kbplug-one::twin"), kbplug.engine("kbplug-two::twin")
    assert type(one).__module__ == "kbplug_one"
    assert type(two).__module__ == "kbplug_two"


def test_blocking_one_of_two_settles_the_conflict(site, monkeypatch):
    site.install("twin", dist="kbplug-one")
    site.install("twin", dist="kbplug-two")
    monkeypatch.setenv("KBPLUG_BLOCK", "kbplug-two")
    assert type(kbplug.engine("twin")).__module__ == "kbplug_one"


def test_a_conflict_does_not_hide_an_incompatible_api(site):
    site.install("twin", RAISES, dist="kbplug-one", manifest='api = ">=99"')
    site.install("twin", dist="kbplug-two")
    with pytest.raises(EngineError, match=r"works with engine API >=99"):
        kbplug.engine("kbplug-one::twin")


def test_a_builtin_engine_cannot_be_shadowed(site):
    site.install("numpy", RAISES, dist="kbplug-evil")
    info = next(info for info in kbplug.engines() if info.dist == "kbplug-evil")
    assert info.status == "conflict"
    assert "built in and cannot be shadowed" in info.cause
    assert registry.select("numpy").builtin


def test_one_distribution_found_twice_is_one(site, tmp_path, monkeypatch):
    site.install("twice")
    monkeypatch.syspath_prepend(str(tmp_path / "link"))
    (tmp_path / "link").symlink_to(site.path)
    assert [info.name for info in kbplug.engines()].count("twice") == 1
    assert kbplug.engine("twice").name == "twice"


def test_an_older_copy_further_down_the_path_is_hidden(site, tmp_path):
    site.install("twice", version="2.0")
    older = type(site)(tmp_path / "older")
    older.install("twice", RAISES, version="1.0")
    found = statuses(site, PYTHONPATH=os.pathsep.join([str(site.path), str(older.path), str(Path.cwd())]))
    assert found["kbplug-twice::twice"][0] == "ready to load"
    done = site.run(
        "-c",
        "import kbplug; print([i.version for i in kbplug.engines() if i.name == 'twice'])",
        PYTHONPATH=os.pathsep.join([str(site.path), str(older.path), str(Path.cwd())]),
    )
    assert done.stdout.strip() == "['2.0']"


@pytest.mark.parametrize("by", ["-c", "-m"])
def test_what_lies_in_the_working_directory_is_not_trusted(site, tmp_path, by):
    here = tmp_path / "project"
    (here / "evil.egg-info").mkdir(parents=True)
    (here / "evil.py").write_text("open('was_imported', 'w')")
    (here / "evil.egg-info" / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 6.66\n")
    (here / "evil.egg-info" / "entry_points.txt").write_text("[kbplug.engines]\nevil = evil\n")
    status, cause = statuses(site, cwd=here)["evil::evil"]
    assert status == "untrusted"
    assert "KBPLUG_ALLOW=evil" in cause
    select = ["-c", "import kbplug; kbplug.engine('evil')"] if by == "-c" else ["-m", "kbplug", "doctor", "evil"]
    done = site.run(*select, cwd=here)
    assert done.returncode == 1
    assert "lies in the working directory" in done.stderr + done.stdout
    assert not (here / "was_imported").exists()
    assert statuses(site, cwd=here, KBPLUG_ALLOW="evil")["evil::evil"][0] == "ready to load"


def test_what_lies_in_the_working_directory_hides_nothing_installed(site, tmp_path):
    site.install("good")
    here = tmp_path / "project"
    (here / "kbplug_good.egg-info").mkdir(parents=True)
    (here / "kbplug_good.egg-info" / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: kbplug-good\nVersion: 9\n")
    (here / "kbplug_good.egg-info" / "entry_points.txt").write_text("[kbplug.engines]\ngood = evil\n")
    assert statuses(site, cwd=here)["kbplug-good::good"] == ["ready to load", ""]


def test_damaged_metadata_of_others_is_no_obstacle(site):
    site.install("good")
    for name, text in (("empty", ""), ("binary", "\x00\x01"), ("odd", "[kbplug.engines\nx y z\n= =\n")):
        (site.path / f"{name}-1.dist-info").mkdir()
        (site.path / f"{name}-1.dist-info" / "entry_points.txt").write_text(text)
    (site.path / "nothing-1.dist-info").mkdir()
    assert statuses(site)["kbplug-good::good"][0] == "ready to load"


def test_an_entry_point_may_name_an_object(site):
    source = """
    from kbplug import hookimpl
    from kbplug.engine import Engine

    class Plugin:
        @hookimpl
        def kbplug_engine(self, name):
            engine = Engine()
            engine.name = name
            return engine

    plugin = Plugin()
    """
    site.install("object", source, value="kbplug_object:plugin")
    assert kbplug.engine("object").name == "object"


@pytest.mark.parametrize("name", ["blocked", "Blocked", "kbplug-blocked", "kbplug_blocked::blocked"])
def test_a_blocked_engine_is_listed_and_not_loaded(site, monkeypatch, name):
    site.install("blocked", RAISES)
    monkeypatch.setenv("KBPLUG_BLOCK", f"other, {name}")
    info = next(info for info in kbplug.engines() if info.name == "blocked")
    assert (info.status, info.cause) == ("blocked", "It is blocked by KBPLUG_BLOCK.")
    with pytest.raises(EngineError, match=r"may not load.*blocked by KBPLUG_BLOCK"):
        kbplug.engine("blocked")


def test_only_what_is_allowed_loads(site, monkeypatch):
    site.install("wanted")
    site.install("other", RAISES)
    monkeypatch.setenv("KBPLUG_ALLOW", "wanted")
    assert kbplug.engine("wanted").name == "wanted"
    with pytest.raises(EngineError, match=r"not among those allowed by KBPLUG_ALLOW"):
        kbplug.engine("other")
    assert registry.select("numpy").builtin


def test_safe_mode_does_not_even_look(site, monkeypatch):
    site.install("good", RAISES)
    monkeypatch.setenv("KBPLUG_SAFE", "1")
    assert [info.name for info in kbplug.engines()] == ["numpy"]
    with pytest.raises(EngineError, match=r"'good' is not built in, and KBPLUG_SAFE lets only numpy load"):
        kbplug.engine("good")
    assert discovery.discover.cache_info().currsize == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mlx", r"No engine named 'mlx' is installed. It exists: run `pip install kbplug-mlx`"),
        ("mlxx", r"Did you mean 'mlx'\? It is not installed: run `pip install kbplug-mlx`"),
        ("goood", r"Did you mean 'good'\? Installed: numpy \(built in\), .*good \(kbplug-good 1.0\)"),
        ("xyzzy", r"'xyzzy' is installed. .* by custom kbplug-xyzzy: .* `pip install kbplug-xyzzy`. Installed: numpy"),
        ("kbplug-other::good", r"'kbplug-other::good' is installed. .* `pip install kbplug-other`\."),
    ],
)
def test_an_unknown_engine_is_met_with_advice(site, name, message):
    site.install("good")
    with pytest.raises(EngineError, match=message):
        kbplug.engine(name)


@pytest.mark.parametrize("name", ["", "::strict", "strict::", "../x", "a b", 3, b"numpy", None.__class__])
def test_what_is_no_name_is_refused_without_a_look_or_a_package_to_install(name):
    with pytest.raises(EngineError, match=r" is not the name of an engine, such as 'numpy', or 'dist.*::name'\.$"):
        kbplug.engine(name)


def test_the_error_names_the_setting_that_asked(site, tmp_path, monkeypatch):
    file = tmp_path / "kbplug.json"
    file.write_text('{\n  "backend": "xyzzy"\n}')
    monkeypatch.setenv("KBPLUG_CONFIG", str(file))
    with pytest.raises(EngineError, match=rf"'xyzzy' \(from {file}:2:14\)"):
        kbplug.engine()


def test_missing_requirements_are_named_but_not_enforced(site):
    site.install("good", manifest='requires = ["no-such-library>=3", "pluggy>=1"]')
    info = next(info for info in kbplug.engines() if info.name == "good")
    advice = "run `pip install 'no-such-library>=3'`"
    assert info.status == "ready to load"
    assert info.cause == f"It asks for no-such-library>=3, which is not installed: {advice}."
    assert kbplug.engine("good").name == "good"


@pytest.mark.skipif(os.name != "posix", reason="only there are devices files")
def test_an_engine_whose_devices_are_not_here_is_listed_with_the_reason(site, tmp_path):
    file = tmp_path / "device"
    site.install("good", manifest=f"devices = ['abc']\ndevice_files = ['/no/such/file', '{file}']")

    def cause():
        return next(info for info in kbplug.engines() if info.name == "good").cause

    assert cause() == f"No ABC device is here: there is no /no/such/file and no {file}."
    file.touch()
    assert cause() == ""


@pytest.mark.parametrize("requirement", ["cupy >= ", "a; python_version < 'x' and nonsense == 1", "", "kbplug===?"])
def test_a_misspelt_requirement_is_shown_as_missing(site, requirement):
    site.install("good", manifest=f"requires = [{json.dumps(requirement)}]")
    info = next(info for info in kbplug.engines() if info.name == "good")
    assert info.status == "ready to load"
    assert "which is not installed" in info.cause


def test_an_option_that_an_engine_has_not_is_told_with_its_place(site, tmp_path, monkeypatch):
    file = tmp_path / "kbplug.json"
    file.write_text('{"options": {"numpy": {"thraeds": 4}}}')
    monkeypatch.setenv("KBPLUG_CONFIG", str(file))
    with pytest.raises(EngineError, match=rf"no options, .* Its options, from {file}:1:13, are thraeds\."):
        kbplug.engine("numpy")


def test_options_reach_the_engine(site, tmp_path, monkeypatch):
    site.install("good")
    file = tmp_path / "kbplug.json"
    file.write_text('{"options": {"Good": {"threads": 4}}}')
    monkeypatch.setenv("KBPLUG_CONFIG", str(file))
    assert kbplug.engine("good").options == {"threads": 4}


def test_an_engine_that_asks_for_itself_is_told_so(site):
    site.install("narcissus", "import kbplug\nkbplug.engine('narcissus')")
    with pytest.raises(EngineError, match="asks for itself"):
        kbplug.engine("narcissus")
