"""An engine that ends its process, or never answers, fails by name, and the cases after it are run all the same."""

import textwrap

import pytest

from kbplug import plugins
from kbplug.testing import isolation
from kbplug.testing.suites import v1

DEADLY = """
import os, signal, time
from kbplug import hookimpl

def end(x, **params):
    {end}

@hookimpl
def kbplug_engine(name, options):
    {begin}
    from kbplug.engines.numpy.engine import NumpyEngine

    class Deadly(NumpyEngine):
        name = "deadly"
        kernels = {{**NumpyEngine.kernels, "exp": end}}

    return Deadly()
"""
MANIFEST = 'name = "deadly"\napi = ">=1.0,<2"\ndevices = ["cpu"]\n'
CASES = ("values/cos-0:single", "values/exp-0:single", "values/sin-0:single")


@pytest.fixture
def install(tmp_path, monkeypatch):
    def write(end="pass", begin="pass"):
        files = {
            "kbplug_deadly/__init__.py": textwrap.dedent(DEADLY).format(end=end, begin=begin),
            "kbplug_deadly/kbplug.toml": MANIFEST,
            "kbplug_deadly-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: kbplug-deadly\nVersion: 1.0\n",
            "kbplug_deadly-1.0.dist-info/entry_points.txt": "[kbplug.engines]\ndeadly = kbplug_deadly\n",
        }
        for file, text in files.items():
            (tmp_path / file).parent.mkdir(exist_ok=True)
            (tmp_path / file).write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        plugins.reset()

    yield write
    plugins.reset()


def certified():
    told = []
    report = isolation.certify("deadly", told.append, [c for c in v1.cases() if c.tier == "packaging" or c.id in CASES])
    assert tuple(told) == report.outcomes
    return report, {o.case.id: (o.status, o.detail) for o in report.outcomes}


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("os.kill(os.getpid(), signal.SIGFPE)", "It crashed the process: Floating point exception."),
        ("os._exit(3)", "It ended the process with exit code 3."),
    ],
)
def test_a_case_that_ends_the_process_fails_alone(install, end, words):
    install(end)
    report, found = certified()
    assert found["values/exp-0:single"] == ("failed", words)
    assert [id for id, (status, _) in found.items() if status != "passed"] == ["values/exp-0:single"]
    assert {id for id in found if not id.startswith("packaging")} == set(CASES)
    assert report.versions["numpy"]
    assert not report.ok


def test_an_engine_that_ends_the_process_when_loaded_keeps_the_rest_waiting(install):
    install(begin="os.abort()")
    report, found = certified()
    assert found["packaging/loads"] == ("failed", "It crashed the process: Aborted.")
    assert {case for case in CASES if case in found} == set()
    assert report.waiting > len(CASES)
    assert not report.ok


@pytest.mark.slow
def test_a_case_that_does_not_end_fails_alone(install, monkeypatch):
    monkeypatch.setattr(isolation, "LIMIT", 60.0)
    install("time.sleep(600)")
    _, found = certified()
    assert found["values/exp-0:single"] == ("failed", "It did not end within 60 seconds.")
    assert found["values/sin-0:single"][0] == "passed"


def test_a_sound_engine_is_reported_as_in_this_process():
    report = isolation.certify("numpy", cases=[case for case in v1.cases() if case.tier in ("packaging", "saving")])
    assert report.ok
    assert report.counts()["saving"]["passed"] == 2
