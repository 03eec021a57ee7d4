"""``kbplug ops``: the op registry, by chapter."""

from __future__ import annotations

import argparse
from fnmatch import fnmatchcase
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

from kbplug.cli import output

if TYPE_CHECKING:
    from kbplug.graph.op import Op


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser("ops", help="list the ops: signature, derivative, traits")
    parser.add_argument(
        "pattern",
        nargs="?",
        default="*",
        metavar="PATTERN",
        help="a name, also with * and ?, a part of one, or a chapter",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List the ops; the status is 1 when none matches."""
    from kbplug.errors import did_you_mean
    from kbplug.ops import REGISTRY

    pattern, known = arguments.pattern, sorted(REGISTRY.values(), key=lambda op: (op.chapter, op.name))
    found = [op for op in known if fnmatchcase(op.name, pattern) or op.chapter == pattern]
    found = found or [op for op in known if pattern in op.name]
    if arguments.json:
        output.as_json(
            [
                {
                    "name": op.name,
                    "chapter": op.chapter,
                    "signature": _call(op),
                    "derivative": op.derivative,
                    "traits": op.traits,
                    "doc": op.doc,
                }
                for op in found
            ]
        )
    elif found:
        output.table(
            ("chapter", "op", "derivative", "traits"),
            [(op.chapter, f"{op.name}{_call(op)}", op.derivative, ", ".join(sorted(op.traits))) for op in found],
        )
    else:
        output.line(f"No op is called {pattern!r}.{did_you_mean(pattern, REGISTRY)}")
    return 0 if found else 1


def _call(op: Op) -> str:
    """Return how ``op`` is called: its signature without types, which are the same for all."""
    parameters = [parameter.replace(annotation=Parameter.empty) for parameter in op.signature.parameters.values()]
    return str(op.signature.replace(parameters=parameters, return_annotation=Signature.empty))
