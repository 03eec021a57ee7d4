"""The short way into a function: generated Python that lets NumPy arrays that fit exactly through, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kbplug.engine import Engine
from kbplug.graph.spec import Spec
from kbplug.plugins import plugin_manager
from kbplug.plugins.active import Process, scoped
from kbplug.runtime import values
from kbplug.runtime.calls import Run
from kbplug.runtime.emit import Program

Entry = Callable[[Sequence[Any]], "list[values.HostArray] | None"]
"""Values in, arrays out; None where they do not fit, another engine is active or a plugin wraps calls."""


def entry(engine: Engine, run: Run, program: Program, inputs: Sequence[Spec], count: int) -> Entry | None:
    """Return the short way into what ``run`` computes, or None where there is none.

    Parameters
    ----------
    engine
        The engine that ``run`` was compiled for; its arrays are NumPy's own.
    run, program
        What computes the results, and what names the user's line in its errors.
    inputs
        What arrays must fit.
    count
        The number of results.
    """
    dtypes = [values.DTYPES.get(s.dtype) for s in inputs]
    if any(d is None for d in dtypes):  # NumPy takes None for float64 when it compares
        return None
    known: dict[str, Any] = {f"d{i}": dtype for i, dtype in enumerate(dtypes)}
    known |= {
        "scoped": scoped.get,
        "process": Process,
        "engine": engine,
        "run": run,
        "explain": program.explain,
        "host": plugin_manager(),
    }
    known |= {"array": values.HostArrayType, "as_array": engine.to_numpy}
    exec("\n".join(_lines(inputs, count)), known)  # noqa: S102 -- the source is our own, written below
    made: Entry = known["enter"]
    return made


def _lines(inputs: Sequence[Spec], count: int) -> Iterator[str]:
    arguments = "".join(f"a{i}, " for i in range(len(inputs)))
    found = "".join(f"v{i}, " for i in range(count))
    arrays = ", ".join(f"as_array(v{i})" for i in range(count))
    conditions = [
        "(scoped() or process.engine) is engine",
        *(c for i, s in enumerate(inputs) for c in _fits(f"a{i}", f"d{i}", s)),
    ]
    yield "def enter(given):"
    yield f"    if len(given) != {len(inputs)}:"
    yield "        return None"
    yield f"    {arguments or '() '}= given"
    yield f"    if {' and '.join(conditions)} and not host.run_wrappers:"
    yield "        try:"
    yield f"            {found or '() '}= run({arguments})"
    yield "        except Exception as error:"
    yield "            explain(error)"
    yield "            raise"
    yield f"        return [{arrays}]"
    yield "    return None"


def _fits(array: str, dtype: str, spec: Spec) -> Iterator[str]:
    yield f"type({array}) is array"
    yield f"{array}.dtype is {dtype}"
    if None not in spec.shape:
        yield f"{array}.shape == {spec.shape}"
        return
    yield f"{array}.ndim == {spec.ndim}"
    yield from (f"{array}.shape[{i}] == {n}" for i, n in enumerate(spec.shape) if n is not None)
