"""Draws: chance that is the same in every engine, run and partition."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

DRAWS = 2**31 - 1
"""A prime: the product of two draws modulo it is spread evenly, and fits a BIGINT before."""


def chance(anchor: int, candidates: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Between 0 and 1, of the draw of an anchor and those of its candidates (variant_facts.draw)."""
    return np.asarray((anchor * candidates % DRAWS) / DRAWS, np.float64)
