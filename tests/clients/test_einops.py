"""einops for the Array API, on tensors."""

import pytest

einops = pytest.importorskip("einops.array_api")

from clients.tracing import MATRIX, OTHER, calls, check, on_engines  # noqa: E402

TABLE = [
    ("rearrange", lambda x: einops.rearrange(x, "a b -> (b a)"), MATRIX),
    ("rearrange into axes", lambda x: einops.rearrange(x, "a (b c) -> c a b", b=2), MATRIX),
    ("rearrange a list", lambda x, y: einops.rearrange([x, y], "n a b -> a (n b)"), MATRIX, OTHER),
    *[
        (f"reduce {how}", lambda x, how=how: einops.reduce(x, "a (b c) -> a b", how, b=2), MATRIX)
        for how in ("max", "min", "sum", "mean", "prod")
    ],
    ("repeat", lambda x: einops.repeat(x, "a b -> a b c", c=2), MATRIX),
    ("pack", lambda x, y: einops.pack([x, y], "* b")[0], MATRIX, OTHER),
    ("unpack", lambda x: einops.unpack(x, [(1,), (2,)], "* b"), MATRIX),
]


@on_engines
@calls(TABLE)
def test_it_is_traced_run_and_differentiated(call, arrays, engine):
    check(call, arrays, engine)
