"""Ten programs that people run, each in a file of its own, written for K, for NumPy by hand and once for all peers.

A file holds

``TITLE``
    What it computes.
``TOLERANCE``
    The largest error of a result, beside its largest element, that float32 may make.
``arrays(rng, quick)``
    What it computes with, as float32 and integer arrays; smaller ones when ``quick``.
``by_hand(*arrays)``
    Its results, in NumPy as one writes it without a thought of speed. On float64 arrays they are the reference.
``in_k(*arrays)``
    The same in K, as a ``Program``.
``body(words, *arrays)``
    The same in the words of a peer, which ``peers`` lists. It may be traced.
``by_numba()`` and ``in_keras(*arrays)``
    Where numba's loops or a Keras model say it better: a function of the arrays, and one of nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

NAMES = (
    "w1_chain",
    "w2_softmax",
    "w3_normalise",
    "w4_mlp",
    "w5_cnn",
    "w6_lstm",
    "w7_call",
    "w8_kmeans",
    "w9_encoder",
    "w10_newton",
)


@dataclass(frozen=True)
class Program:
    """A workload in K.

    Attributes
    ----------
    function
        What ``K.function`` returned.
    feeds
        What each call is given.
    state
        Variables that a call changes; their values follow the outputs among the results.
    """

    function: Callable[[Sequence[Any]], list[Any]]
    feeds: Sequence[Any]
    state: Sequence[Any] = ()


def named(name: str) -> ModuleType:
    """Return the workload called ``name``, or by its number alone: ``w5``."""
    (full,) = [n for n in NAMES if name in (n, n.split("_", maxsplit=1)[0])]
    return import_module(f"workloads.{full}")
