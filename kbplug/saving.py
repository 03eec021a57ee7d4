"""Variables and whole functions in files: safetensors, with the graph as JSON in its header. No pickle, no code.

Files are written beside their place and renamed into it, so a reader sees the old file or the new one.
A file is read and checked whole before anything changes.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from kbplug.errors import ArgumentError, StorageError, did_you_mean
from kbplug.graph import serial
from kbplug.graph.spec import Spec, spec
from kbplug.graph.tensor import Tensor
from kbplug.runtime import values
from kbplug.runtime.cells import Cell, Variable
from kbplug.runtime.function import Function

VERSION = "1"
_VARIABLES = "kbplug variables"
_FUNCTION = "kbplug function"
_Path = str | os.PathLike[str]
_Arrays = dict[str, values.HostArray]


def save_variables(path: _Path, variables: Mapping[str, Variable] | Iterable[Variable]) -> None:
    """Write the values of variables to one safetensors file, which other libraries read too.

    Parameters
    ----------
    path
        The file; an existing one is replaced.
    variables
        By the names they get in the file, or alone: then each goes by its own name.

    Raises
    ------
    ArgumentError
        If two variables share a name, or something else stands among them.
    StorageError
        If the path is a directory, or in none.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from kbplug import backend as K, saving
    >>> w = K.variable([[1.0, 2.0]], name="w")
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "weights.safetensors"
    >>> saving.save_variables(path, [w])
    >>> K.set_value(w, [[0.0, 0.0]])
    >>> saving.load_variables(path, [w])
    >>> K.get_value(w).tolist()
    [[1.0, 2.0]]
    """
    named = _named(variables)
    _write(path, _VARIABLES, {name: v.cell.get() for name, v in named.items()}, {})


def load_variables(path: _Path, variables: Mapping[str, Variable] | Iterable[Variable]) -> None:
    """Set variables to the values in a file written by ``save_variables`` or by another library.

    Parameters
    ----------
    path
        The file.
    variables
        As for ``save_variables``. Names of the file that are not asked for are left alone.

    Raises
    ------
    StorageError
        If the file is damaged or foreign, lacks a name, or holds another shape or dtype. No variable changes then.
    """
    named = _named(variables)
    arrays, _ = _read(path)
    found = [
        (v, values.unpack(_get(arrays, name, path), v.cell.spec, f"The variable {name!r}")) for name, v in named.items()
    ]
    for variable, array in found:
        variable.cell.set(array)


def save_function(path: _Path, function: Function) -> None:
    """Write a function to one file: its graph, its constants, and the present values of the cells it reads and writes.

    Parameters
    ----------
    path
        The file; an existing one is replaced.
    function
        A function of ``K.function``; it can be loaded and run on any engine.

    Raises
    ------
    ArgumentError
        If it is no such function.
    StorageError
        If the path is a directory, or in none.
    """
    if not isinstance(function, Function):
        raise ArgumentError(f"save_function writes what K.function returned, not a {type(function).__name__}.")
    data, constants, cells = serial.to_data(function.graph)
    cells = [*cells, *(c for c in dict.fromkeys(function.written) if c not in cells)]
    arrays = {f"constant.{name}": array for name, array in constants.items()}
    arrays.update({f"cell.{i}": cell.get() for i, cell in enumerate(cells)})
    meta = {
        "name": function.name,
        "inputs": [tensor.name for tensor in function.inputs],
        "outputs": function.count,
        "cells": [{"name": c.name, "static": c.static, "shape": c.spec.shape, "dtype": c.spec.dtype} for c in cells],
        "written": [cells.index(c) for c in function.written],
        "graph": data,
    }
    _write(path, _FUNCTION, arrays, meta)


def load_function(path: _Path) -> Function:
    """Return the function in a file written by ``save_function``, with cells of its own.

    Raises
    ------
    StorageError
        If the file is damaged, truncated, foreign or written by a newer kbplug.
    """
    arrays, meta = _read(path)
    if meta.get("kind") != _FUNCTION:
        raise StorageError(
            f"{Path(path)} holds no function of kbplug, but {meta.get('kind', 'arrays of another program')}."
        )
    try:
        cells = [_cell(row, _get(arrays, f"cell.{i}", path)) for i, row in enumerate(meta["cells"])]
        constants = {n.removeprefix("constant."): a for n, a in arrays.items() if n.startswith("constant.")}
        graph = serial.from_data(meta["graph"], constants, cells)
        labels = list(meta["inputs"])
        return Function.of_graph(graph, labels, meta["outputs"], [cells[i] for i in meta["written"]], meta["name"])
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(f"The function in {Path(path)} is damaged: {error!r}.") from error


def _cell(row: Mapping[str, Any], array: values.HostArray) -> Cell:
    wanted: Spec = spec(row["shape"], row["dtype"])
    return Cell(
        values.unpack(array, wanted, f"The cell {row['name']!r}"), row["name"], spec=wanted, static=row["static"]
    )


def _named(variables: Mapping[str, Variable] | Iterable[Variable]) -> dict[str, Variable]:
    if isinstance(variables, Mapping):
        pairs = list(variables.items())
    else:
        pairs = [(getattr(v, "name", ""), v) for v in ([variables] if isinstance(variables, Tensor) else variables)]
    named: dict[str, Variable] = {}
    for name, variable in pairs:
        if not isinstance(variable, Variable):
            raise ArgumentError(f"Only variables are saved and loaded, not {variable!r}.")
        if not isinstance(name, str):
            raise ArgumentError(f"A variable in a file has a name, not {name!r}.")
        if name in named:
            raise ArgumentError(f"Two variables are called {name!r}; give a mapping of distinct names to variables.")
        named[name] = variable
    return named


def _get(arrays: _Arrays, name: str, path: _Path) -> values.HostArray:
    if name not in arrays:
        raise StorageError(f"{Path(path)} holds no array {name!r}.{did_you_mean(name, arrays)}")
    return arrays[name]


def _write(path: _Path, kind: str, arrays: Mapping[str, values.HostArray], meta: Mapping[str, Any]) -> None:
    """Write arrays and metadata; complex128, which the format lacks, as pairs of float64."""
    pairs = [name for name, array in arrays.items() if array.dtype.name == "complex128"]
    packed = {name: values.pack(values.as_pairs(a) if name in pairs else a) for name, a in arrays.items()}
    header = {"kind": kind, "version": VERSION, "complex": pairs, **meta}
    _replace(Path(path), save(packed, metadata={"kbplug": json.dumps(header, allow_nan=False)}))


def _replace(path: Path, content: bytes) -> None:
    if path.is_dir() or not path.parent.is_dir():
        raise StorageError(f"{path} is no place for a file; name one in a directory that exists.")
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def _read(path: _Path) -> tuple[_Arrays, Mapping[str, Any]]:
    """Return a file's arrays, and what kbplug wrote about them: nothing for a file of another program."""
    try:
        with safe_open(path, framework="numpy") as file:
            header = (file.metadata() or {}).get("kbplug", "{}")
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 -- no mapping
        meta = json.loads(header)
    except FileNotFoundError as error:
        raise StorageError(f"There is no file {Path(path)}.") from error
    except (SafetensorError, OSError, ValueError) as error:
        raise StorageError(f"{Path(path)} is no safetensors file, or is damaged: {error}") from error
    if not isinstance(meta, dict) or meta.get("version", VERSION) != VERSION:
        raise StorageError(f"{Path(path)} was written by another version of kbplug's format; this one reads {VERSION}.")
    for name in meta.get("complex", ()):
        arrays[name] = values.from_pairs(_get(arrays, name, path))
    return arrays, meta
