"""The plugin in the host: what it loads and when, that only settings bring it in, and where it keeps its code."""

import os
import subprocess
import sys

import numpy as np

from kbplug import array_api as xp
from kbplug import backend as K
from kbplug.engine import Engine
from kbplug_numba import plugin

PROGRAM = """
import sys
import kbplug, numpy as np
from kbplug import array_api as xp
print("numba" in sys.modules, "kbplug_numba" in sys.modules)
f = xp.jit(lambda x, i: xp.segment_sum(x, i, num_segments=3))
for n in (6, 60_000):
    found = np.asarray(f(np.ones((n, 2)), np.arange(n) % 3))
    print("numba" in sys.modules, "kbplug_numba" in sys.modules, found.tolist() == [[n / 3] * 2] * 3)
"""


def said(program, tmp_path, **variables):
    """Return the words that a program prints in a process of its own."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "KBPLUG_HOME": str(tmp_path), **variables}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def test_numba_is_loaded_for_large_arrays_alone_and_its_code_kept(tmp_path):
    expected = ["False False", "False True True", "True True True"]
    assert said(PROGRAM, tmp_path, KBPLUG_HOOKS="numba") == expected
    kept = [p.name for p in (tmp_path / "kbplug" / "numba").rglob("*.nbc")]
    assert any(name.startswith("rows.add") for name in kept)


def test_without_the_setting_nothing_of_it_is_loaded(tmp_path):
    assert said(PROGRAM, tmp_path) == ["False False", "False False True", "False False True"]


def test_listing_imports_neither(tmp_path):
    code = "import sys, kbplug; kbplug.engines(); print(*{'numba', 'kbplug_numba', 'numpy'} & set(sys.modules))"
    assert said(code, tmp_path, KBPLUG_HOOKS="numba") == [""]


def test_importing_the_plugin_loads_no_array_library(tmp_path):
    code = "import sys, kbplug_numba; print(*{'numpy', 'numba'} & set(sys.modules))"
    assert said(code, tmp_path) == [""]


def test_where_nothing_can_be_kept_loops_are_compiled_all_the_same(tmp_path):
    (tmp_path / "kbplug").write_text("a file where a folder should be")
    assert said(PROGRAM, tmp_path, KBPLUG_HOOKS="numba")[-1] == "True True True"


def test_an_engine_that_is_not_numpy_gets_none(accelerated):
    assert plugin.kbplug_kernels(Engine()) is None


def test_a_program_runs_on_them_in_shards_too(accelerated):
    rng = np.random.default_rng(0)
    points, means = rng.standard_normal((50_000, 8), dtype=np.float32), rng.standard_normal((5, 8), dtype=np.float32)
    x, m = K.placeholder((None, 8)), K.placeholder((5, 8))
    near = K.argmin(K.sum(K.square(m), axis=1) - 2 * K.dot(x, K.transpose(m)), axis=1)
    total = xp.segment_sum(x, near, num_segments=5)
    found, places = K.function([x, m], [total, near])([points, means])
    distances = ((points.astype(float)[:, None] - means.astype(float)) ** 2).sum(-1)
    assert (places == distances.argmin(1)).mean() > 0.9999
    np.testing.assert_allclose(found, [points[places == k].sum(0, dtype=float) for k in range(5)], rtol=1e-4, atol=1e-2)
