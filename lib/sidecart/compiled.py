"""Loops compiled to machine code: numba's compiler, and where it keeps what it made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy.typing as npt

Ints = npt.NDArray[Any]
"""Integers: 64 bits wide where they count items of all baskets, else 32; marks are bits of 64."""

_Loop = TypeVar("_Loop", bound=Callable[..., Any])


def compiled(loop: _Loop) -> _Loop:
    """The loop, compiled at its first call and kept on disk where Python's own compiled files may be."""
    try:
        return cast("_Loop", numba.njit(cache=True)(loop))
    except RuntimeError:  # nowhere to keep it: every process compiles for itself
        return cast("_Loop", numba.njit(loop))
