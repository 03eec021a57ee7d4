"""Random draws as kernels: Philox4x32-10 (Salmon et al., 2011), keyed by a stream's state, which stays on the device.

A thread takes a counter, which gives four words of 32 bits, and makes of them the numbers at its own positions. Equal
states draw equal numbers on every device, and nothing waits to read the state.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from kbplug_cupy.codegen.kernel import THREADS, UNNAMED, Kernel, finish, indented, signature, stored
from kbplug_cupy.codegen.launch import BLOCKS, Launch
from kbplug_cupy.codegen.types import CTYPES

_PHILOX = """\
KB_FUNCTION void {name}_words(kb_u32* w, kb_u32 k0, kb_u32 k1) {{
  for (int round = 0; round < 10; ++round) {{
    const kb_u64 even = (kb_u64)0xd2511f53u * w[0], odd = (kb_u64)0xcd9e8d57u * w[2];
    const kb_u32 w1 = w[1], w3 = w[3];
    w[0] = (kb_u32)(odd >> 32) ^ w1 ^ k0;
    w[1] = (kb_u32)odd;
    w[2] = (kb_u32)(even >> 32) ^ w3 ^ k1;
    w[3] = (kb_u32)even;
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }}
}}
KB_FUNCTION double {name}_unit(kb_u32 high, kb_u32 low) {{
  return ((high >> 5) * 67108864.0 + (low >> 6)) / 9007199254740992.0;
}}
"""

_UNIT = {
    "float16": "(w[{i}] >> 22) * 0.0009765625f",
    "bfloat16": "(w[{i}] >> 24) * 0.00390625f",
    "float32": "(w[{i}] >> 8) * 5.9604644775390625e-08f",
}
"""As many random bits as the dtype keeps below 1."""


def _bits(_: str) -> Iterator[str]:
    yield from (f"y[{i}] = (long long)w[{i}];" for i in range(4))


def _uniform(dtype: str) -> Iterator[str]:
    if dtype == "float64":
        yield from (f"y[{i}] = {UNNAMED}_unit(w[{2 * i}], w[{2 * i + 1}]);" for i in range(2))
    else:
        yield from (f"y[{i}] = {_UNIT[dtype].format(i=i)};" for i in range(4))


def _normal(dtype: str) -> Iterator[str]:
    """Box and Muller, 1958: two numbers from two uniform ones, the first of which is never 0."""
    if dtype == "float64":
        yield f"const double u = 1.0 - {UNNAMED}_unit(w[0], w[1]), v = {UNNAMED}_unit(w[2], w[3]);"
        yield "const double radius = sqrt(-2.0 * log(u)), angle = 6.283185307179586 * v;"
        yield from ("y[0] = radius * cos(angle);", "y[1] = radius * sin(angle);")
        return
    yield "for (int k = 0; k < 4; k += 2) {"
    yield f"  const float u = 1.0f - {_UNIT['float32'].format(i='k')}, v = {_UNIT['float32'].format(i='k + 1')};"
    yield "  const float radius = sqrt(-2.0f * log(u)), angle = 6.2831855f * v;"
    yield from ("  y[k] = radius * cos(angle);", "  y[k + 1] = radius * sin(angle);", "}")


def _integers(dtype: str) -> Iterator[str]:
    for i in range(2):
        unit = f"{UNNAMED}_unit(w[{2 * i}], w[{2 * i + 1}])"
        yield f"y[{i}] = static_cast<{CTYPES[dtype].computed}>((long long)floor({unit} * (double)span) + low);"


_MAKERS = {"bits": _bits, "uniform": _uniform, "normal": _normal, "integers": _integers}


def _per_counter(draw: str, dtype: str) -> int:
    return 2 if draw == "integers" or dtype == "float64" else 4


@functools.cache
def random(draw: str, dtype: str) -> Kernel:
    """Return the kernel that draws ``bits``, ``uniform``, ``normal`` or ``integers``.

    It takes the state and the result, how many numbers to draw, and for integers the lowest and how many there are.
    """
    ctype, count = CTYPES[dtype], _per_counter(draw, dtype)
    numbers = [("const long long", "n")]
    if draw == "integers":
        numbers += [("const long long", "low"), ("const long long", "span")]
    parameters = [("const long long* __restrict__", "a0"), (f"{ctype.stored}* __restrict__", "b0"), *numbers]
    body = [
        "const kb_u32 k0 = (kb_u32)a0[0], k1 = (kb_u32)a0[1];",
        "const kb_u64 call = (kb_u64)a0[2];",
        "const long long first = (long long)blockIdx.x * blockDim.x + threadIdx.x;",
        f"for (long long c = first; c * {count} < n; c += (long long)gridDim.x * blockDim.x) {{",
        "  kb_u32 w[4] = {(kb_u32)c, (kb_u32)((kb_u64)c >> 32), (kb_u32)call, (kb_u32)(call >> 32)};",
        f"  {UNNAMED}_words(w, k0, k1);",
        f"  {ctype.computed} y[{count}];",
        *indented(_MAKERS[draw](dtype)),
        f"  for (int k = 0; k < {count}; ++k)",
        f"    if (c * {count} + k < n) b0[c * {count} + k] = {stored('y[k]', dtype)};",
        "}",
    ]
    lines = [_PHILOX.format(name=UNNAMED), *signature(parameters), *indented(body), "}"]
    return finish(draw, lines, [t for t, _ in parameters])


def drawing(draw: str, dtype: str, count: int, *numbers: int, processors: int = 64) -> Launch | None:
    """Return what draws ``count`` numbers, or None for none; ``numbers`` are the lowest integer and how many."""
    if not count:
        return None
    counters = -(-count // _per_counter(draw, dtype))
    blocks = min(-(-counters // THREADS), processors * BLOCKS)
    return Launch(random(draw, dtype), (count, *numbers), (blocks, 1), (THREADS, 1))
