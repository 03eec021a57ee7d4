"""Files of variables and functions: what they keep, and that a bad file changes nothing."""

import json
import os

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import kbplug
from kbplug import backend as K
from kbplug import saving
from kbplug.errors import ArgumentError, StorageError
from kbplug.runtime.cells import Cell, Variable

ARRAYS = {
    "matrix": np.arange(6, dtype="float32").reshape(2, 3),
    "transposed": np.arange(6, dtype="float64").reshape(2, 3).T,
    "strided": np.arange(10, dtype="int32")[::3],
    "reversed": np.arange(5, dtype="uint8")[::-1],
    "scalar": np.array(2.5),
    "empty": np.zeros((0, 3), dtype="int64"),
    "flags": np.array([True, False]),
    "half": np.array([1.5, -0.0], dtype="float16"),
    "single complex": np.array([1 + 2j, np.nan - 1j], dtype="complex64"),
    "double complex": np.array([[complex(np.inf, -0.0)], [complex(0.1, np.nan)]]),
    "big endian": np.arange(3, dtype=">f4").astype("f4"),
}


def cells(arrays):
    return {name: Variable(Cell(array, name)) for name, array in arrays.items()}


def test_every_kind_of_array_survives(tmp_path):
    saved = cells(ARRAYS)
    saving.save_variables(tmp_path / "all", saved)
    blank = cells({name: np.zeros_like(array) for name, array in ARRAYS.items()})
    saving.load_variables(tmp_path / "all", blank)
    for name, array in ARRAYS.items():
        found = blank[name].cell.get()
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)
        np.testing.assert_array_equal(
            np.signbit(found.real), np.signbit(array.real)
        ) if found.dtype.kind == "f" else None


def test_other_programs_read_our_files_and_we_read_theirs(tmp_path):
    w = K.variable([[1.0, 2.0]], name="w")
    saving.save_variables(tmp_path / "ours", [w])
    np.testing.assert_array_equal(load_file(tmp_path / "ours")["w"], [[1.0, 2.0]])
    save_file({"w": np.array([[3.0, 4.0]], dtype="float32"), "other": np.zeros(2)}, tmp_path / "theirs")
    saving.load_variables(tmp_path / "theirs", [w])
    assert K.get_value(w).tolist() == [[3.0, 4.0]]


def trained():
    """Return a function with a placeholder, a draw, an array constant and an updated variable, and that variable."""
    x = K.placeholder((None, 3), name="x")
    w = K.variable(np.ones((3, 2)), name="w")
    offset = K.constant(np.arange(2.0))
    y = K.dot(x, w) + offset
    noise = K.random_uniform((2,), seed=4)
    return K.function([x], [y, noise], updates=[K.update_add(w, K.ones_like(w))], name="step"), w


@pytest.mark.parametrize("engine", ["numpy", "strict"])
def test_a_function_goes_on_where_it_was_saved(tmp_path, engine):
    kbplug.config.set_rng("portable")
    function, w = trained()
    x = np.ones((2, 3), dtype="float32")
    function([x])
    saving.save_function(tmp_path / "step.kbplug", function)
    expected = [function([x]) for _ in range(3)]
    with kbplug.engine_scope(engine):
        loaded = saving.load_function(tmp_path / "step.kbplug")
        found = [loaded([x]) for _ in range(3)]
    assert loaded.name == "step"
    assert [t.name for t in loaded.inputs] == ["x"]
    for ours, theirs in zip(found, expected, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)
    assert K.get_value(w).tolist() == [[5.0, 5.0]] * 3


def test_a_function_with_a_loop_and_its_gradient(tmp_path):
    from kbplug.ops.control import fold_over

    x = K.placeholder((None, 2), dtype="float64")
    (end,), _ = fold_over(lambda c, e: ([K.tanh(c + e)], []), [K.constant([0.1, 0.2], dtype="float64")], [x])
    loss = K.sum(end)
    function = K.function([x], [loss, *K.gradients(loss, [x])])
    saving.save_function(tmp_path / "loop", function)
    given = np.random.default_rng(0).normal(size=(4, 2))
    for a, b in zip(saving.load_function(tmp_path / "loop")([given]), function([given]), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_function_fed_at_an_intermediate_tensor(tmp_path):
    x = K.placeholder((None,), name="x")
    middle = K.exp(x)
    function = K.function([middle], [middle * 2.0])
    saving.save_function(tmp_path / "cut", function)
    assert saving.load_function(tmp_path / "cut")([[1.0, 2.0]])[0].tolist() == [2.0, 4.0]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "weights"
    w = K.variable([1.0], name="w")
    saving.save_variables(path, [w])
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        saving.save_variables(path, [K.variable([2.0], name="w")])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def damage_header(content):
    return content[:8] + b"#" + content[9:]


def damage_graph(content):
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    meta = json.loads(header["__metadata__"]["kbplug"])
    meta["graph"] = {"format": "nonsense"}
    header["__metadata__"]["kbplug"] = json.dumps(meta)
    packed = json.dumps(header).encode()
    return len(packed).to_bytes(8, "little") + packed + content[8 + size :]


def newer(content):
    return content.replace(b'\\"version\\": \\"1\\"', b'\\"version\\": \\"9\\"')


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda c: c[: len(c) // 2], "is no safetensors file, or is damaged"),
        (lambda c: c[:-1], "is no safetensors file, or is damaged"),
        (lambda c: b"", "is no safetensors file, or is damaged"),
        (lambda c: b"PK\x03\x04 a zip file", "is no safetensors file, or is damaged"),
        (damage_header, "is no safetensors file, or is damaged"),
        (damage_graph, "damaged|version|format"),
        (newer, "another version"),
    ],
)
def test_a_bad_file_is_told_in_one_sentence(tmp_path, harm, message):
    path = tmp_path / "function"
    saving.save_function(path, trained()[0])
    content = path.read_bytes()
    path.write_bytes(harm(content))
    assert path.read_bytes() != content
    with pytest.raises(StorageError, match=message):
        saving.load_function(path)


def test_a_file_of_variables_is_no_function(tmp_path):
    saving.save_variables(tmp_path / "w", [K.variable([1.0], name="w")])
    with pytest.raises(StorageError, match="holds no function of kbplug, but kbplug variables"):
        saving.load_function(tmp_path / "w")
    with pytest.raises(StorageError, match="There is no file"):
        saving.load_function(tmp_path / "absent")


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ({"b": np.zeros(3, "float32")}, "holds no array 'a'"),
        (
            {"a": np.zeros(4, "float32"), "b": np.zeros(3, "float32")},
            r"'a' should be float32\[3\], but .* float32\[4\]",
        ),
        (
            {"a": np.zeros(3, "float64"), "b": np.zeros(3, "float32")},
            r"'a' should be float32\[3\], but .* float64\[3\]",
        ),
    ],
)
def test_variables_that_do_not_fit_leave_all_unchanged(tmp_path, held, message):
    a, b = (K.variable(np.full(3, 7.0), name=name) for name in "ab")
    save_file(held, tmp_path / "w")
    with pytest.raises(StorageError, match=message):
        saving.load_variables(tmp_path / "w", [b, a])
    assert K.get_value(a).tolist() == K.get_value(b).tolist() == [7.0] * 3


def test_two_variables_of_one_name_need_a_mapping(tmp_path):
    pair = [Variable(Cell(np.zeros(2), "same")) for _ in range(2)]
    with pytest.raises(ArgumentError, match="Two variables are called 'same'"):
        saving.save_variables(tmp_path / "w", pair)


@pytest.mark.parametrize(
    ("save", "error", "message"),
    [
        (
            lambda path: saving.save_variables(path, ["w"]),
            ArgumentError,
            "Only variables are saved and loaded, not 'w'",
        ),
        (lambda path: saving.save_variables(path, K.constant(1.0)), ArgumentError, "Only variables are saved"),
        (lambda path: saving.save_variables(path, {1: K.zeros(2)}), ArgumentError, "in a file has a name, not 1"),
        (lambda path: saving.save_function(path, print), ArgumentError, "what K.function returned, not a builtin"),
        (
            lambda path: saving.save_variables(path / "w", [K.zeros(2)]),
            StorageError,
            "w is no place for a file; name one",
        ),
        (
            lambda path: saving.save_variables(path.parent, [K.zeros(2)]),
            StorageError,
            "is no place for a file; name one",
        ),
    ],
)
def test_what_cannot_be_saved(tmp_path, save, error, message):
    with pytest.raises(error, match=message):
        save(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_one_variable_needs_no_list(tmp_path):
    v = K.variable([1.0, 2.0], name="v")
    saving.save_variables(tmp_path / "v", v)
    K.set_value(v, [0.0, 0.0])
    saving.load_variables(tmp_path / "v", v)
    assert K.get_value(v).tolist() == [1.0, 2.0]
