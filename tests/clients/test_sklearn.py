"""scikit-learn with ``array_api_dispatch``, on tensors; its checks of values are off, as for any lazy array."""

import os

import pytest

sklearn = pytest.importorskip("sklearn")
pytestmark = pytest.mark.skipif(
    os.environ.get("SCIPY_ARRAY_API") != "1", reason="scikit-learn asks for SCIPY_ARRAY_API=1 before SciPy is imported"
)

from sklearn import decomposition, linear_model, metrics, preprocessing  # noqa: E402
from sklearn.metrics import pairwise  # noqa: E402

from clients.tracing import MATRIX, OTHER, PARTNER, ROW, TALL, calls, check, check_demanded, on_engines  # noqa: E402


@pytest.fixture(autouse=True)
def dispatching():
    with sklearn.config_context(array_api_dispatch=True, assume_finite=True):
        yield


def raw(name):
    """Return a metric that leaves its result an array."""
    return lambda x, y: getattr(metrics, name)(x, y, multioutput="raw_values")


KERNELS = ["linear", "polynomial", "rbf", "sigmoid", "laplacian", "cosine"]
DISTANCES = ["euclidean_distances", "cosine_distances", "manhattan_distances", "cosine_similarity"]
PAIRED = ["paired_euclidean_distances", "paired_cosine_distances", "paired_manhattan_distances"]
METRICS = [
    *("mean_squared_error", "mean_absolute_error", "root_mean_squared_error", "mean_pinball_loss", "r2_score"),
    *("mean_absolute_percentage_error", "explained_variance_score"),
]

TABLE = [
    *[(name, lambda x, y, name=name: pairwise.pairwise_kernels(x, y, metric=name), MATRIX, OTHER) for name in KERNELS],
    *[(name, getattr(pairwise, name), MATRIX, OTHER) for name in (*DISTANCES, *PAIRED)],
    *[(name, raw(name), MATRIX, OTHER) for name in METRICS],
    ("normalize", preprocessing.normalize, MATRIX),
    ("Normalizer", lambda x: preprocessing.Normalizer("max").fit_transform(x), MATRIX),
    ("PolynomialFeatures", lambda x: preprocessing.PolynomialFeatures(2).fit_transform(x), MATRIX),
    ("Binarizer", lambda x: preprocessing.Binarizer(threshold=0.5).fit_transform(x) * x, MATRIX),
    ("KernelCenterer", lambda x: preprocessing.KernelCenterer().fit_transform(x @ x.T), TALL),
    ("PCA", lambda x: decomposition.PCA(2, svd_solver="full").fit_transform(x), TALL),
    ("PCA by covariance", lambda x: decomposition.PCA(2, svd_solver="covariance_eigh").fit_transform(x), TALL),
    ("Ridge", lambda x, y: linear_model.Ridge(solver="svd").fit(x, y).coef_, TALL, ROW),
    ("Ridge predicts", lambda x, y: linear_model.Ridge(solver="svd").fit(x, y).predict(x), TALL, PARTNER),
]


random_pca = decomposition.PCA(2, svd_solver="randomized", random_state=0, power_iteration_normalizer="QR")

ON_DEMAND = [
    *[
        (s.__name__, lambda x, s=s: s().fit_transform(x), MATRIX)
        for s in (preprocessing.StandardScaler, preprocessing.MinMaxScaler, preprocessing.MaxAbsScaler)
    ],
    ("chi2_kernel", lambda x, y: pairwise.pairwise_kernels(x, y, metric="chi2"), MATRIX, OTHER),
    ("mean_squared_log_error", raw("mean_squared_log_error"), MATRIX, OTHER),
    ("r2_score as a number", metrics.r2_score, ROW, PARTNER),
    ("randomized PCA", random_pca.fit_transform, TALL),
]


@on_engines
@calls(TABLE)
def test_it_is_traced_run_and_differentiated(call, arrays, engine):
    check(call, arrays, engine)


@on_engines
@calls(ON_DEMAND)
def test_what_looks_at_values_runs_on_concrete_tensors(call, arrays, engine):
    check_demanded(call, arrays, engine)
