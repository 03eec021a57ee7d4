"""array-api-extra on tensors: what it does for a library that it has never heard of."""

import numpy as np
import pytest

xpx = pytest.importorskip("array_api_extra")

from clients.tracing import MATRIX, OTHER, PARTNER, ROW, calls, check, check_demanded, on_engines  # noqa: E402

GAPS = np.array([0.5, np.nan, -1.5, 2.0])


def masked(x):
    """Return a function that differs on the two sides of a condition, which divides and takes roots."""
    return xpx.apply_where(x > 0.5, x, lambda t: 1 / (t - 0.1), lambda t: t**2)


TABLE = [
    ("cov", xpx.cov, MATRIX),
    ("kron", xpx.kron, MATRIX, OTHER),
    ("pad", lambda x: xpx.pad(x, 2), MATRIX),
    ("sinc", xpx.sinc, ROW),
    ("angle", lambda x: xpx.angle(x * (1 + 2j) - 0.4), ROW),
    ("create_diagonal", xpx.create_diagonal, ROW),
    ("partition", lambda x: xpx.partition(x, 2), ROW),
    ("nan_to_num", xpx.nan_to_num, ROW),
    ("atleast_nd", lambda x: xpx.atleast_nd(x, ndim=3), ROW),
    ("deg2rad", xpx.deg2rad, ROW),
    ("rad2deg", xpx.rad2deg, ROW),
    ("nansum", xpx.nansum, MATRIX),
    ("nanmean", xpx.nanmean, MATRIX),
    ("apply_where", masked, ROW),
    ("at add", lambda x: xpx.at(x)[1:3].add(3.0, copy=True) * x, ROW),
    ("at set", lambda x, y: xpx.at(x)[2:4].set(y[:2], copy=True), ROW, PARTNER),
    ("at multiply", lambda x: xpx.at(x)[1].multiply(x[0], copy=True), ROW),
    ("at max", lambda x, y: xpx.at(x)[::-1].max(y, copy=True), ROW, PARTNER),
]

ON_DEMAND = [
    *[(name, getattr(xpx, name), GAPS) for name in ("nanmax", "nanmin")],
    ("nunique", xpx.nunique, np.array([1.0, 2.0, 1.0])),
    ("setdiff1d", xpx.setdiff1d, ROW, PARTNER),
    ("union1d", xpx.union1d, ROW, PARTNER),
    ("isclose", xpx.isclose, ROW, PARTNER),
]


@on_engines
@calls(TABLE)
def test_it_is_traced_run_and_differentiated(call, arrays, engine):
    check(call, arrays, engine)


@on_engines
@calls(ON_DEMAND)
def test_what_looks_at_values_runs_on_concrete_tensors(call, arrays, engine):
    check_demanded(call, arrays, engine)
