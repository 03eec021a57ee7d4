"""Writing the settings file: whole or not at all."""

import json
import os

import pytest

from kbplug import config
from kbplug.config import edit
from kbplug.errors import SettingsError


def test_init_writes_kerass_four_keys_and_never_over_a_file(file):
    assert edit.init() == file
    assert json.loads(file.read_text()) == {
        "image_data_format": "channels_last",
        "epsilon": 1e-07,
        "floatx": "float32",
        "backend": "numpy",
    }
    with pytest.raises(SettingsError, match="exists already"):
        edit.init()


@pytest.mark.parametrize(
    ("name", "text", "kept", "written"),
    [
        ("floatx", "float64", "float64", {"floatx": "float64"}),
        ("epsilon", "1e-5", 1e-5, {"epsilon": 1e-5}),
        ("epsilon", "1", 1.0, {"epsilon": 1}),
        ("device", "null", None, {"device": None}),
        ("fallback", "numpy,torch", ("numpy", "torch"), {"fallback": ["numpy", "torch"]}),
        ("fallback", '["numpy"]', ("numpy",), {"fallback": ["numpy"]}),
        ("plugins.block", "torch", ("torch",), {"plugins": {"block": ["torch"]}}),
        ("plugins.allow", "torch,jax", ("torch", "jax"), {"plugins": {"allow": ["torch", "jax"]}}),
        ("options.torch.threads", "4", {"torch": {"threads": 4}}, {"options": {"torch": {"threads": 4}}}),
        ("options.torch", '{"a": "b"}', {"torch": {"a": "b"}}, {"options": {"torch": {"a": "b"}}}),
    ],
)
def test_one_key_is_set(file, name, text, kept, written):
    where, value = edit.assign(name, text)
    assert (where, value) == (file, kept)
    assert json.loads(file.read_text()) == written
    config.settings()


def test_what_is_there_already_stays(file):
    file.write_text('{"floatx": "float64", "plugins": {"block": ["a"]}, "ours": "ü"}', encoding="utf-8")
    edit.assign("plugins.hooks", "tracer")
    kept = {"floatx": "float64", "plugins": {"block": ["a"], "hooks": ["tracer"]}, "ours": "ü"}
    assert json.loads(file.read_text(encoding="utf-8")) == kept


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("floatX", "float64", r"There is no setting 'floatX'. Did you mean 'floatx'\?"),
        ("safe", "true", "There is no setting 'safe'"),
        ("plugins", "{}", "There is no setting 'plugins'"),
        ("epsilon", "NaN", "kbplug config set epsilon: epsilon is nan"),
        ("epsilon", "small", "epsilon is 'small'"),
        ("options.torch", "4", "an object that gives each engine an object of options"),
        ("floatx.deep", "1", "There is no setting 'floatx.deep'"),
    ],
)
def test_a_bad_call_leaves_the_file_alone(file, name, text, message):
    file.write_text('{"floatx": "float64"}')
    with pytest.raises(SettingsError, match=message):
        edit.assign(name, text)
    assert file.read_text() == '{"floatx": "float64"}'


def test_a_damaged_file_is_not_overwritten(file):
    file.write_text('{"floatx": ')
    with pytest.raises(SettingsError, match="this is not JSON"):
        edit.assign("floatx", "float32")
    assert file.read_text() == '{"floatx": '
    file.write_text('{"plugins": 3}')
    with pytest.raises(SettingsError, match="plugins is 3, but it must be an object"):
        edit.assign("plugins.block", "a")


def test_a_crash_while_writing_leaves_the_old_file_and_no_rubbish(file, monkeypatch):
    file.write_text('{"floatx": "float64"}')

    def crash(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(SettingsError, match="cannot be written: No space left on device"):
        edit.assign("floatx", "float32")
    assert file.read_text() == '{"floatx": "float64"}'
    assert list(file.parent.iterdir()) == [file]


def test_a_link_stays_a_link_and_permissions_stay(file, tmp_path):
    real = tmp_path / "dotfiles.json"
    real.write_text("{}")
    real.chmod(0o600)
    file.symlink_to(real)
    edit.assign("floatx", "float64")
    assert file.is_symlink()
    assert json.loads(real.read_text()) == {"floatx": "float64"}
    assert real.stat().st_mode & 0o777 == 0o600


def test_the_directory_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("KBPLUG_CONFIG", str(tmp_path / "new" / "deep" / "mine.json"))
    assert edit.init().exists()


def test_keras_settings_are_read_from_its_home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(SettingsError, match=r"Keras has no settings at .*keras.json"):
        edit.from_keras()
    text = '{"image_data_format": "channels_first", "epsilon": 1e-07, "floatx": "float16", "backend": "torch", "x": 1}'
    (tmp_path / "keras.json").write_text(text)
    assert edit.from_keras() == {
        "image_data_format": "channels_first",
        "epsilon": 1e-07,
        "floatx": "float16",
        "backend": "torch",
    }
    (tmp_path / "keras.json").write_text('{"floatx": "float8"}')
    with pytest.raises(SettingsError, match=r"keras.json: floatx is 'float8'"):
        edit.from_keras()
