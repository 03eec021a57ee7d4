"""Arrays of other libraries: recognised, brought to the host, and given back in kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from array_api_compat import array_namespace, is_array_api_obj

from kbplug.graph.tensor import Tensor
from kbplug.runtime import values


def is_array(value: Any) -> bool:
    """Say whether ``value`` is an array of some library, or a tensor."""
    return isinstance(value, Tensor | values.HostArrayType) or is_array_api_obj(value)


class Library:
    """The array library that a call came from.

    Parameters
    ----------
    like
        An array of it; results go to its device.
    """

    def __init__(self, like: Any) -> None:
        self._xp = array_namespace(like)
        self._device = getattr(like, "device", None)

    def to_host(self, array: Any) -> values.HostArray:
        """Return one of its arrays as NumPy's."""
        return values.host_array(array)

    def from_host(self, array: values.HostArray) -> Any:
        """Return a NumPy array as its own."""
        return self._xp.asarray(array, device=self._device)


class NumPy(Library):
    """The library of a call that came with NumPy arrays, or none."""

    def __init__(self) -> None:
        pass

    def from_host(self, array: values.HostArray) -> Any:
        """Return the array itself."""
        return array


_NUMPY = NumPy()


def library_of(leaves: Sequence[Any]) -> Library:
    """Return the library of the first array."""
    if not leaves or isinstance(leaves[0], values.HostArrayType):
        return _NUMPY
    return Library(leaves[0])
