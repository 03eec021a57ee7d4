"""A third party publishes an engine, and a user meets it: every step as it is typed, in the order in which it is.

The library is array-api-strict; its engine here is nobody's but the author's, and kbplug knows nothing of it.
"""

import re

import pytest

from journey import author
from journey.terminal import Terminal, build

pytestmark = pytest.mark.slow

ANSWER = "3.5132"  # 2 ln 2 + ln(1 + exp 2)
CHECKED = re.compile(r"^\w+ +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) *$", re.MULTILINE)


@pytest.fixture(scope="module")
def desk(tmp_path_factory, wheels):
    """The author's terminal, with kbplug and what its conformance suite needs."""
    terminal = Terminal(tmp_path_factory.mktemp("author") / "desk", wheels)
    terminal.type("pip install kbplug[test] ruff")
    return terminal


@pytest.fixture(scope="module")
def package(desk):
    """The package that `kbplug new-engine` writes, installed where its author works."""
    told = desk.type("kbplug new-engine mylib")
    assert "Next: cd kbplug-mylib && pip install -e '.[test]' && pytest" in told
    root = desk.directory / "kbplug-mylib"
    desk.type("pip install -e .[test]", cwd=root)
    return root


@pytest.fixture(scope="module")
def finished(desk, package):
    """The package after its author did what the list said, until there was no list; what was done, in that order."""
    engine, done = package / "src/kbplug_mylib/engine.py", []
    while to_do := listed(desk.type("kbplug check mylib --tier packaging", fails=len(done) < len(author.TO_DO))):
        assert len(done) < len(author.TO_DO), to_do
        (words,) = (words for words in author.TO_DO if words in to_do[0])
        author.edit(engine, author.TO_DO[words])
        done.append(words)
    author.edit(engine, author.PROMISES)
    author.edit(package / "src/kbplug_mylib/kbplug.toml", author.MANIFEST)
    author.edit(package / "pyproject.toml", author.PYPROJECT)
    author.edit(package / "README.md", author.README)
    return done


def listed(told):
    """Return what `kbplug check` says is to be done."""
    return re.findall(r"^\d+\. (.*)$", told, re.MULTILINE)


@pytest.fixture(scope="module")
def published(desk, package, finished, wheels):
    """The directory of wheels, with the author's in it and that of somebody who adds a kernel."""
    build(package, wheels)
    for name, text in author.OTHER.items():
        desk.write(f"kbplug-shortcut/{name}", text)
    build(desk.directory / "kbplug-shortcut", wheels)
    return wheels


@pytest.fixture(scope="module")
def home(tmp_path_factory, published):
    """A user's terminal: an environment with nothing but the author's wheel and what that asks for."""
    terminal = Terminal(tmp_path_factory.mktemp("user") / "home", published)
    terminal.type("pip install kbplug-mylib")
    terminal.write("program.py", author.PROGRAM)
    terminal.write("scoped.py", author.SCOPED)
    return terminal


def test_the_package_as_written_builds_and_is_linted(desk, package, tmp_path):
    assert build(package, tmp_path) == "kbplug_mylib-0.1.0-py3-none-any.whl"
    desk.type("ruff check", cwd=package)
    desk.type("ruff format --check", cwd=package)


def test_its_test_fails_at_first_with_a_list_of_what_is_to_do(desk, package):
    told = desk.type("pytest", cwd=package, fails=True)
    _, _, to_do = told.partition(" to do ")
    assert re.search(r"^1\. Set xp to a namespace of the Array API standard\.$", to_do, re.MULTILINE)
    assert re.search(r"^\d+ cases wait until that is done\.$", to_do, re.MULTILINE)
    assert re.search(r"\b4 failed, \d+ passed, \d+ deselected", told)


def test_the_list_leads_to_a_package_in_order(desk, package, finished):
    assert finished == list(author.TO_DO)
    assert "mylib: passed" in desk.type("kbplug check mylib --tier packaging")
    assert not [file for file in package.rglob("*.*") if "venv" not in file.parts and "TODO" in text_of(file)]
    desk.type("ruff check", cwd=package)
    desk.type("ruff format --check", cwd=package)


def text_of(file):
    return file.read_text(encoding="utf-8") if file.suffix in (".py", ".toml", ".md") else ""


def test_a_kernel_that_is_wrong_is_caught_by_name(desk, package, finished):
    engine = package / "src/kbplug_mylib/engine.py"
    author.edit(engine, author.WRONG_KERNEL)
    told = desk.type(["pytest", "-k", "values and relu"], cwd=package, fails=True)
    assert re.search(r"FAILED tests/test_conformance.py::test_values\[relu-.*should be np.float\d+\(nan\)", told)
    author.edit(engine, author.RIGHT_KERNEL)
    assert " failed" not in desk.type(["pytest", "-k", "values and relu"], cwd=package)


def test_the_whole_suite_passes_and_skips_by_promises_alone(desk, package, finished):
    told = desk.type("kbplug check mylib --json report.json")
    report = desk.read_json("report.json")
    assert "mylib: passed" in told
    assert report["ok"]
    assert not report["failed"]
    assert not report["excepted"]
    assert all(reason.endswith("not promised") for reason in report["skipped"])
    assert sum(int(row[1]) for row in CHECKED.finditer(told)) > 8000
    assert report["versions"]["array-api-strict"]


def test_an_installed_engine_is_listed_and_changes_nothing(home):
    told = home.type("kbplug engines")
    assert re.search(r"^\* +numpy +cpu +built in +ready to load", told, re.MULTILINE)
    assert re.search(r"^ +mylib +array +cpu +kbplug-mylib 0\.1\.0 +ready to load", told, re.MULTILINE)
    assert home.type("python program.py").splitlines() == [f"numpy {ANSWER}", f"numpy {ANSWER}"]


def test_it_is_chosen_by_the_environment(home):
    told = home.type("python program.py", KBPLUG_BACKEND="mylib")
    assert told.splitlines() == [f"mylib {ANSWER}", f"numpy {ANSWER}"]


def test_it_is_chosen_for_a_block(home):
    assert home.type("python scoped.py").splitlines() == [f"numpy {ANSWER}", f"mylib {ANSWER}"]


@pytest.fixture(scope="module")
def settled(home):
    """The user's terminal, with the engine in the settings file."""
    home.type("kbplug config set backend mylib")
    return home


def test_it_is_chosen_by_the_settings_file(settled):
    assert settled.type("python program.py").splitlines() == [f"mylib {ANSWER}", f"numpy {ANSWER}"]
    assert re.search(r"^\* +mylib ", settled.type("kbplug engines"), re.MULTILINE)


def test_a_user_checks_it_without_the_tools_of_its_author(settled):
    assert "mylib: passed" in settled.type("kbplug check mylib --tier behaviour --tier saving")
    assert re.search(r"^mylib +ok +cpu +array-api-strict", settled.type("kbplug doctor mylib"), re.MULTILINE)


def test_somebody_else_adds_a_kernel_once_the_settings_name_the_plugin(settled):
    settled.type("pip install kbplug-shortcut")
    assert "shortcut" not in settled.type("python program.py")
    settled.type(["kbplug", "config", "set", "plugins.hooks", '["shortcut"]'])
    told = settled.type("python program.py").splitlines()
    assert told == ["softplus by kbplug-shortcut", f"mylib {ANSWER}", f"numpy {ANSWER}"]


def test_without_the_second_plugin_the_engine_goes_on_and_says_what_is_missing(settled):
    settled.type("pip uninstall --yes kbplug-shortcut")
    told = settled.type("python program.py")
    assert f"mylib {ANSWER}" in told
    assert re.search(r"No hook plugin named 'shortcut' \(from .*kbplug.json:\d+:\d+\) is installed; install its", told)
    settled.type("kbplug config set plugins.hooks []")


def test_without_its_library_the_engine_names_the_command_that_helps(settled):
    settled.type("pip uninstall --yes array-api-strict")
    advice = "It asks for array-api-strict>=2.4, which is not installed: run `pip install 'array-api-strict>=2.4'`."
    assert advice in settled.type("kbplug engines")
    told = settled.type("python program.py", fails=True)
    assert "The engine 'mylib' of kbplug-mylib 0.1.0 cannot be loaded: ModuleNotFoundError" in told
    assert advice in told
    settled.type(["pip", "install", "array-api-strict>=2.4"])
    assert "mylib" in settled.type("python program.py")


def test_what_remains_after_it_says_what_is_missing_and_how_to_get_it(settled):
    settled.type("pip uninstall --yes kbplug-mylib")
    words = r"No engine named 'mylib' \(from .*kbplug\.json:\d+:\d+\) is installed\. .*run `pip install kbplug-mylib`\."
    assert re.search(words, settled.type("kbplug engines"))
    assert re.search(words, settled.type("python program.py", fails=True))
    assert re.search(words, settled.type("kbplug doctor", fails=True))
    assert settled.type("python program.py", KBPLUG_BACKEND="numpy").count(f"numpy {ANSWER}") == 2
    settled.type("kbplug config set backend numpy")
    assert f"numpy {ANSWER}" in settled.type("python program.py")


def test_installing_it_again_is_all_that_it_takes(settled):
    settled.type("pip install kbplug-mylib")
    assert settled.type("python scoped.py").splitlines() == [f"numpy {ANSWER}", f"mylib {ANSWER}"]
