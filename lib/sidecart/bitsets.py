"""Sets of slots as bits in 64-bit words: written by SQL expressions, read by numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def bits(words: pa.Array) -> npt.NDArray[np.bool_]:
    """Lists of words, all of one length, as a matrix (slot, row)."""
    flat = words.flatten().to_numpy(zero_copy_only=False).astype("<i8")
    as_bytes = flat.view(np.uint8).reshape(len(words), -1)
    return np.ascontiguousarray(np.unpackbits(as_bytes, axis=1, bitorder="little").T).astype(bool)
