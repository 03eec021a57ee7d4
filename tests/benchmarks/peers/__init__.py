"""Who is measured: for each peer how it owns arrays, compiles a function and waits for its results.

A peer offers ``imports()``, which loads its library and is timed, and ``candidate(workload, arrays)``, which
returns a function of nothing: a call computes the workload's results and does not return before they are there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

Candidate = Callable[[], Sequence[Any]]


class NotWritten(Exception):
    """The workload is not written for this peer."""


@dataclass(frozen=True)
class Peer:
    """Where a peer is found.

    Attributes
    ----------
    title
        For the table.
    library
        What must be installed.
    module, mode
        The file of ``peers`` that knows it, and how it is to run there.
    slow
        Whether it compiles for minutes, and so is left out of quick runs.
    """

    title: str
    library: str
    module: str
    mode: str = ""
    slow: bool = False

    def load(self) -> Any:
        """Return the module that knows the peer; its library is imported here."""
        return import_module(f"peers.{self.module}")


PEERS = {
    "kbplug": Peer("kbplug", "kbplug", "of_kbplug"),
    "kbplug-numba": Peer("kbplug with numba", "kbplug_numba", "of_kbplug_numba"),
    "numpy": Peer("NumPy by hand", "numpy", "of_numpy"),
    "jax": Peer("JAX jit", "jax", "of_jax"),
    "torch": Peer("PyTorch", "torch", "of_torch"),
    "torch-compiled": Peer("PyTorch compiled", "torch", "of_torch", "compiled", slow=True),
    "tensorflow": Peer("TensorFlow function", "tensorflow", "of_tensorflow"),
    "tensorflow-xla": Peer("TensorFlow XLA", "tensorflow", "of_tensorflow", "xla", slow=True),
    "pytensor": Peer("PyTensor", "pytensor", "of_pytensor", slow=True),
    "numba": Peer("numba", "numba", "of_numba", slow=True),
    "keras": Peer("Keras 3 on JAX", "keras", "of_keras"),
}
