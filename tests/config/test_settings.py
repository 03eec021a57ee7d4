"""What wins over what, and where each value came from."""

import gc
import json
import math
import subprocess
import sys
from pathlib import Path
from timeit import repeat

import pytest

from kbplug import config
from kbplug.config.keys import KEYS
from kbplug.config.settings import change, enter, leave
from kbplug.errors import SettingsError

FOUR_KEYS = {"image_data_format": "channels_first", "epsilon": 1e-05, "floatx": "float64", "backend": "torch"}


def test_the_defaults_are_keras():
    found = config.settings()
    assert (found.image_data_format, found.epsilon, found.floatx) == ("channels_last", 1e-7, "float32")
    assert (found.backend, found.device, found.rng, found.fallback) == ("numpy", None, "native", ())
    assert found.plugins == config.Plugins(allow=None, block=(), hooks=())
    assert (dict(found.options), found.safe) == ({}, False)
    assert {found.origin(name) for name in KEYS} == {"default"}


def test_keras_four_keys_are_enough(file):
    file.write_text(json.dumps(FOUR_KEYS))
    assert {name: getattr(config.settings(), name) for name in FOUR_KEYS} == FOUR_KEYS


def test_everything_a_file_may_hold(file):
    file.write_text(
        """\
{
  "device": "cuda:0", "rng": "portable", "fallback": ["NumPy"],
  "plugins": {"allow": ["torch"], "block": ["a", "B_b"],
              "hooks": ["tracer"]},
  "options": {"Torch": {"threads": 2, "list": [1]}}
}"""
    )
    found = config.settings()
    assert (found.device, found.rng, found.fallback) == ("cuda:0", "portable", ("numpy",))
    assert found.plugins == config.Plugins(allow=("torch",), block=("a", "b-b"), hooks=("tracer",))
    assert {name: dict(options) for name, options in found.options.items()} == {"torch": {"threads": 2, "list": [1]}}
    assert found.origin("rng") == f"{file}:2:30"
    assert found.origin("plugins.hooks") == f"{file}:4:24"
    assert found.origin("options") == f"{file}:5:14"


VARIABLES = [
    ("KBPLUG_BACKEND", "Torch", "backend", "torch"),
    ("KBPLUG_BACKEND", "kbplug_torch::Torch", "backend", "kbplug-torch::torch"),
    ("KBPLUG_FLOATX", "bfloat16", "floatx", "bfloat16"),
    ("KBPLUG_EPSILON", "1", "epsilon", 1.0),
    ("KBPLUG_EPSILON", " 1e-3 ", "epsilon", 1e-3),
    ("KBPLUG_IMAGE_DATA_FORMAT", "channels_first", "image_data_format", "channels_first"),
    ("KBPLUG_DEVICE", "cpu", "device", "cpu"),
    ("KBPLUG_DEVICE", "auto", "device", None),
    ("KBPLUG_RNG", "portable", "rng", "portable"),
    ("KBPLUG_FALLBACK", "torch, numpy,", "fallback", ("torch", "numpy")),
    ("KBPLUG_SAFE", "Yes", "safe", True),
    ("KBPLUG_SAFE", "0", "safe", False),
    ("KBPLUG_SAFE", "off", "safe", False),
]


@pytest.mark.parametrize("case", VARIABLES, ids=lambda case: "=".join(case[:2]))
def test_the_environment_goes_over_the_file(file, monkeypatch, case):
    variable, text, key, value = case
    file.write_text(json.dumps({**FOUR_KEYS, "device": "file", "rng": "native", "fallback": ["file"]}))
    monkeypatch.setenv(variable, text)
    assert getattr(config.settings(), key) == value
    assert config.settings().origin(key) == variable


@pytest.mark.parametrize("variable", [key.variable for key in KEYS.values() if key.variable] + ["KBPLUG_SAFE"])
@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_variable_is_unset(monkeypatch, variable, text):
    before = config.settings()
    config.reset()
    monkeypatch.setenv(variable, text)
    assert config.settings() == before
    assert not config.settings().origins


def test_a_scope_keeps_what_the_scope_around_it_changed():
    outer = enter({"rng": "portable"}, "outer")
    inner = enter({"backend": "cupy"}, "inner")
    found = config.settings()
    leave(inner)
    after = config.settings()
    leave(outer)
    assert (found.rng, found.backend, found.origin("rng"), found.origin("backend")) == (
        "portable",
        "cupy",
        "outer",
        "inner",
    )
    assert (after.rng, after.backend) == ("portable", "numpy")


def test_calls_go_over_the_environment_and_scopes_over_calls(monkeypatch):
    monkeypatch.setenv("KBPLUG_FLOATX", "float16")
    monkeypatch.setenv("KBPLUG_BACKEND", "torch")
    config.set_floatx("float64")
    change("backend", "jax", "set_engine()")
    assert (config.settings().floatx, config.settings().origin("floatx")) == ("float64", "set_floatx()")
    token = enter({"backend": "cupy"}, "engine_scope()")
    assert (config.settings().backend, config.settings().origin("backend")) == ("cupy", "engine_scope()")
    assert (config.settings().floatx, config.settings().origin("floatx")) == ("float64", "set_floatx()")
    config.set_floatx("float16")
    assert config.settings().floatx == "float16"
    leave(token)
    assert config.settings().backend == "jax"


def test_block_lists_add_up_and_allow_lists_do_not(file, monkeypatch):
    file.write_text('{"plugins": {"block": ["a", "b"], "allow": ["x"]}}')
    monkeypatch.setenv("KBPLUG_BLOCK", "b,c")
    monkeypatch.setenv("KBPLUG_ALLOW", "y")
    assert config.settings().plugins == config.Plugins(allow=("y",), block=("a", "b", "c"))
    assert config.settings().origin("plugins.block") == f"{file}:1:23, KBPLUG_BLOCK"


@pytest.mark.parametrize(
    ("setter", "key", "good"),
    [
        (config.set_floatx, "floatx", {"float16": "float16", "bfloat16": "bfloat16"}),
        (config.set_epsilon, "epsilon", {1: 1.0, 1e-5: 1e-5}),
        (config.set_image_data_format, "image_data_format", {"channels_first": "channels_first"}),
        (config.set_rng, "rng", {"portable": "portable"}),
    ],
)
def test_setters_check_and_a_bad_value_changes_nothing(setter, key, good):
    for value, kept in good.items():
        setter(value)
        assert getattr(config.settings(), key) == kept
        assert type(getattr(config.settings(), key)) is type(kept)
    before = config.settings()
    for value in (math.nan, -1, 0, True, "", "nonsense ", [], {}, object()):
        with pytest.raises(SettingsError, match=rf"^set_{key}\(\): {key} is .* but it must be"):
            setter(value)
    assert config.settings() is before


def test_a_numpy_dtype_is_a_floatx():
    np = pytest.importorskip("numpy")
    config.set_floatx(np.float64)
    assert config.settings().floatx == "float64"


def test_settings_cannot_be_written_to():
    with pytest.raises(AttributeError):
        config.settings().floatx = "float64"
    with pytest.raises(TypeError):
        config.settings().options["numpy"] = {}
    with pytest.raises(TypeError):
        config.settings().origins["floatx"] = "me"


def test_the_environment_is_read_once_and_changes_are_told(monkeypatch):
    monkeypatch.setenv("KBPLUG_FLOATX", "float64")
    assert config.environment_changes() == ()
    monkeypatch.delenv("KBPLUG_FLOATX")
    monkeypatch.setenv("KBPLUG_RNG", "portable")
    assert (config.settings().floatx, config.settings().rng) == ("float64", "native")
    assert config.environment_changes() == ("KBPLUG_FLOATX", "KBPLUG_RNG")
    config.reset()
    assert (config.settings().floatx, config.settings().rng) == ("float32", "portable")


def test_an_error_is_told_each_time_and_gone_once_mended(file):
    file.write_text("{")
    for _ in range(2):
        with pytest.raises(SettingsError):
            config.settings()
    file.write_text("{}")
    assert config.settings().backend == "numpy"


def test_reading_never_writes(file):
    code = "from kbplug import config; config.settings(); config.set_floatx('float64')"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert list(file.parent.iterdir()) == []


def test_importing_reads_nothing(file):
    file.write_text("{broken")
    subprocess.run([sys.executable, "-c", "import kbplug, kbplug.config, kbplug.plugins"], check=True)


def test_an_unknown_user_without_a_home_has_defaults(monkeypatch):
    monkeypatch.delenv("KBPLUG_HOME")

    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    assert config.settings().backend == "numpy"


def test_settings_are_found_fast():
    config.settings()
    gc.disable()
    try:
        seconds = min(repeat(config.settings, number=20_000, repeat=20)) / 20_000
    finally:
        gc.enable()
    assert seconds < 1e-6  # about 45 ns on an idle machine; the bound is for a busy one
