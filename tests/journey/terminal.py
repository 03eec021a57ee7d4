"""A person at a terminal: a directory, a virtual environment, and commands whose output is read."""

import json
import os
import re
import subprocess
import sys
import venv


class Terminal:
    """One virtual environment and one working directory."""

    def __init__(self, directory, wheels):
        self.directory = directory
        self.directory.mkdir(parents=True)
        self.variables = {"KBPLUG_HOME": str(directory / "home"), "COLUMNS": "200"}
        self.wheels = wheels
        self.scripts = directory / "venv" / ("Scripts" if os.name == "nt" else "bin")
        venv.create(directory / "venv", with_pip=True)

    def type(self, command, *, fails=False, cwd=None, **variables):
        """Run one line, split at spaces, and return what it printed; it must succeed, or fail if ``fails``."""
        words = command.split() if isinstance(command, str) else command
        if words[:2] == ["pip", "install"]:
            words = ["pip", "install", "--quiet", "--find-links", str(self.wheels), *words[2:]]
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("KBPLUG_", "PYTHON", "PYTEST_"))}
        done = subprocess.run(
            [self.scripts / words[0], *words[1:]],
            cwd=cwd or self.directory,
            env={**clean, "PATH": f"{self.scripts}{os.pathsep}{clean['PATH']}", **self.variables, **variables},
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )
        told = done.stdout + done.stderr
        assert (done.returncode != 0) is fails, f"{' '.join(words)} gave {done.returncode}:\n{told}"
        return told

    def write(self, name, text):
        """Write a file into the working directory."""
        file = self.directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def read_json(self, name):
        """Return what a command wrote."""
        return json.loads((self.directory / name).read_text(encoding="utf-8"))


def build(project, wheels):
    """Build the wheel of a project, from source and in isolation, as its author would."""
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", wheels, project],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return re.search(r"Successfully built (\S+\.whl)", done.stdout)[1]
