"""The one decorator for compiled kernels: no interpreter lock, cached on disk, the same bits on every run."""

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable)


def kernel(function: F) -> F:
    """Compile a kernel of arrays and scalars.

    fastmath stays off: sums must have one order, so that every launcher writes the same bytes.
    """
    return cast(F, njit(function, nogil=True, cache=True, fastmath=False, error_model="numpy"))
