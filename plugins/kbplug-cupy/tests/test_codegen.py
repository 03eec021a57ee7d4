"""The shape of generated sources, and what is decided before there are any. Needs neither compiler nor device."""

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest
from regions import region

from kbplug.graph.node import literal
from kbplug.graph.op import lookup
from kbplug_cupy.codegen import types
from kbplug_cupy.codegen.kernel import prelude
from kbplug_cupy.codegen.launch import launch, result_shapes, row_length
from kbplug_cupy.codegen.layout import MisfitError, Place, contiguous
from kbplug_cupy.codegen.program import read
from kbplug_cupy.codegen.types import CTYPES, constant

SOURCE = Path(__file__).parent.parent / "src"


def place(*shape, size=4, alignment=16):
    return Place(shape, contiguous(shape), alignment, size)


def made(graph, *places, **options):
    program = read(graph)
    shapes = result_shapes(program, [p.shape for p in places])
    return launch(program, [*places, *(place(*s) for s in shapes)], **options)


def _add(x, y):
    return x + y


PAIR = ((2, "float32"), (2, "float32"))


def test_contiguous_operands_are_read_and_written_sixteen_bytes_at_once():
    source = made(region(_add, *PAIR), place(8, 8), place(8, 8)).kernel.source
    assert source.count("*reinterpret_cast<const kb_pack<float, 4>*>(a") == 2
    assert source.count("*reinterpret_cast<kb_pack<float, 4>*>(b0 + i) = q0;") == 1
    assert "% n" not in source  # no coordinates where the order of elements is that of memory


def test_a_scalar_is_read_once_before_the_loops():
    source = made(region(_add, (2, "float32"), (0, "float32")), place(8, 8), place()).kernel.source
    assert source.index("const auto x1 = kb_value(a1[0]);") < source.index("for (")
    assert source.count("a1[") == 1


def test_each_operand_is_loaded_once_however_often_it_is_used():
    source = made(region(lambda x: x * x + x, (1, "float32")), place(7, alignment=4)).kernel.source
    assert source.count("a0[") == 1


def test_a_shared_subexpression_is_computed_once():
    source = made(region(lambda x: lookup("exp")(x) / (1.0 + lookup("exp")(x)), (1, "float32")), place(7)).kernel.source
    assert source.count("exp(") == 1


def test_the_size_of_an_array_is_no_part_of_its_kernel():
    graph = region(_add, *PAIR)
    small, large = (made(graph, place(n, 64), place(n, 64)) for n in (4, 400))
    assert small.kernel == large.kernel
    assert (small.numbers, large.numbers) == ((256,), (25600,))


def test_a_softmax_passes_over_a_row_three_times_and_reduces_twice():
    def softmax(x):
        e = lookup("exp")(x - lookup("max")(x, axis=-1, keepdims=True))
        return e / lookup("sum")(e, axis=-1, keepdims=True)

    found = made(region(softmax, (2, "float32")), place(64, 256))
    assert found.kernel.source.count("for (int j") == 3
    assert found.kernel.source.count("kb_reduce<32>") == 2
    assert (found.grid, found.block) == ((8, 1), (32, 8))
    assert made(region(softmax, (2, "float32")), place(64, 20000)).block == (512, 1)


def test_reductions_of_one_level_share_a_pass():
    def spread(x):
        return lookup("max")(x, axis=-1, keepdims=True) - lookup("min")(x, axis=-1, keepdims=True)

    assert made(region(spread, (2, "float32")), place(64, 256)).kernel.source.count("for (int j") == 1


def test_a_result_over_an_operand_is_known_to_the_compiler():
    graph, places = region(_add, *PAIR), (place(8, 8), place(8, 8))
    assert "__restrict__" in made(graph, *places).kernel.source
    assert "__restrict__" not in made(graph, *places, aliased=True).kernel.source


def test_large_arrays_are_indexed_in_64_bits():
    launched = made(region(lambda x: -x, (1, "float32")), place(1 << 31))
    assert launched.kernel.parameters[-1] == "const long long"


def test_the_grid_covers_small_arrays_once_and_large_ones_by_strides():
    graph = region(lambda x: -x, (1, "float32"))
    assert made(graph, place(1024)).grid == (1, 1)
    assert made(graph, place(1028)).grid == (2, 1)
    assert made(graph, place(1 << 24), processors=100).grid == (800, 1)


def test_nothing_is_launched_for_nothing():
    assert made(region(lambda x: -x, (2, "float32")), place(0, 4)) is None


def test_names_come_from_sources():
    graph = region(_add, *PAIR)
    found = made(graph, place(8, 8), place(8, 8)).kernel
    assert re.fullmatch(r"elementwise_[0-9a-f]{16}", found.name)
    assert "KERNEL" not in found.source
    other = made(region(lambda x, y: x - y, *PAIR), place(8, 8), place(8, 8)).kernel
    assert found.name != other.name


@pytest.mark.parametrize("dtype", sorted(CTYPES))
def test_constants_keep_their_value(dtype):
    values = {"bool": [True, False], "int": [0, -1, 5], "uint": [0, 200]}.get(CTYPES[dtype].kind, [0.1, -2.5, 1e-30])
    for value in values:
        text = constant(literal(value, dtype).params["value"], dtype)
        inner = text.partition("{")[2].partition(",")[0] if "complex" in dtype else text
        number = {"true": 1.0, "false": 0.0}.get(inner) if dtype == "bool" else float(inner.strip("()").rstrip("flu"))
        assert number == literal(value, dtype).params["value"]


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_constants_that_are_no_numbers(value):
    assert constant(value, "float32").lstrip("-") in ("kb_infinity<float>()", "kb_nan<float>()")


def test_bounds_of_integers_are_constants_that_cpp_can_read():
    assert constant(-(2**63), "int64") == "(-9223372036854775807ll - 1)"
    assert constant(2**64 - 1, "uint64") == "18446744073709551615ull"


def test_rows_of_two_lengths_do_not_fit_one_kernel():
    assert row_length([(3, 5), (1,), (5,)]) == 5
    assert row_length([(3, 1), ()]) == 1
    with pytest.raises(MisfitError):
        row_length([(3, 5), (4,)])


def test_results_of_different_shapes_do_not_fit_one_kernel():
    with pytest.raises(MisfitError, match="leading dimensions"):
        made(region(lambda x, y: (-x, x + y), (1, "float32"), (2, "float32")), place(4), place(3, 4))


def test_the_prelude_includes_nothing():
    assert "#include" not in prelude()


def test_generating_kernels_imports_neither_cupy_nor_numpy():
    code = (
        f"import sys; sys.path.append({str(SOURCE)!r}); import kbplug_cupy.codegen.launch, kbplug_cupy.codegen.random;"
        "print(*{'numpy', 'cupy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_examples_of_types():
    assert doctest.testmod(types).attempted
    assert not doctest.testmod(types).failed
