"""Sets of slots as bits in 64-bit words: written by SQL expressions, read by kernels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

WORD = 64
"""Bits in a word."""


def holds(sets: npt.NDArray[np.int64], slot: int) -> npt.NDArray[np.bool_]:
    """Whether each row's set holds the slot."""
    found: npt.NDArray[np.bool_] = (sets[..., slot // WORD] >> (slot % WORD)) & 1 != 0
    return found


def words(sets: pa.Array, width: int) -> npt.NDArray[np.int64]:
    """Lists of so many words as a matrix (row, word)."""
    return np.asarray(sets.flatten().to_numpy(zero_copy_only=False), np.int64).reshape(len(sets), width)
