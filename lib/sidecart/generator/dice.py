"""Chance in whole numbers: the same throws on every machine and every numpy version.

Only raw words of PCG64 are used, whose stream numpy promises to keep; its distributions may change.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]
Flags = NDArray[np.bool_]

_HALF = np.uint64(32)
_WORD = 2**32


class Dice:
    """A stream of throws named by numbers: seed, purpose, chunk."""

    def __init__(self, *name: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(name))

    def words(self, size: int) -> Words:
        """Uniform 32-bit words, in 64-bit integers."""
        return np.asarray(self._bits.random_raw(size), np.uint64) >> _HALF

    def below(self, limit: int | Ints, size: int) -> Ints:
        """Uniform whole numbers from 0 to limit - 1."""
        return scaled(self.words(size), limit)

    def happens(self, chance: float | NDArray[np.float64], size: int) -> Flags:
        """True with the given chance."""
        return self.words(size) < np.asarray(np.round(np.asarray(chance) * _WORD), np.uint64)

    def rounded(self, amounts: NDArray[np.float64]) -> Ints:
        """Whole numbers next to the amounts, up or down so that the mean is kept."""
        whole = np.floor(amounts)
        return whole.astype(np.int64) + self.happens(amounts - whole, len(amounts))


def scaled(words: Words, limit: int | Ints) -> Ints:
    """Words mapped evenly to 0 .. limit - 1."""
    return np.asarray((words * np.asarray(limit, np.uint64)) >> _HALF, np.int64)


def mixed(*numbers: int | Ints) -> Words:
    """A 32-bit word that looks random and depends on the numbers only (splitmix64 over them)."""
    state = np.zeros(1, np.uint64)
    for number in numbers:
        state = state + np.asarray(number, np.int64).astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state = state ^ (state >> np.uint64(31))
    return np.asarray(state >> _HALF, np.uint64)


@dataclass(frozen=True)
class Weighted:
    """Choices 0 .. n - 1 with whole weights, prepared for drawing."""

    ends: Ints
    """Running sum of the weights."""

    @classmethod
    def of(cls, weights: NDArray[np.float64] | Ints) -> Weighted:
        """Weights scaled so that their sum stays below 2^32; what is above nothing weighs at least 1."""
        weights = np.asarray(weights, np.float64)
        share = weights / max(float(weights.sum()), 1e-300)
        whole = np.where(weights > 0, np.maximum(1, np.round(share * 2**31)), 0).astype(np.int64)
        return cls(np.cumsum(whole))

    def draw(self, words: Words) -> Ints:
        """One choice per word."""
        return self._at(scaled(words, int(self.ends[-1])))

    def draw_between(self, words: Words, first: Ints, end: Ints) -> Ints:
        """One choice per word among first .. end - 1 of that word; all of a slice may not weigh nothing."""
        low = np.where(first > 0, self.ends[first - 1], 0)
        return self._at(low + scaled(words, self.ends[end - 1] - low))

    def _at(self, points: Ints) -> Ints:
        return np.asarray(np.searchsorted(self.ends, points, side="right"), np.int64)
