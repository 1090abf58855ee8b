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


def words(sets: pa.Array) -> npt.NDArray[np.int64]:
    """Lists of words, all of one length, as a matrix (row, word); a copy, so that loops see one kind of array."""
    flat = sets.flatten().to_numpy(zero_copy_only=False).astype("<i8", copy=False)
    return np.array(flat.reshape(len(sets), -1))
