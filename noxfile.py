"""Every check of the project, each in an environment of its own; CONTRIBUTING.md says when to run which."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["tests", "lint", "types", "layers"]
nox.options.default_venv_backend = "virtualenv"

ROOT = Path(__file__).parent
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/kbplug-*/pyproject.toml"))
CUPY = ROOT / "plugins" / "kbplug-cupy"
STRICT, TORCH, JAX, NUMBA = (ROOT / "plugins" / f"kbplug-{name}" for name in ("strict", "torch", "jax", "numba"))
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")

# The tests share the cores out among processes, so each process keeps to one thread.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def pytest(session: nox.Session, *arguments: str) -> None:
    """Run pytest where kbplug, two engines and the independent reference, PyTorch, are installed."""
    reference = nox.project.dependency_groups(PYPROJECT, "reference")
    session.install("-e", ".[plot,test]", "-e", str(STRICT), "-e", str(TORCH), *reference)
    # By file: the blocks of a document need those before them.
    session.run("pytest", "-n", "auto", "--dist", "loadscope", *arguments, *session.posargs, env=ONE_THREAD)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the fast tests, and the examples in docstrings and documents."""
    plugins = [f"{plugin.relative_to(ROOT)}/tests" for plugin in (STRICT, TORCH, CUPY)]
    everything = ["tests", "kbplug", "docs", "README.md", *plugins]
    pytest(session, "--doctest-modules", "-m", "not slow and not nightly and not gpu and not nvcompile", *everything)


@nox.session
def nightly(session: nox.Session) -> None:
    """Run the tests that take long or search widely."""
    pytest(session, "-m", "(slow or nightly) and not gpu", "--ignore=tests/journey", "tests", str(CUPY / "tests"))


@nox.session
def numba(session: nox.Session) -> None:
    """Run the tests of the compiled kernels, and the conformance suite on NumPy with them for arrays of any size."""
    reference = nox.project.dependency_groups(PYPROJECT, "reference")
    session.install("-e", ".[test]", "-e", str(STRICT), "-e", str(NUMBA), *reference)
    session.run("pytest", "-n", "auto", str(NUMBA / "tests"), *session.posargs, env=ONE_THREAD)
    settings = Path(session.create_tmp(), "kbplug.json")
    settings.write_text('{"plugins": {"hooks": ["numba"]}, "options": {"numba": {"least": 0}}}', encoding="utf-8")
    session.run("kbplug", "check", "numpy", env={**ONE_THREAD, "KBPLUG_CONFIG": str(settings)})


@nox.session
def avx2(session: nox.Session) -> None:
    """Run the tests of the NumPy engine and of the values of ops as on a processor without AVX-512."""
    reference = nox.project.dependency_groups(PYPROJECT, "reference")
    session.install("-e", ".[test]", "-e", str(STRICT), "-e", str(TORCH), *reference)
    code = "import numpy._core._multiarray_umath as m; print(*m.__cpu_dispatch__)"
    features = session.run("python", "-c", code, silent=True)
    wide = [f for f in str(features).split() if f.startswith(("AVX512", "X86_V4"))]
    tests = ["tests/engines/numpy", "tests/ops", "tests/registry/test_values.py", "tests/passes/test_pipeline.py"]
    arguments = ["-n", "auto", "-m", "not slow and not nightly", *tests, *session.posargs]
    session.run("pytest", *arguments, env={**ONE_THREAD, "NPY_DISABLE_CPU_FEATURES": " ".join(wide)})


@nox.session
def cuda(session: nox.Session) -> None:
    """Compile every generated kernel for CUDA devices of three generations; none is needed."""
    session.install("-e", ".[test]", *nox.project.dependency_groups(PYPROJECT, "cuda"))
    arguments = ["-n", "auto", "-m", "nvcompile", str(CUPY / "tests"), *session.posargs]
    session.run("pytest", *arguments, env={**ONE_THREAD, "KBPLUG_REQUIRE_NVCOMPILE": "1"})


@nox.session(venv_params=["--system-site-packages"])
def gpu(session: nox.Session) -> None:
    """Run the conformance suite on a CUDA device beside PyTorch, if it is here; write docs/results/cupy.md.

    Tests that begin later than six minutes after the first are not run, and counted; ``-- --minutes N`` says otherwise.
    """
    session.install("-e", ".[test]", *for_driver())
    options = [*session.posargs, "--minutes", "6"]
    until = time.time() + 60 * float(options[options.index("--minutes") + 1])
    counts, tests = Path(session.create_tmp(), "gpu.xml").absolute(), [CUPY / "tests" / f"test_{n}.py" for n in GPU]
    arguments = ["-n", "auto", "--maxprocesses", "8", "-m", "gpu", f"--junitxml={counts}", *map(str, tests)]
    required = {**ONE_THREAD, "KBPLUG_REQUIRE_GPU": "1", "KBPLUG_GPU_UNTIL": str(until)}
    session.run("pytest", *arguments, env=required, success_codes=[0, 1])
    session.run("python", str(CUPY / "tests" / "report.py"), str(counts), "docs/results/cupy.md")


GPU = ("device", "conformance")


def for_driver() -> list[str]:
    """Return what installs the engine for the CUDA of this machine's driver, with CUDA's libraries if none are here."""
    try:
        version = ctypes.c_int()
        ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(version))
        older = version.value < 13000
    except OSError:  # no driver: the tests will say so
        older = False
    libraries = any(map(os.environ.get, ("CUDA_PATH", "CUDA_HOME"))) or shutil.which("nvcc")
    extra = [] if libraries else [f"cupy-cuda{12 if older else 13}x[ctk]"]
    return [str(ROOT / "plugins" / "kbplug-cupy-cuda12x"), *extra] if older else ["-e", str(CUPY), *extra]


@nox.session
def clients(session: nox.Session) -> None:
    """Run Keras 2.3.1 on kbplug, then SciPy, scikit-learn, array-api-extra and einops on its tensors."""
    needed = nox.project.dependency_groups(PYPROJECT, "keras", "array-clients", "reference")
    session.install("-e", ".[plot,test]", "-e", str(STRICT), "-e", str(TORCH), *needed)
    session.run("pytest", "tests/clients/keras", *session.posargs, env=on_keras(session))
    others = ["tests/clients", "docs/howto/array_api.md", "--ignore=tests/clients/keras"]
    session.run("pytest", *others, *session.posargs, env={**ONE_THREAD, "SCIPY_ARRAY_API": "1"})


@nox.session(name="array-api")
def array_api(session: nox.Session) -> None:
    """Run the Array API's own tests on every engine: ``nox -s array-api -- --checkout PATH``, of array-api-tests."""
    needed = nox.project.dependency_groups(PYPROJECT, "array-api", "reference")
    session.install("-e", ".", "-e", str(STRICT), "-e", str(TORCH), "-e", str(JAX), *needed)
    session.run("python", "tests/clients/array_api/suite.py", *session.posargs)


@nox.session
def keras(session: nox.Session) -> None:
    """Run Keras's own tests; ``--short`` takes minutes, ``--engine NAME`` another engine. GraphViz must be there."""
    engines = [part for p in PLUGINS if p.name.removeprefix("kbplug-") in session.posargs for part in ("-e", str(p))]
    session.install("-e", ".", *engines, *nox.project.dependency_groups(PYPROJECT, "keras-suite"))
    session.run("python", "tests/clients/keras/suite.py", *(session.posargs or ["--again", "--write"]))


@nox.session(name="keras-examples")
def keras_examples(session: nox.Session) -> None:
    """Run Keras's examples as they ship; names after ``--`` choose some."""
    group = nox.project.dependency_groups(PYPROJECT, "keras-examples")
    session.install("-e", ".[plot]", *group)
    session.run("python", "tests/clients/keras/examples.py", *session.posargs)


def on_keras(session: nox.Session) -> dict[str, str]:
    """Return the variables under which Keras runs on kbplug and leaves no file behind."""
    return {**ONE_THREAD, "KERAS_BACKEND": "kbplug.backend", "KERAS_HOME": session.create_tmp()}


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format; ``nox -s lint -- fix`` repairs what can be repaired."""
    session.install("ruff>=0.9")
    fix = "fix" in session.posargs
    session.run("ruff", "check", *(["--fix"] if fix else []), ".")
    session.run("ruff", "format", *([] if fix else ["--check"]), ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types: kbplug and the plugins that need nothing heavy."""
    session.install("-e", ".[plot,test]", "-e", str(STRICT), "mypy>=1.14")
    session.run("mypy")
    session.run("mypy", str(STRICT / "src"))
    session.run("mypy", str(CUPY / "src"))
    session.run("mypy", str(NUMBA / "src"))


@nox.session
def layers(session: nox.Session) -> None:
    """Check that imports between layers point one way."""
    session.install("-e", ".", "import-linter>=2.1")
    session.run("lint-imports")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site; a warning is an error, and so is a stale table of ops."""
    session.install("-e", ".[docs]")
    session.run("python", "docs/generate_ops.py", "--check")
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Build every wheel and source archive, then use the wheels as a user would."""
    session.install("build>=1.2")
    with tempfile.TemporaryDirectory() as temporary:
        wheels, fresh = Path(temporary, "dist"), Path(temporary, "fresh")
        for project in [ROOT, *PLUGINS]:
            session.run("python", "-m", "build", "--outdir", str(wheels), str(project))
        session.run(sys.executable, "-m", "venv", str(fresh), external=True)
        scripts = fresh / ("Scripts" if os.name == "nt" else "bin")
        kbplug, strict = (next(wheels.glob(f"{name}-*.whl")) for name in ("kbplug", "kbplug_strict"))
        session.run(str(scripts / "pip"), "install", str(kbplug), str(strict), external=True)
        for command in (["engines"], ["doctor"]):
            session.run(str(scripts / "kbplug"), *command, external=True)


@nox.session
def journey(session: nox.Session) -> None:
    """Go the way of an author and of a user, from wheels; ``-- --engine torch`` trains on that engine too."""
    session.install("build>=1.2", "-e", ".[test]")
    session.run("pytest", "-m", "slow", "-rP", "tests/journey", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure beside other libraries; ``nox -s bench -- --quick`` takes two minutes and installs none of them.

    It passes no judgement; compare two runs on one quiet machine.
    """
    quick = [option for option in session.posargs if option == "--quick"]
    peers = [] if quick else nox.project.dependency_groups(PYPROJECT, "peers")
    session.install("-e", ".[plot]", *peers, *([] if quick else ["-e", str(NUMBA)]))
    for benchmark in ("call_overhead", "jit", "growth", "cold_start"):
        session.run("python", f"tests/benchmarks/{benchmark}.py", *quick)
    session.run("python", "tests/benchmarks/compare.py", *session.posargs)
