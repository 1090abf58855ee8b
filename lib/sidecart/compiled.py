"""Loops compiled to machine code: numba's compiler, where it keeps what it made, and arrays as loops take them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[Any]
"""Integers: 64 bits wide where they count items of all baskets, else 32; marks are bits of 64."""

_Loop = TypeVar("_Loop", bound=Callable[..., Any])


def compiled(loop: _Loop) -> _Loop:
    """The loop, compiled at its first call and kept on disk where Python's own compiled files may be."""
    try:
        return cast("_Loop", numba.njit(cache=True)(loop))
    except RuntimeError:  # nowhere to keep it: every process compiles for itself
        return cast("_Loop", numba.njit(loop))


def inlined(loop: _Loop) -> _Loop:
    """Compiled into the loops that call it, as a call with arrays costs more than what a small function does."""
    return cast("_Loop", numba.njit(inline="always")(loop))


def integers(values: pa.Array) -> Ints:
    """Arrow's integers, of 32 bits."""
    found: Ints = values.to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    return found


def list_bounds(lists: pa.ListArray) -> Ints:
    """Where each list begins among the items of all, and where the last one ends."""
    return bounds(pc.list_value_length(lists).to_numpy(zero_copy_only=False))


def bounds(sizes: Ints | Sequence[int]) -> Ints:
    """0, and the sum of sizes up to each."""
    return np.append(0, np.cumsum(sizes, dtype=np.int64))
