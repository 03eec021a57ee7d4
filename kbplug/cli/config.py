"""``kbplug config``: shows the settings and their origins, and writes the settings file when asked to."""

from __future__ import annotations

import argparse
from typing import Any

from kbplug.cli import output


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser("config", help="show or write the settings")
    parser.set_defaults(run=_show, json=False)
    actions = parser.add_subparsers(metavar="ACTION", help="show when left out")
    show = actions.add_parser("show", help="show the settings in force and where each came from")
    show.set_defaults(run=_show)
    init = actions.add_parser("init", help="write a settings file with the defaults")
    init.set_defaults(run=_init)
    assign = actions.add_parser("set", help="set one key in the settings file")
    assign.add_argument("key", metavar="KEY", help="such as backend, plugins.block or options.cupy.stream")
    assign.add_argument("value", metavar="VALUE", help="JSON, or a plain word")
    assign.set_defaults(run=_set)
    keras = actions.add_parser("import-keras", help="take over what Keras's own file sets")
    keras.set_defaults(run=_import_keras)
    for action in (show, init, assign, keras):
        action.add_argument("--json", action="store_true", help="print JSON")


def _show(arguments: argparse.Namespace) -> int:
    from kbplug.config import settings

    items = settings().items()
    if arguments.json:
        output.as_json({name: {"value": value, "origin": origin} for name, value, origin in items})
    else:
        output.table(("setting", "value", "origin"), [(name, _text(value), origin) for name, value, origin in items])
    return 0


def _text(value: object) -> str:
    import json

    return json.dumps(value, default=output.plain)


def _init(arguments: argparse.Namespace) -> int:
    from kbplug.config import edit

    return _report(arguments, str(edit.init()), {})


def _set(arguments: argparse.Namespace) -> int:
    from kbplug.config import edit
    from kbplug.config.keys import KEYS
    from kbplug.plugins.registry import select

    if arguments.key == "backend":
        select(KEYS["backend"].checked(arguments.value, "kbplug config set backend"))
    file, kept = edit.assign(arguments.key, arguments.value)
    return _report(arguments, str(file), {arguments.key: kept})


def _import_keras(arguments: argparse.Namespace) -> int:
    from kbplug.config import edit
    from kbplug.errors import EngineError
    from kbplug.plugins.registry import select

    values = edit.from_keras()
    note = ""
    if "backend" in values:
        try:
            select(values["backend"], str(edit.keras_file()))
        except EngineError as cause:
            del values["backend"]
            note = f"The backend was left as it is. {cause}"
    return _report(arguments, str(edit.merge_in(values)), values, note)


def _report(arguments: argparse.Namespace, file: str, values: dict[str, Any], note: str = "") -> int:
    if arguments.json:
        output.as_json({"file": file, "written": values, "note": note})
        return 0
    output.line(f"Wrote {file}.")
    for name, value in values.items():
        output.line(f"{name} = {_text(value)}")
    if note:
        output.line(note)
    return 0
