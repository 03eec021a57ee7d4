"""Every way in which a plugin can be bad, with real installed distributions: kbplug lists, explains and goes on."""

import json
import re
import time

import pytest

HEAD = "from kbplug import hookimpl\nfrom kbplug.engine import Engine, Probe\n"
HOOK = HEAD + "@hookimpl\ndef kbplug_engine(name, options):\n    "
GOOD_PROBE = """
class Bad(Engine):
    name = "bad"
    def probe(self):
        {body}
@hookimpl
def kbplug_engine(name, options):
    return Bad()
"""
MANIFEST = 'name = "bad"\napi = "{api}"\n'

# name: source, manifest, the status listed before any import, what selecting it says, what doctor says when it differs
ZOO = {
    "raises on import": (
        "try:\n    1 / 0\nexcept ZeroDivisionError as cause:\n    raise ImportError('libbad.so: undefined') from cause",
        None,
        "ready to load",
        r"ImportError: libbad.so: undefined, from ZeroDivisionError",
    ),
    "syntax error": ("def broken(:\n", None, "ready to load", r"SyntaxError"),
    "exits on import": ("import sys\nsys.exit(3)", None, "ready to load", r"[Ii]t called sys.exit\(3\)"),
    "raises on creation": (
        HOOK + "raise RuntimeError('no driver')",
        None,
        "ready to load",
        r"RuntimeError: no driver",
    ),
    "exits on creation": (HOOK + "raise SystemExit", None, "ready to load", r"[Ii]t called sys.exit\(None\)"),
    "returns no engine": (
        HOOK + "return 'numpy'",
        None,
        "ready to load",
        r"asked for the engine 'bad' but returned 'numpy'",
    ),
    "returns nothing": (HOOK + "return None", None, "ready to load", r"asked for the engine 'bad' but returned None"),
    "returns another engine": (
        HOOK + "engine = Engine()\n    engine.name = 'numpy'\n    return engine",
        None,
        "ready to load",
        r"asked for the engine 'bad' but returned one named 'numpy'",
    ),
    "has no hook": ("", None, "ready to load", r"has no kbplug_engine hook in kbplug_bad"),
    "has an unknown hook": (
        HEAD + "@hookimpl\ndef kbplug_engin(name):\n    pass",
        None,
        "ready to load",
        r"unknown hook 'kbplug_engin'",
    ),
    "asks for an unknown argument": (
        HEAD + "@hookimpl\ndef kbplug_engine(name, optoins):\n    pass",
        None,
        "ready to load",
        r"optoins",
    ),
    "needs a newer kbplug": (
        "raise AssertionError('imported')",
        MANIFEST.format(api=">=99"),
        "incompatible",
        r"kbplug-bad 1.0 works with engine API >=99, but kbplug .* has 1.0; run `pip install --upgrade kbplug`",
    ),
    "was made for an older kbplug": (
        "raise AssertionError('imported')",
        MANIFEST.format(api="<1"),
        "incompatible",
        r"run `pip install --upgrade kbplug-bad`",
    ),
    "has a manifest with a bad range": ("", MANIFEST.format(api="one"), "incompatible", r"'one', which is not a range"),
    "has a manifest that is not TOML": ("", "name = bad", "broken", r"kbplug.toml cannot be read: .*line 1"),
    "has a manifest of the wrong types": ("", "devices = 'cpu'", "broken", r"devices = 'cpu', which is not a list"),
    "has a manifest of an unknown kind": ("", "kind = 'quantum'", "broken", r"the kinds are array, graph, distributed"),
    "has another's manifest": ("", 'name = "numpy"', "broken", r"is of an engine 'numpy', not of 'bad'"),
}

# Those that would take this process with them: only doctor tries them.
DEADLY = {
    "hangs on import": (
        "import time\nwhile True:\n    time.sleep(0.1)",
        r"did not answer within 10 seconds in <module> \(.*kbplug_bad",
    ),
    "hangs on probe": (
        HEAD + GOOD_PROBE.format(body="import time; time.sleep(600)"),
        r"did not answer within 10 seconds in probe \(.*kbplug_bad",
    ),
    "ends the process": ("import os\nos._exit(0)", r"ended the process with exit code 0 before it answered"),
    "crashes": (
        "import faulthandler\nfaulthandler._sigsegv()",
        r"It crashed: Segmentation fault in <module> \(.*kbplug_bad",
    ),
    "raises on probe": (HEAD + GOOD_PROBE.format(body="raise OSError('no /dev/bad')"), r"OSError: no /dev/bad"),
    "probes to nonsense": (HEAD + GOOD_PROBE.format(body="return 'fine'"), r"returned 'fine', not a Probe"),
    "hangs at exit, after an answer": (
        HEAD
        + GOOD_PROBE.format(body="import atexit, time; atexit.register(time.sleep, 600); return Probe(False, 'No.')"),
        r"^No\.$",
    ),
    "knows that it cannot run": (
        HEAD + GOOD_PROBE.format(body="return Probe(ok=False, reason='No card is in this machine.')"),
        r"No card is in this machine",
    ),
}


@pytest.fixture(params=ZOO)
def animal(request, site):
    source, manifest, status, cause = ZOO[request.param]
    site.install("bad", source, manifest=manifest)
    site.install("good")
    return status, cause


SELECT = """
import sys, kbplug
from kbplug.errors import EngineError
before = {info.name: (info.status, info.cause) for info in kbplug.engines()}
assert "kbplug_bad" not in sys.modules and "kbplug_good" not in sys.modules, "listing imported a plugin"
messages = []
for _ in range(2):
    try:
        kbplug.set_engine("bad")
    except EngineError as error:
        messages.append(str(error))
assert len(messages) == 2 and messages[0] == messages[1], messages
assert kbplug.set_engine("good").name == kbplug.engine().name == "good"
after = {info.name: (info.status, info.cause) for info in kbplug.engines()}
import json; print(json.dumps([before["bad"], after["bad"], after["good"], messages[0]]))
"""


def test_the_library_lists_refuses_and_goes_on(animal, site):
    status, cause = animal
    done = site.run("-c", SELECT)
    assert done.returncode == 0, done.stderr
    before, after, good, message = json.loads(done.stdout)
    assert before[0] == status
    assert re.search(cause, message)
    assert after[0] in ("broken", "incompatible")
    assert re.search(cause, after[1])
    assert good == ["loaded", ""]


def test_doctor_tells_the_cause(animal, site):
    _, cause = animal
    done = site.kbplug("doctor", "bad", "good", "--json")
    assert done.returncode == 1, done.stderr
    bad, good = json.loads(done.stdout)["engines"]
    assert not bad["probe"]["ok"]
    assert re.search(cause, bad["probe"]["reason"])
    assert good["probe"]["ok"]


@pytest.mark.parametrize("name", DEADLY)
def test_doctor_survives(name, site):
    source, cause = DEADLY[name]
    site.install("bad", source)
    site.install("good")
    started = time.monotonic()
    done = site.kbplug("doctor", "bad", "good", "--json", "--timeout", "10")
    assert time.monotonic() - started < 60
    bad, good = json.loads(done.stdout)["engines"]
    assert not bad["probe"]["ok"]
    assert re.search(cause, bad["probe"]["reason"])
    assert good["probe"]["ok"]


@pytest.mark.parametrize("name", DEADLY)
def test_listing_touches_nothing_deadly(name, site):
    site.install("bad", DEADLY[name][0])
    done = site.kbplug("engines", "--json")
    infos = {info["name"]: info for info in json.loads(done.stdout)["engines"]}
    assert infos["bad"]["status"] == "ready to load"


def test_every_command_works_with_all_of_them_installed_at_once(site):
    for number, (source, manifest, *_) in enumerate(
        [*ZOO.values(), *((source, None) for source, _ in DEADLY.values())]
    ):
        site.install(f"bad{number}", source, manifest=manifest)
    site.install("good")
    code = (
        "import sys; from kbplug.cli import main; status = main({!r});"
        " assert not [name for name in sys.modules if name.startswith('kbplug_')]; sys.exit(status)"
    )
    for command in (["engines"], ["engines", "--json"], ["config", "show"], ["doctor", "good"]):
        done = site.run("-c", code.format(command), KBPLUG_BACKEND="good")
        assert done.returncode == 0, done.stderr


def test_a_slow_plugin_costs_nothing_until_it_is_used(site):
    site.install("slow", "import time\ntime.sleep(3)")
    done = site.run("-c", "import time, kbplug; t = time.time(); kbplug.engines(); print(time.time() - t)")
    assert float(done.stdout) < 2
