"""What an author writes into the package that `kbplug new-engine` made: for each thing to do, the edit that does it."""

PYPROJECT = {
    "TODO: the library, in one line, as a kbplug engine.": "array-api-strict as a kbplug engine.",
    '"kbplug>=0.1,<1"] # TODO: and the library': '"kbplug>=0.1,<1", "array-api-strict>=2.4"]',
}
README = {
    "TODO: the library, in one line, as an engine for kbplug.": "array-api-strict as an engine for kbplug.",
    "TODO: its devices, its options, what it does not promise, and its licence.": "It runs on the CPU.",
}
MANIFEST = {
    'requires = [] # TODO: the library and its versions, as in "cupy>=14"': 'requires = ["array-api-strict>=2.4"]',
}

NAMESPACE = {
    "import numpy as np\n": "import array_api_strict as library\nimport numpy as np\n",
    "xp: Any = None  # TODO: a namespace of the Array API standard, as in `import array_api_compat.torch as xp`": (
        "xp: Any = library"
    ),
}
WAY_IN = {
    'raise NotImplementedError("TODO: from_numpy, the way in.")': "return xp.asarray(array, copy=True)",
}
WAY_OUT = {
    'raise NotImplementedError("TODO: to_numpy, the way out.")': "return np.from_dlpack(array).copy()",
}
PROBE = {
    'return Probe(ok=False, reason="TODO: a probe that names the devices and the library\'s version.")': (
        'return Probe(ok=True, devices=self.devices(), versions={"array-api-strict": library.__version__})'
    ),
}
PROMISES = {
    "capabilities = Capabilities()  # TODO: promise less where the library has less": "capabilities = Capabilities()",
}

TO_DO = {
    "Set xp to a namespace": NAMESPACE,
    "TODO: from_numpy": WAY_IN,
    "TODO: to_numpy": WAY_OUT,
    "TODO: a probe": PROBE,
}
"""Words of the to-do list to the edit of engine.py that follows from them."""

KERNELS = "kernels = {}  # op name to kernel(*arrays, **params), where the library has a better way"
WRONG_KERNEL = {KERNELS: 'kernels = {"relu": lambda x: xp.where(x > 0, x, xp.zeros_like(x))}  # a NaN becomes 0'}
RIGHT_KERNEL = {
    WRONG_KERNEL[KERNELS]: 'kernels = {"relu": lambda x: xp.where(x < 0, xp.zeros_like(x), x)}',
}


def edit(file, changes):
    """Replace each text, which must stand in the file once."""
    text = file.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert text.count(old) == 1, f"{file} should have once: {old}"
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


OTHER = {
    "pyproject.toml": """
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "kbplug-shortcut"
version = "0.1.0"
dependencies = ["kbplug>=0.1,<1"]

[project.entry-points."kbplug.hooks"]
shortcut = "kbplug_shortcut"
""",
    "kbplug_shortcut.py": '''
"""A kernel for an engine of somebody else's."""

from kbplug import hookimpl


@hookimpl
def kbplug_kernels(engine):
    """Return a kernel for mylib alone."""
    return {"softplus": softplus} if engine.name == "mylib" else None


def softplus(x):
    """Compute it, and say so."""
    import array_api_strict as xp

    print("softplus by kbplug-shortcut")
    return xp.logaddexp(x, xp.zeros_like(x))
''',
}
"""A second plugin, by a second author: its files."""

PROGRAM = """
import kbplug
from kbplug import backend as K

x = K.placeholder((None,))
f = K.function([x], [K.sum(K.softplus(K.relu(x)))])
print(kbplug.engine().name, f"{f([[-1.0, 0.0, 2.0]])[0]:.4f}")
with kbplug.engine_scope("numpy"):
    print(kbplug.engine().name, f"{f([[-1.0, 0.0, 2.0]])[0]:.4f}")
"""
SCOPED = PROGRAM.replace('engine_scope("numpy")', 'engine_scope("mylib")')
