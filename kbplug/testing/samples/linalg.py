"""Samples for linear algebra: well-conditioned matrices with distinct values, real and complex, alone and in stacks.

Ops that take their operand as Hermitian are not smooth here: a difference moves one triangle alone. Neither
are complex vectors, whose phases the engine chooses. Both are differenced where their domain is kept.
"""

from __future__ import annotations

import numpy as np

from kbplug.testing.samples import Sample, sample


def _positive(x: np.ndarray) -> np.ndarray:
    """Return Hermitian matrices with eigenvalues above 1."""
    return np.asarray(x @ np.conj(np.swapaxes(x, -1, -2)) + np.eye(x.shape[-1]))


VECTOR, OTHER = np.array([0.4, -1.3, 0.9]), np.array([1.1, 0.6, -0.7])
PLANE, ELSE = VECTOR + 1j * OTHER, OTHER - 0.5j * VECTOR
TALL = np.array([[1.2, -0.4], [0.3, 0.8], [-0.7, 1.5]])
WIDE = np.array([[0.9, -0.2, 1.4], [0.5, 1.1, -0.8]])
SQUARE = np.array([[1.3, 0.4, -0.6], [-0.5, 0.9, 0.7], [0.2, -1.1, 1.6]])
SPREAD = np.array([[2.0, 0.3, -0.4], [0.5, -1.0, 0.6], [0.1, 0.2, 0.7]])
STACK = np.array([[[1.4, -0.3], [0.6, 0.9]], [[0.7, 1.2], [-1.1, 0.5]]])
COMPLEX = np.array([[1.1 + 0.3j, -0.5 + 0.8j], [0.4 - 0.9j, 0.7 + 1.2j]])
COMPLEX_TALL = TALL + 1j * TALL[::-1] * 0.6
COMPLEX_WIDE = WIDE - 0.7j * WIDE[::-1]
SINGULAR = np.array([[1.0, 2.0, 4.0], [2.0, 4.0, 8.0], [1.0, 0.0, 1.0]])
RANK_ONE = np.outer(VECTOR, OTHER)
NOTHING = np.zeros((0, 2, 2))
INTEGERS = np.array([[1, -2, 3], [4, 0, -5]])
NARROW = np.array([[100, -3], [5, 127]], dtype="int8")

PRODUCTS: dict[str, list[Sample]] = {
    "matmul": [
        sample(TALL, WIDE),
        sample(VECTOR, TALL, label="row"),
        sample(WIDE, VECTOR, label="column"),
        sample(VECTOR, OTHER, label="two vectors"),
        sample(STACK, TALL.T, label="stack by matrix"),
        sample(TALL, STACK, label="matrix by stack"),
        sample(STACK, VECTOR[:2], label="stack by vector"),
        sample(VECTOR[:2], STACK, label="vector by stack"),
        sample(STACK[:, None], STACK, label="stacks that broadcast"),
        sample(COMPLEX, COMPLEX_TALL.T, label="complex"),
        sample(COMPLEX, STACK, label="complex by real"),
        sample(np.zeros((2, 0)), np.zeros((0, 3)), label="empty sum"),
        sample(INTEGERS, INTEGERS.T, label="integers"),
        sample(NARROW, NARROW, label="int8"),
    ],
    "tensordot": [
        sample(TALL, WIDE.T),
        sample(TALL, WIDE, axes=1),
        sample(VECTOR, TALL, axes=0),
        sample(STACK, STACK, axes=((2, 0), (1, 2))),
        sample(STACK, TALL, axes=((-1,), (1,))),
        sample(COMPLEX, COMPLEX_TALL, axes=((0,), (1,)), label="complex"),
        sample(np.zeros((2, 0)), np.zeros((0, 3)), axes=1, label="empty sum"),
        sample(INTEGERS, INTEGERS, label="integers"),
    ],
    "vecdot": [
        sample(VECTOR, OTHER),
        sample(TALL, VECTOR[:, None], axis=-2),
        sample(STACK, STACK[0], label="broadcast"),
        sample(PLANE, ELSE, label="complex"),
        sample(PLANE, WIDE, label="complex with real"),
        sample(np.zeros((2, 0)), np.zeros((2, 0)), label="empty sum"),
        sample(INTEGERS, INTEGERS, label="integers"),
    ],
    "linalg.cross": [
        sample(VECTOR, OTHER),
        sample(WIDE, VECTOR, label="broadcast"),
        sample(TALL, SQUARE[:, :1], axis=-2),
        sample(PLANE, ELSE, label="complex"),
        sample(INTEGERS, INTEGERS[::-1], label="integers"),
    ],
    "linalg.outer": [
        sample(VECTOR, OTHER[:2]),
        sample(PLANE, ELSE[:2], label="complex"),
        sample(INTEGERS[0], INTEGERS[1], label="integers"),
    ],
    "linalg.matrix_power": [
        *(sample(SQUARE, n=n) for n in (0, 1, 2, 5, -1, -3)),
        sample(STACK, n=3, label="stack"),
        sample(COMPLEX, n=-2, label="complex"),
        sample(COMPLEX, n=0, label="complex identity"),
        sample(NOTHING, n=3, label="empty"),
    ],
    "linalg.diagonal": [
        *(sample(WIDE, offset=k) for k in (0, 1, 2, 3, -1)),
        *(sample(TALL, offset=k) for k in (0, 1, -1, -2)),
        sample(STACK, offset=-1, label="stack"),
        sample(COMPLEX, label="complex"),
        sample(NOTHING, label="empty"),
        sample(INTEGERS, offset=1, label="integers"),
    ],
    "linalg.trace": [
        *(sample(WIDE, offset=k) for k in (0, 2, -1)),
        sample(STACK, label="stack"),
        sample(STACK, dtype="float32", smooth=False, label="dtype"),
        sample(COMPLEX, label="complex"),
        sample(NOTHING, label="empty"),
        sample(INTEGERS, label="integers"),
        sample(NARROW, label="int8"),
        sample(NARROW.view("uint8"), label="uint8"),
    ],
}

HERMITIAN = (
    sample(_positive(SQUARE), smooth=False),
    sample(_positive(STACK), smooth=False, label="stack"),
    sample(_positive(COMPLEX), smooth=False, label="complex"),
    sample(NOTHING, label="empty"),
)

DECOMPOSITIONS: dict[str, list[Sample]] = {
    "linalg.cholesky": [
        *HERMITIAN,
        sample(_positive(SQUARE), upper=True, smooth=False, label="upper"),
        sample(_positive(COMPLEX), upper=True, smooth=False, label="complex upper"),
    ],
    "linalg.eigh": list(HERMITIAN),
    "linalg.eigvalsh": list(HERMITIAN),
    "linalg.qr": [
        sample(TALL),
        sample(WIDE, label="wide"),
        sample(STACK, label="stack"),
        sample(COMPLEX_TALL, label="complex"),
        sample(COMPLEX_WIDE, label="complex wide"),
        sample(SQUARE, mode="complete", unknown=False),
        sample(NOTHING, label="empty"),
    ],
    "linalg.svd": [
        sample(TALL, full_matrices=False),
        sample(WIDE, full_matrices=False, label="wide"),
        sample(STACK, full_matrices=False, label="stack"),
        sample(COMPLEX_TALL, full_matrices=False, smooth=False, label="complex"),
        sample(COMPLEX_WIDE, full_matrices=False, smooth=False, label="complex wide"),
        sample(SQUARE, unknown=False, label="square"),
        sample(NOTHING, full_matrices=False, label="empty"),
    ],
    "linalg.svdvals": [
        sample(TALL),
        sample(WIDE, label="wide"),
        sample(STACK, label="stack"),
        sample(COMPLEX_TALL, label="complex"),
        sample(NOTHING, label="empty"),
    ],
    "linalg.eig": [
        sample(SPREAD, label="real values"),
        sample(SQUARE, smooth=False, label="complex values"),
        sample(STACK, smooth=False, label="stack"),
        sample(COMPLEX, smooth=False, label="complex"),
        sample(NOTHING, label="empty"),
    ],
    "linalg.eigvals": [
        sample(SPREAD, label="real values"),
        sample(SQUARE, label="complex values"),
        sample(STACK, label="stack"),
        sample(COMPLEX, label="complex"),
        sample(NOTHING, label="empty"),
    ],
}

DETERMINANTS = (
    sample(SQUARE),
    sample(STACK, label="stack"),
    sample(COMPLEX, label="complex"),
    sample(NOTHING, label="empty"),
)
SINGULARS = (
    sample(SINGULAR, label="of rank two"),
    sample(np.diag([2.0, 0.0, 0.0]), label="of rank one"),
    sample(np.eye(3), label="with equal singular values"),
    sample(np.zeros((3, 3)), label="zero"),
    sample(np.array([[2.5]]), label="of order one"),
)

SOLVING: dict[str, list[Sample]] = {
    "linalg.inv": list(DETERMINANTS),
    "linalg.det": [*DETERMINANTS, *SINGULARS],
    "linalg.cofactors": [*DETERMINANTS, *SINGULARS],
    "linalg.slogdet": [*DETERMINANTS, sample(-SQUARE, label="negative")],
    "linalg.solve": [
        sample(SQUARE, VECTOR, label="vector"),
        sample(STACK, VECTOR[:2], label="stack with vector"),
        sample(STACK, TALL[:2], label="stack with matrix"),
        sample(STACK[:, None], STACK, label="stacks that broadcast"),
        sample(COMPLEX, COMPLEX_WIDE, label="complex"),
        sample(COMPLEX, WIDE, label="complex with real"),
        sample(NOTHING, np.zeros((2, 1)), label="empty"),
    ],
    "linalg.pinv": [
        sample(TALL),
        sample(WIDE, label="wide"),
        sample(STACK, label="stack"),
        sample(COMPLEX_TALL, label="complex"),
        sample(WIDE, np.array(1e-4), label="rtol"),
        sample(RANK_ONE, np.array(1e-2), smooth=False, label="rank one"),
        sample(STACK, np.array([1e-3, 0.9]), smooth=False, label="rtol of each"),
    ],
    "linalg.matrix_rank": [
        sample(TALL),
        sample(SINGULAR, label="rank two"),
        sample(STACK, label="stack"),
        sample(COMPLEX, label="complex"),
        sample(STACK, np.array([1e-3, 0.9]), label="rtol of each"),
        sample(np.zeros((2, 2)), label="zero"),
    ],
}

ORDERS = ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)

NORMS: dict[str, list[Sample]] = {
    "linalg.vector_norm": [
        *(sample(TALL, ord=p) for p in (1, 2, 3, 2.5, 0.5, -1, np.inf, -np.inf)),
        sample(np.array([0.0, 1.5, -2.0]), ord=0, smooth=False, label="count"),
        sample(STACK, axis=-1, keepdims=True),
        sample(STACK, axis=(0, 2), ord=3),
        sample(PLANE, label="complex"),
        sample(PLANE, ord=3, label="complex cubes"),
        sample(PLANE, ord=np.inf, label="complex largest"),
        sample(np.float64(-1.5), label="0-d"),
        sample(np.zeros((2, 3)), axis=1, smooth=False, label="zero"),
        sample(np.zeros((2, 0)), axis=1, label="empty"),
    ],
    "linalg.matrix_norm": [
        *(sample(WIDE, ord=p, label=str(p)) for p in ORDERS),
        *(sample(STACK, ord=p, keepdims=True, label=f"{p} of a stack") for p in ORDERS),
        *(sample(COMPLEX, ord=p, label=f"{p} of complex") for p in ORDERS),
        sample(np.zeros((2, 2)), smooth=False, label="zero"),
    ],
}

SAMPLES = {**PRODUCTS, **DECOMPOSITIONS, **SOLVING, **NORMS}
