"""What must hold for every op and every engine, one sample at a time. Knows no op by name.

Each check raises an AssertionError with one finished sentence, or returns nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from kbplug import plugins
from kbplug.engine import Engine, Kernel
from kbplug.errors import GradientError
from kbplug.graph.graph import Graph
from kbplug.graph.node import Node
from kbplug.graph.op import Op
from kbplug.graph.spec import compatible
from kbplug.graph.verify import verify
from kbplug.passes.expand import expand
from kbplug.passes.fuse import fuse
from kbplug.passes.pipeline import Means, steps
from kbplug.runtime import values
from kbplug.runtime.interpret import run_graph
from kbplug.testing.application import (
    GROUND,
    Application,
    HostArray,
    apply,
    narrowed,
    narrower,
    quiet,
    run,
)
from kbplug.testing.closeness import assert_close, tolerance
from kbplug.testing.derivatives import check_product, levels, product
from kbplug.testing.samples import Sample

Named = str | Engine
Reference = Callable[..., Any]

LONGER = 4
"""How many times rounding errors grow with each derivative, which computes more and cancels where the last did not."""


def check_inference(op: Op, sample: Sample, engine: Named, *, hidden: bool = False, narrow: bool = False) -> None:
    """Check that each result has the shape and dtype that its op inferred; with ``hidden``, from ranks alone."""
    found = apply(op, sample, hidden=hidden, narrow=narrow)
    for i, (t, y) in enumerate(zip(found.outputs, run(*found, engine), strict=True)):
        assert t.dtype == y.dtype.name, f"Result {i} of {op.name} was inferred {t.dtype}, but is {y.dtype}."
        assert compatible(t.shape, y.shape), f"Result {i} of {op.name} was inferred {t.shape}, but is {y.shape}."


def check_value(
    op: Op,
    sample: Sample,
    engine: Named,
    reference: Reference,
    *,
    narrow: bool = False,
    widen: bool = True,
    invariant: Callable[[Any], Any] | None = None,
) -> None:
    """Check that results equal those of a ``reference`` that shares no code with the op.

    Parameters
    ----------
    op, sample, engine
        What to run, on what, and where.
    reference
        Takes NumPy arrays and the op's parameters; returns an array or a tuple of them.
    narrow
        Whether to run in single precision.
    widen
        Whether the reference sees those numbers in double precision, and so rounds once only.
    invariant
        From the results, what is determined of them where a sign, a phase or an order is free.
    """
    actual: Any = tuple(run(*apply(op, sample, narrow=narrow), engine))
    arrays = [narrowed(a) if narrow and a is not None else a for a in sample.arrays]
    if widen:
        arrays = [a if a is None else a.astype(b.dtype) for a, b in zip(arrays, sample.arrays, strict=True)]
    with quiet():
        expected: Any = several(reference(*arrays, **sample.params))
        if invariant is not None:
            actual, expected = several(invariant(actual)), several(invariant(expected))
        if narrow:
            expected = tuple(narrowed(y) if a.dtype != y.dtype else y for y, a in zip(expected, actual, strict=True))
    assert len(actual) == len(expected), f"{op.name} has {len(actual)} results, but should have {len(expected)}."
    for i, (a, b) in enumerate(zip(actual, expected, strict=True)):
        assert_close(a, b, f"Result {i} of {op.name}")


def several(results: Any) -> tuple[HostArray, ...]:
    """Return one array or several as a tuple of arrays."""
    return tuple(np.asarray(r) for r in (results if isinstance(results, tuple | list) else (results,)))


def check_precision(op: Op, sample: Sample) -> None:
    """Check that single precision in gives single precision out, unless a parameter asks for another dtype."""
    if sample.params.get("dtype") is not None:
        return
    wide, narrow = apply(op, sample), apply(op, sample, narrow=True)
    for i, (a, b) in enumerate(zip(wide.outputs, narrow.outputs, strict=True)):
        expected = narrower(a.dtype)
        assert b.dtype == expected, f"Result {i} of {op.name} on single precision is {b.dtype}, not {expected}."


def check_unknown_sizes(op: Op, sample: Sample, engine: Named, *, order: int = 0) -> None:
    """Check that with every size hidden from the graph results are the same, and derivatives up to ``order`` too."""
    known, hidden = apply(op, sample), apply(op, sample, hidden=True)
    what = f"{op.name} with sizes hidden"
    for i, (a, b) in enumerate(zip(known.outputs, hidden.outputs, strict=True)):
        assert a.dtype == b.dtype, f"Result {i} of {what} is {b.dtype}, not {a.dtype}."
        assert compatible(a.shape, b.shape), f"Result {i} of {what} is {b.shape}, which does not allow {a.shape}."
    _check_same(levels(known, op.name, order), engine, levels(hidden, op.name, order), engine, what)


def check_agreement(
    op: Op, sample: Sample, engine: Named, *, order: int = 0, narrow: bool = False, ground: Named = GROUND
) -> None:
    """Check that ``engine`` computes an op, and its derivatives up to ``order``, as the engine ``ground`` does."""
    chain = levels(apply(op, sample, narrow=narrow), op.name, order)
    _check_same(chain, ground, chain, engine, f"{op.name} on {engine}")


def _check_same(
    expected: Sequence[Application], ground: Named, actual: Sequence[Application], engine: Named, what: str
) -> None:
    for order, (known, other) in enumerate(zip(expected, actual, strict=True)):
        name = f"derivative {order} of {what}" if order else what
        for i, (a, b) in enumerate(zip(run(*other, engine), run(*known, ground), strict=True)):
            assert_close(a, b, f"Result {i} of {name}", within=LONGER**order * tolerance(a.dtype.name))


def check_gradient(op: Op, sample: Sample, engine: Named = GROUND, order: int = 2) -> None:
    """Check that derivatives up to ``order`` are what finite differences of the values say.

    Order two is the same check again, of the first derivative times a random vector.
    """
    if op.derivative == "none":
        return check_refusal(op, sample)
    found = apply(op, sample)
    for level in range(1, order + 1):
        given = product(found, op.name)
        if given is None:
            return None
        check_product(found, given, engine, f"Derivative {level} of {op.name}")
        found = given.application
    return None


def check_refusal(op: Op, sample: Sample) -> None:
    """Check that an op without a derivative names itself when one is asked of it."""
    given, message = None, repr(op.name)
    try:
        given = product(apply(op, sample), op.name)
    except GradientError as error:
        message = str(error)
    assert given is None, f"{op.name} declares no derivative, but one was given."
    assert repr(op.name) in message, f"The error for the missing derivative of {op.name} does not name it: {message}"


def check_kernel(op: Op, sample: Sample, engine: Named, *, narrow: bool = False, ground: Named = "strict") -> None:
    """Check that the engine's kernel for an op computes what the op's own body does.

    Parameters
    ----------
    op, sample, engine
        What to run, on what, and whose kernel.
    narrow
        Whether to run in single precision.
    ground
        The engine over whose namespace the body runs, which must be the standard's.
    """
    found = apply(op, sample, narrow=narrow)
    graph = Graph([t.node for t in found.inputs], [t.node for t in found.outputs])
    kernels = interpreted(graph, found.values, plugins.engine(engine))
    bodies = interpreted(expand(graph, ()), found.values, plugins.engine(ground), {})
    for i, (a, b) in enumerate(zip(kernels, bodies, strict=True)):
        assert_close(a, b, f"Result {i} of {op.name} by the kernel of {engine}")


def interpreted(
    graph: Graph, inputs: Sequence[HostArray], engine: Engine, kernels: dict[str, Kernel] | None = None
) -> list[HostArray]:
    """Return the outputs of a graph run node by node, by the engine's kernels unless others are given."""
    chosen = plugins.kernels_for(engine) if kernels is None else kernels
    with quiet():
        found = run_graph(graph, [engine.from_numpy(v) for v in inputs], engine, chosen)
        return [np.asarray(engine.to_numpy(y)) for y in found]


def check_passes(graph: Graph, inputs: Sequence[HostArray], engine: Named, *, within: float | None = None) -> None:
    """Check that every pass leaves a well-formed graph with the inputs and the values it found.

    Parameters
    ----------
    graph
        What to rewrite.
    inputs
        Values for its inputs.
    engine
        Where to run it.
    within
        The relative error allowed; by default what rounding explains. 0 asks for the same bits.
    """
    chosen = plugins.engine(engine)
    expected = interpreted(verify(graph), inputs, chosen)
    for name, after in stages(graph, chosen):
        verify(after)
        assert after.inputs == graph.inputs, f"The pass {name} changed the inputs of a graph."
        for i, (a, b) in enumerate(zip(interpreted(after, inputs, chosen), expected, strict=True)):
            assert_close(a, b, f"Output {i} after the pass {name}", within=within)


def stages(graph: Graph, engine: Engine) -> Iterator[tuple[str, Graph]]:
    """Yield the graph after each pass of the pipeline, by the pass' name."""

    def constants(nodes: Sequence[Node]) -> Sequence[Node]:
        return [values.constant(v) for v in interpreted(Graph((), nodes), (), engine)]

    for name, after in steps(graph, Means(constants, plugins.kernels_for(engine), {})):
        yield name, after
        graph = after
    for extra in plugins.passes_for(engine):
        graph = extra(graph)
        yield plugins.name_of(extra), graph
    graph, _ = fuse(graph, lambda region: lambda *arrays: interpreted(region, arrays, engine))
    yield "fuse", graph
