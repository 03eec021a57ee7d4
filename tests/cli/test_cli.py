"""The command: what it prints, its exit status, and that it starts fast."""

import json
import subprocess
import sys

import pytest

from kbplug import cli, config, plugins


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KBPLUG_HOME", str(tmp_path))
    plugins.reset()
    yield tmp_path
    plugins.reset()


@pytest.fixture
def kbplug(capsys):
    def run(*arguments):
        config.reset()
        status = cli.main(arguments)
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_engines_lists_the_builtin_and_names_what_could_be_installed(kbplug):
    status, out, _ = kbplug("engines")
    assert status == 0
    assert "numpy" in out
    assert "built in" in out
    assert "pip install kbplug-NAME" in out


def test_engines_as_json(kbplug):
    _, out, _ = kbplug("engines", "--json")
    found = json.loads(out)
    assert found["selected"] == "numpy"
    assert found["engines"][0]["name"] == "numpy"
    assert found["engines"][0]["manifest"] is None
    assert found["not_installed"]["mlx"] == "kbplug-mlx"


def test_a_long_cell_is_not_cut_off_in_a_pipe(kbplug, monkeypatch):
    monkeypatch.setenv("KBPLUG_FALLBACK", ",".join(f"engine-number-{number}" for number in range(20)))
    _, out, _ = kbplug("config", "show")
    row = next(line for line in out.splitlines() if line.startswith("fallback"))
    assert "engine-number-19" in row
    assert row.rstrip().endswith("KBPLUG_FALLBACK")


def test_config_show(kbplug, home, monkeypatch):
    (home / "kbplug.json").write_text('{"floatx": "float64"}')
    monkeypatch.setenv("KBPLUG_RNG", "portable")
    _, out, _ = kbplug("config", "show", "--json")
    found = json.loads(out)
    assert found["floatx"] == {"value": "float64", "origin": f"{home}/kbplug.json:1:12"}
    assert found["rng"] == {"value": "portable", "origin": "KBPLUG_RNG"}
    assert found["options"] == {"value": {}, "origin": "default"}
    assert "KBPLUG_RNG" in kbplug("config", "show")[1]
    assert kbplug("config") == kbplug("config", "show")


def test_config_init_set_and_show_belong_together(kbplug, home):
    assert kbplug("config", "init")[0] == 0
    assert kbplug("config", "set", "epsilon", "1e-3")[0] == 0
    status, out, _ = kbplug("config", "set", "plugins.block", "torch", "--json")
    assert json.loads(out) == {"file": f"{home}/kbplug.json", "written": {"plugins.block": ["torch"]}, "note": ""}
    _, out, _ = kbplug("config", "show", "--json")
    assert json.loads(out)["epsilon"]["value"] == 1e-3
    status, _, err = kbplug("config", "init")
    assert status == 1
    assert "exists already" in err


def test_config_set_refuses_an_engine_that_is_not_installed(kbplug, home):
    status, _, err = kbplug("config", "set", "backend", "mlx")
    assert status == 1
    assert "pip install kbplug-mlx" in err
    assert list(home.iterdir()) == []
    assert kbplug("config", "set", "backend", "numpy")[0] == 0


def test_a_stale_backend_can_be_mended(kbplug, home):
    (home / "kbplug.json").write_text('{"backend": "mxnet"}')
    assert kbplug("engines")[0] == 0
    assert kbplug("config", "set", "backend", "numpy")[0] == 0
    assert json.loads((home / "kbplug.json").read_text()) == {"backend": "numpy"}


@pytest.mark.parametrize(("backend", "kept"), [("numpy", True), ("theano", False)])
def test_import_keras_takes_over_what_it_can(kbplug, home, monkeypatch, backend, kept):
    monkeypatch.setenv("KERAS_HOME", str(home))
    (home / "keras.json").write_text(json.dumps({"floatx": "float64", "epsilon": 1e-5, "backend": backend}))
    status, out, _ = kbplug("config", "import-keras")
    written = json.loads((home / "kbplug.json").read_text())
    assert status == 0
    assert written == {"floatx": "float64", "epsilon": 1e-5, **({"backend": backend} if kept else {})}
    assert ("The backend was left as it is. No engine named 'theano'" in out) is not kept


@pytest.mark.parametrize(
    "command", [("engines",), ("engines", "--json"), ("config", "show"), ("config", "show", "--json")]
)
def test_bad_settings_are_one_line_and_status_1(kbplug, home, command):
    (home / "kbplug.json").write_text("{“backend”: 1}")
    status, out, err = kbplug(*command)
    assert (status, out) == (1, "")
    assert err.startswith("kbplug: ")
    assert err.count("\n") == 1
    assert "curly quote" in err


def test_engines_says_that_the_selected_one_is_missing(kbplug, monkeypatch):
    monkeypatch.setenv("KBPLUG_BACKEND", "mlx")
    status, out, _ = kbplug("engines")
    assert status == 0
    assert "No engine named 'mlx' (from KBPLUG_BACKEND) is installed." in out


def test_ops_are_listed_by_name_and_by_chapter(kbplug):
    status, out, _ = kbplug("ops", "sin*")
    assert status == 0
    assert "sin(x, /)" in out
    assert "tanh" not in out
    found = json.loads(kbplug("ops", "elementwise", "--json")[1])
    assert {op["chapter"] for op in found} == {"elementwise"}
    tanh = next(op for op in found if op["name"] == "tanh")
    assert tanh["signature"] == "(x, /)"
    assert tanh["derivative"] == "rule"
    assert tanh["doc"]


def test_an_unknown_op_is_status_1_with_advice(kbplug):
    status, out, _ = kbplug("ops", "subtrct")
    assert status == 1
    assert "Did you mean 'subtract'?" in out
    assert kbplug("ops", "subtrct", "--json")[:2] == (1, "[]\n")


def test_doctor_reports_bad_settings_as_a_failed_check(kbplug, home):
    (home / "kbplug.json").write_text("{")
    status, out, _ = kbplug("doctor")
    assert status == 1
    assert "failed: settings." in out
    status, out, _ = kbplug("doctor", "--json")
    assert not json.loads(out)["ok"]


def test_doctor_tells_an_engine_that_is_selected_but_missing(kbplug, monkeypatch):
    monkeypatch.setenv("KBPLUG_BACKEND", "mlx")
    monkeypatch.setenv("KBPLUG_SAFE", "0")
    status, out, _ = kbplug("doctor", "numpy")
    assert status == 1
    assert "pip install kbplug-mlx" in out
    assert "backend = 'mlx' from KBPLUG_BACKEND" in out


def test_doctor_of_an_unknown_engine(kbplug):
    status, _, err = kbplug("doctor", "nunpy")
    assert status == 1
    assert "Did you mean 'numpy'?" in err


def test_a_part_of_a_name_is_enough_where_no_op_has_it_whole(kbplug):
    listed = [row.split()[1] for row in kbplug("ops", "max_cross")[1].splitlines()[1:]]
    assert listed == ["softmax_cross_entropy(logits,"]
    assert len(kbplug("ops", "sin")[1].splitlines()) == 2


def test_a_reader_that_has_seen_enough_ends_the_command_quietly():
    command = [sys.executable, "-m", "kbplug", "ops", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"[\n"
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.parametrize("arguments", [("check", "numpy", "--json"), ("demo", "--picture")])
@pytest.mark.parametrize("place", ["no/such/report", "."])
def test_a_file_that_cannot_be_written_is_told_before_the_work_begins(kbplug, capsys, home, arguments, place):
    with pytest.raises(SystemExit) as caught:
        kbplug(*arguments, str(home / place))
    assert caught.value.code == 2
    assert "is no place for a file; name one in a directory that exists" in capsys.readouterr().err


def test_without_a_command_they_are_listed(kbplug):
    status, out, err = kbplug()
    assert (status, out) == (2, "")
    assert "list the engines, without importing them" in err


def test_a_wrong_command_is_a_call_it_cannot_mean(kbplug, capsys):
    for arguments in (("enginse",), ("config", "shwo")):
        with pytest.raises(SystemExit) as caught:
            kbplug(*arguments)
        assert caught.value.code == 2


def test_version(kbplug, capsys):
    import kbplug as package

    with pytest.raises(SystemExit) as caught:
        kbplug("--version")
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"kbplug {package.__version__}\n"


def test_json_needs_no_rich():
    code = "import sys; from kbplug.cli import main; main(['engines', '--json']); assert 'rich' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "kbplug", "config", "show"], capture_output=True, text=True, check=True
    )
    assert "image_data_format" in done.stdout
