"""SciPy's functions for any array library, on tensors: ``nox -s clients`` sets SCIPY_ARRAY_API, which they wait for."""

import os

import numpy as np
import pytest

pytestmark = pytest.mark.skipif(
    os.environ.get("SCIPY_ARRAY_API") != "1", reason="SCIPY_ARRAY_API=1 must be set before SciPy is imported"
)

from scipy import fft, integrate, signal, special, stats  # noqa: E402
from scipy.cluster import vq  # noqa: E402
from scipy.spatial.transform import RigidTransform, Rotation  # noqa: E402

import kbplug.array_api as xp  # noqa: E402
from clients.tracing import MATRIX, PARTNER, ROW, SAMPLE, SIGNAL, TALL, calls, check, check_demanded, on_engines  # noqa: E402
from kbplug.errors import ArgumentError  # noqa: E402

TURN, ANGLES, POINT = np.array([0.1, 0.2, 0.3]), np.array([0.5, -0.2, 0.4]), np.array([1.0, 2.0, -1.0])
QUATERNION = np.array([0.1, 0.2, 0.3, 0.9])

SPECIAL = [
    *[(name, getattr(special, name), MATRIX) for name in ("softmax", "log_softmax", "logsumexp")],
    *[(name, getattr(special, name), ROW) for name in ("erf", "erfc", "expit", "logit", "gammaln", "ndtr", "ndtri")],
    *[(name, getattr(special, name), ROW) for name in ("log_ndtr", "entr", "i0", "i0e", "i1", "i1e", "sinc")],
    *[
        (name, getattr(special, name), ROW, PARTNER)
        for name in ("xlogy", "rel_entr", "betaln", "gammainc", "gammaincc")
    ],
    ("betainc", special.betainc, ROW, PARTNER, ROW),
]

FFT = [
    *[
        (name, getattr(fft, name), MATRIX)
        for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "fftn", "ifftn")
    ],
    *[(name, getattr(fft, name), MATRIX) for name in ("rfftn", "fft2", "ifft2", "fftshift", "ifftshift")],
    ("fft of a length", lambda x: fft.fft(x, n=7, norm="ortho"), ROW),
    ("irfft of a length", lambda x: fft.irfft(fft.rfft(x), n=5), ROW),
]

STATS = [
    *[(name, getattr(stats, name), ROW) for name in ("gmean", "gstd", "skew", "kurtosis", "zscore", "tmin", "tmax")],
    *[(name, getattr(stats, name), ROW) for name in ("tmean", "tvar", "tstd", "tsem", "sem", "variation", "entropy")],
    *[(name, getattr(stats, name), ROW) for name in ("circmean", "circvar", "circstd", "kstat", "kstatvar")],
    ("differential_entropy", stats.differential_entropy, SAMPLE),
    ("moment", lambda x: stats.moment(x, 3), ROW),
    ("trim_mean", lambda x: stats.trim_mean(x, 0.2), ROW),
    ("directional_stats", lambda x: stats.directional_stats(x).mean_direction, TALL),
    ("zmap", stats.zmap, ROW, PARTNER),
    ("boxcox_llf", lambda x: stats.boxcox_llf(0.5, x), ROW),
    ("pearsonr", lambda x, y: stats.pearsonr(x, y).statistic, ROW, PARTNER),
    ("power_divergence", lambda x: stats.power_divergence(x, lambda_=0.5).statistic, 5 + ROW),
    ("chisquare", lambda x: stats.chisquare(x).pvalue, 5 + ROW),
    ("ttest_1samp", lambda x: stats.ttest_1samp(x, 0.3).pvalue, ROW),
    ("ttest_ind", lambda x, y: stats.ttest_ind(x, y).pvalue, ROW, PARTNER),
    ("ttest_rel", lambda x, y: stats.ttest_rel(x, y).pvalue, ROW, PARTNER),
    ("f_oneway", lambda x, y: stats.f_oneway(x, y).pvalue, ROW, PARTNER),
    ("bartlett", lambda x, y: stats.bartlett(x, y).pvalue, ROW, PARTNER),
    ("skewtest", lambda x: stats.skewtest(x).pvalue, SAMPLE),
    ("kurtosistest", lambda x: stats.kurtosistest(x).pvalue, SAMPLE),
    ("normaltest", lambda x: stats.normaltest(x).pvalue, SAMPLE),
    ("jarque_bera", lambda x: stats.jarque_bera(x).pvalue, SAMPLE),
    ("combine_pvalues", lambda x: stats.combine_pvalues(x).pvalue, ROW),
]

SIGNALS = [
    ("trapezoid", integrate.trapezoid, MATRIX),
    ("cumulative_trapezoid", integrate.cumulative_trapezoid, MATRIX),
    ("cumulative_simpson", integrate.cumulative_simpson, MATRIX),
    ("hilbert", signal.hilbert, SIGNAL),
    ("hilbert2", signal.hilbert2, MATRIX),
    ("envelope", signal.envelope, SIGNAL),
    ("fftconvolve", signal.fftconvolve, SIGNAL, ROW),
    ("oaconvolve", signal.oaconvolve, SIGNAL, ROW),
    ("resample", lambda x: signal.resample(x, 8), SIGNAL),
    ("freqz", lambda b: signal.freqz(b, worN=5)[1], ROW),
    ("whiten", vq.whiten, TALL),
]

ROTATIONS = [
    ("from_rotvec", lambda v: Rotation.from_rotvec(v).as_matrix(), TURN),
    ("from_quat", lambda q: Rotation.from_quat(q).as_matrix(), QUATERNION),
    ("from_euler", lambda v: Rotation.from_euler("xyz", v).as_matrix(), ANGLES),
    ("from_mrp", lambda v: Rotation.from_mrp(v).as_matrix(), TURN),
    ("as_quat", lambda v: Rotation.from_rotvec(v).as_quat(), TURN),
    ("as_euler", lambda v: Rotation.from_rotvec(v).as_euler("xyz"), TURN),
    ("as_rotvec", lambda q: Rotation.from_quat(q).as_rotvec(), QUATERNION),
    ("apply", lambda v, p: Rotation.from_rotvec(v).apply(p), TURN, POINT),
    ("product", lambda v, w: (Rotation.from_rotvec(v) * Rotation.from_rotvec(w)).as_matrix(), TURN, ANGLES),
    ("inv", lambda v: Rotation.from_rotvec(v).inv().as_matrix(), TURN),
    ("magnitude", lambda v: Rotation.from_rotvec(v).magnitude(), TURN),
    ("rigid", lambda v, p: RigidTransform.from_rotation(Rotation.from_rotvec(v)).apply(p), TURN, POINT),
    ("translation", lambda p: RigidTransform.from_translation(p).as_matrix(), POINT),
]


def placed(v, p):
    """Return a rotation and a translation in one matrix; SciPy makes it orthogonal by a decomposition."""
    return RigidTransform.from_components(p, Rotation.from_rotvec(v)).as_matrix()


ON_DEMAND = [
    *[(name, getattr(stats, name), ROW) for name in ("hmean", "iqr", "rankdata")],
    ("pmean", lambda x: stats.pmean(x, 2), ROW),
    ("from_components", placed, TURN, POINT),
    ("cubature", lambda x: integrate.cubature(lambda p: p[..., 0] ** 2, x[:1], x[1:2]).estimate, ROW),
]


@on_engines
@calls([*SPECIAL, *FFT, *STATS, *SIGNALS, *ROTATIONS])
def test_it_is_traced_run_and_differentiated(call, arrays, engine):
    check(call, arrays, engine)


def test_what_would_leave_the_graph_says_so():
    with pytest.raises(ArgumentError, match=r"The lazy tensor does not turn into a NumPy array by itself.*K\.eval"):
        signal.detrend(xp.asarray(SIGNAL))


@on_engines
@calls(ON_DEMAND)
def test_what_looks_at_values_runs_on_concrete_tensors(call, arrays, engine):
    check_demanded(call, arrays, engine)
