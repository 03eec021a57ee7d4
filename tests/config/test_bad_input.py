"""What people do to a settings file and to variables, and the one sentence they get for it."""

import os

import pytest

from kbplug import config
from kbplug.errors import KbplugWarning, SettingsError

FILES = {
    "empty file": ("", "kbplug.json:1:1: this is not JSON"),
    "truncated": ('{\n  "backend": "num', "kbplug.json:2:14: this is not JSON: Unterminated string"),
    "no closing brace": ('{\n  "backend": "numpy"\n', "kbplug.json:3:1: this is not JSON"),
    "trailing comma": ('{"backend": "numpy",}', "kbplug.json:1:2[01]: this is not JSON"),
    "a comment": ("{\n// mine\n}", "kbplug.json:2:1: this is not JSON"),
    "curly quotes": (
        "{\n  “backend”: “numpy”\n}",
        "kbplug.json:2:3: the curly quote “ is not JSON's; type a straight \"",
    ),
    "curly closing quote": ('{"backend": "numpy”}', "kbplug.json:1:19: the curly quote ”"),
    "a list": ("[1]", r"kbplug.json:1:1: the settings must be one JSON object \{...\}, not \[1\]"),
    "a string": ('"numpy"', "must be one JSON object"),
    "null": ("null", "must be one JSON object"),
    "a key twice": ('{"rng": "native",\n "rng": "portable"}', "kbplug.json:2:2: 'rng' is set twice"),
    "NaN epsilon": ('{"epsilon": NaN}', "kbplug.json:1:13: epsilon is nan, but it must be a finite number above zero"),
    "infinite epsilon": ('{"epsilon": Infinity}', "epsilon is inf, but it must be a finite number above zero"),
    "negative epsilon": ('{"epsilon": -1e-7}', "epsilon is -1e-07, but it must be a finite number above zero"),
    "epsilon of zero": ('{"epsilon": 0}', "a finite number above zero"),
    "epsilon a string": ('{"epsilon": "1e-7"}', "epsilon is '1e-7', but it must be a finite number"),
    "epsilon a boolean": ('{"epsilon": true}', "epsilon is True, but it must be a finite number"),
    "unknown floatx": ('{"floatx": "float31"}', r"kbplug.json:1:12: floatx is 'float31', .* Did you mean 'float32'\?"),
    "floatx an integer type": ('{"floatx": "int32"}', "floatx is 'int32', but it must be one of float16"),
    "floatx a list": ('{"floatx": ["float32"]}', r"floatx is \['float32'\], but it must be one of float16"),
    "floatx null": ('{"floatx": null}', "floatx is None"),
    "unknown format": (
        '{"image_data_format": "channel_last"}',
        r"'channels_last' or .* Did you mean 'channels_last'\?",
    ),
    "unknown rng": ('{"rng": "portible"}', r"Did you mean 'portable'\?"),
    "backend a module path": ('{"backend": "my.module:attribute"}', "must be the name of an engine"),
    "backend a file": ('{"backend": "../evil.py"}', "must be the name of an engine"),
    "backend empty": ('{"backend": ""}', "must be the name of an engine"),
    "backend null": ('{"backend": null}', "must be the name of an engine"),
    "device a number": ('{"device": 0}', "device is 0, but it must be a device such as 'cpu'"),
    "fallback a string": ('{"fallback": "numpy"}', "fallback is 'numpy', but it must be a list of names"),
    "fallback of numbers": ('{"fallback": [1]}', "must be the name of an engine"),
    "plugins a list": (
        '{\n "plugins": []}',
        "kbplug.json:2:13: plugins is .*must be an object with allow, block or hooks",
    ),
    "block a string": ('{"plugins": {"block": "torch"}}', "kbplug.json:1:23: plugins.block is 'torch'"),
    "block null": ('{"plugins": {"block": null}}', "plugins.block is None, but it must be a list of names"),
    "options a list": ('{"options": []}', "options is .*, but it must be an object that gives each engine"),
    "options flat": ('{"options": {"threads": 4}}', "an object that gives each engine an object of options"),
    "key twice below": ('{"plugins": {"block": [], "block": []}}', "kbplug.json:1:27: 'block' is set twice"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_one_clear_error(file, name):
    text, message = FILES[name]
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=message) as caught:
        config.settings()
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_escaped_keys_and_a_byte_order_mark_are_json_too(file):
    file.write_text('\ufeff{"\\u0072ng": "portable", "options": {"a}": {"{": "}"}}, "device": "}"}'.replace("a}", "a"))
    assert (config.settings().rng, config.settings().device) == ("portable", "}")


UNKNOWN = {
    "a slip": ('{"floatX": "float64"}', r"kbplug.json:1:12: there is no setting 'floatX', .* Did you mean 'floatx'\?"),
    "a slip below": (
        '{"plugins": {"blok": []}}',
        r"there is no setting 'plugins.blok'.* Did you mean 'plugins.block'\?",
    ),
    "far from anything": ('{"xyzzy": 1}', r"there is no setting 'xyzzy', so it is ignored\.$"),
    "what only a variable sets": ('{"safe": true}', "there is no setting 'safe'"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_key_is_a_warning(file, name):
    text, message = UNKNOWN[name]
    file.write_text(text)
    with pytest.warns(KbplugWarning, match=message):
        assert config.settings().floatx == "float32"


VARIABLES = {
    ("KBPLUG_EPSILON", "nan"): "^KBPLUG_EPSILON: epsilon is nan, but it must be a finite number above zero",
    ("KBPLUG_EPSILON", "tiny"): "epsilon is 'tiny'",
    ("KBPLUG_FLOATX", "double"): "KBPLUG_FLOATX: floatx is 'double'",
    ("KBPLUG_BACKEND", "no/such"): "KBPLUG_BACKEND: backend is 'no/such', but it must be the name of an engine",
    ("KBPLUG_RNG", "Native"): r"Did you mean 'native'\?",
    ("KBPLUG_IMAGE_DATA_FORMAT", "NHWC"): "'channels_last' or 'channels_first'",
    ("KBPLUG_BLOCK", "a,b/c"): "plugins.block is .*must be the name of an engine",
    ("KBPLUG_SAFE", "2"): "KBPLUG_SAFE is '2', but it must be 1, true, yes, on, 0, false, no or off",
    ("KBPLUG_SAFE", "maybe"): "KBPLUG_SAFE is 'maybe'",
}


@pytest.mark.parametrize(("variable", "text"), VARIABLES)
def test_a_bad_variable_is_one_clear_error(monkeypatch, variable, text):
    monkeypatch.setenv(variable, text)
    with pytest.raises(SettingsError, match=VARIABLES[variable, text]):
        config.settings()


def test_floatx_takes_no_near_miss_from_a_variable(monkeypatch):
    monkeypatch.setenv("KBPLUG_FLOATX", "flaot64")
    with pytest.raises(SettingsError, match=r"Did you mean 'float64'\?"):
        config.settings()


@pytest.mark.parametrize(("name", "near"), [("KBPLUG_BACKND", "KBPLUG_BACKEND"), ("KBPLUG_DEVICES", "KBPLUG_DEVICE")])
def test_a_misspelt_variable_is_a_warning(monkeypatch, name, near):
    monkeypatch.setenv(name, "cpu")
    with pytest.warns(KbplugWarning, match=rf"does not read {name}. Did you mean '{near}'\?"):
        config.settings()


def test_other_variables_of_the_same_prefix_are_none_of_our_business(monkeypatch):
    monkeypatch.setenv("KBPLUG_BENCHMARK_REPEATS", "3")
    config.settings()


def test_a_directory_in_the_files_place(file):
    file.mkdir()
    with pytest.raises(SettingsError, match=r"kbplug.json is a directory, but the settings are a JSON file"):
        config.settings()


def test_a_directory_in_the_homes_place_of_another_name(file, monkeypatch):
    monkeypatch.setenv("KBPLUG_CONFIG", str(file.parent))
    with pytest.raises(SettingsError, match="is a directory"):
        config.settings()


def test_a_named_file_must_exist_but_the_usual_one_need_not(file, monkeypatch):
    assert config.settings().backend == "numpy"
    config.reset()
    monkeypatch.setenv("KBPLUG_CONFIG", str(file))
    with pytest.raises(
        SettingsError, match=r"KBPLUG_CONFIG names .* which does not exist; create it with `kbplug config"
    ):
        config.settings()


def test_a_file_that_may_not_be_read(file, monkeypatch):
    file.write_text("{}")
    file.chmod(0)
    if os.access(file, os.R_OK):  # the superuser reads everything

        def refuse(*args, **keywords):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(type(file), "read_text", refuse)
    with pytest.raises(SettingsError, match=r"kbplug.json cannot be read: Permission denied\."):
        config.settings()


def test_a_path_through_a_file(file, monkeypatch):
    file.write_text("{}")
    monkeypatch.setenv("KBPLUG_CONFIG", str(file / "kbplug.json"))
    with pytest.raises(SettingsError, match="cannot be read: Not a directory"):
        config.settings()


def test_bytes_that_are_no_text(file):
    file.write_bytes(b'{"backend": "\xff\xfe"}')
    with pytest.raises(SettingsError, match="is not UTF-8 text"):
        config.settings()
