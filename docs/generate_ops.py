"""Writes reference/ops.md, the table of ops, from the registry; ``--check`` only says whether the page is current."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from kbplug.ops import CHAPTERS, REGISTRY, Op

PAGE = Path(__file__).parent / "reference" / "ops.md"

HEAD = """\
# Ops

<!-- Written by docs/generate_ops.py from the registry. Do not edit. -->

Every op, by the chapter that declares it. Arrays come before `/` and are positional, parameters come after and are
keywords.

Derivative
: *rule*, the op's own; *composite*, read off the op's body; *zero*, by declaration; *none*, so asking for
  it is an error.

Runs by
: *namespace*, the function of this name in the engine's namespace; *body*, generic code over that namespace;
  *graph*, the graph itself. An engine's kernel for the op goes before either of the first two.
"""


def call(op: Op) -> str:
    """Return the op as it is called, without annotations."""
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in op.signature.parameters.values()]
    return f"{op.name}{inspect.Signature(bare)}"


def runs_by(op: Op) -> str:
    """Return what computes the op where the engine has no kernel for it."""
    if op.chapter in ("graph", "state"):
        return "graph"
    return "namespace" if op.lower is None else "body"


def row(op: Op) -> str:
    """Return the op's line of the table."""
    kind = ", ".join([runs_by(op), *sorted(op.traits - {"composite"})])
    cells = (f"`{call(op)}`", op.doc.replace("``", "`"), op.derivative, kind)
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def chapter(op: Op) -> str:
    """Return the chapter that the op belongs to, without its section: ``linalg`` for ``linalg.norms``."""
    return op.chapter.split(".")[0]


def place(op: Op) -> tuple[int, str, str]:
    """Return what the ops are sorted by: the chapters in the order they are read in, then the others."""
    name = chapter(op)
    return CHAPTERS.index(name) if name in CHAPTERS else len(CHAPTERS), name, op.name


def page(ops: Iterable[Op]) -> str:
    """Return the whole page."""
    by_chapter = groupby(sorted(ops, key=place), key=chapter)
    sections = [
        f"\n## {name}\n\n| op | what it does | derivative | runs by; traits |\n| --- | --- | --- | --- |\n"
        + "".join(f"{row(op)}\n" for op in members)
        for name, members in by_chapter
    ]
    return HEAD + "".join(sections)


def main(arguments: list[str]) -> int:
    """Write the page, or with ``--check`` compare it."""
    new = page(REGISTRY.values())
    if "--check" not in arguments:
        PAGE.write_text(new, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != new:
        print(f"{PAGE.name} is not what the registry says; run python docs/generate_ops.py.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
