"""The calibration kernel: the exponent and the exposure factors that bring a shop's top lists to its wish.

One row per anchor, its contenders beside each other, so that all lists are cut anew for another exponent in one
partial sort.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

CONTENDERS = pa.schema(
    [
        ("anchor", pa.int32()),
        ("candidate", pa.int32()),
        ("base", pa.float64()),
        ("ln_popularity", pa.float64()),
        ("is_bestseller", pa.bool_()),
        ("kind", pa.int32()),
        ("brand_kind", pa.int32()),
        ("anchor_baskets", pa.int32()),
        ("all_baskets", pa.int64()),
    ]
)
SHOWN = 10
"""Candidates of a list whose exposure counts."""
_GRID = (0.0, 0.15, 0.3, 0.45, 0.6, 0.8, 1.1, 1.5)
"""Exponents at which a contender must be among the first to be one."""
_DEPTH = 25
"""How many are: more than are shown, for damping moves some down."""
_HALVINGS = 14
_MOST_RELAXED = 1.3


@dataclass(frozen=True)
class Wish:
    """What lists should look like."""

    bestseller_share: float
    exposure_limit: float
    damping_rounds: int
    damping_strength: float


@dataclass(frozen=True)
class Likeness:
    """How lists are made diverse before they are shown (diversity.diversified), in logarithms."""

    of_kind: float = 0.0
    of_brand: float = 0.0
    most: float = 0.0
    free: int = 0
    """Better ones of its kind that take nothing off."""


@dataclass(frozen=True)
class Contenders:
    """Anchors in rows, their contenders in columns; what is missing at the end of a row has no score."""

    weight: Floats
    """Per anchor: its baskets, so that a list counts as often as its page is likely to be seen."""
    place: Ints
    """Per anchor and column: the candidate's place in `candidates`."""
    base: Floats
    """Per anchor and column: the logarithm of the score before popularity; -inf where nothing stands."""
    candidates: Ints
    ln_popularity: Floats
    is_bestseller: Flags
    kind: Ints
    """Per candidate: what it shares with its like, a number of its own where that is unknown."""
    brand_kind: Ints
    """The same of its like of its brand."""
    all_weight: float
    """Baskets of all anchors, those without a contender too."""
    likeness: Likeness = Likeness()

    @staticmethod
    def of(table: pa.Table, likeness: Likeness = Likeness()) -> Contenders:
        """From rows of contenders(), in any order."""
        table = table.sort_by([("anchor", "ascending"), ("candidate", "ascending")])
        column = {name: table.column(name).to_numpy() for name in table.column_names}
        _, starts, sizes = np.unique(column["anchor"], return_index=True, return_counts=True)
        candidates, first, place = np.unique(column["candidate"], return_index=True, return_inverse=True)
        row = np.repeat(np.arange(len(starts)), sizes)
        across = np.arange(len(row)) - np.repeat(starts, sizes)
        shape = (len(starts), max(int(sizes.max(initial=0)), SHOWN))
        places, base = np.zeros(shape, np.int64), np.full(shape, -np.inf)
        places[row, across], base[row, across] = place, column["base"]
        return Contenders(
            weight=column["anchor_baskets"][starts].astype(np.float64),
            place=places,
            base=base,
            candidates=candidates,
            ln_popularity=column["ln_popularity"][first],
            is_bestseller=column["is_bestseller"][first],
            kind=column["kind"][first],
            brand_kind=column["brand_kind"][first],
            likeness=likeness,
            all_weight=float(column["all_baskets"][0]) if len(row) else 0.0,
        )


@dataclass(frozen=True)
class Calibration:
    """What was found."""

    exponent: float
    bestseller_share: float
    ln_factor: Floats
    """Per candidate of the contenders: the logarithm of its exposure factor."""


def contenders(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The rows that could be shown at some exponent.

    In: rows with anchor, base and ln_popularity, all of an anchor in one partition.
    """
    table = rows_of(batches)
    anchor = table.column("anchor").to_numpy()
    base, ln_popularity = table.column("base").to_numpy(), table.column("ln_popularity").to_numpy()
    candidate = table.column("candidate").to_numpy()
    kept = np.zeros(len(anchor), np.bool_)
    for exponent in _GRID:
        order = np.lexsort((candidate, exponent * ln_popularity - base, anchor))
        ordered = anchor[order]
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
        rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
        kept[order[rank < _DEPTH]] = True
    yield from table.take(pa.array(np.flatnonzero(kept))).to_batches()


def rows_of(batches: Iterable[pa.RecordBatch]) -> pa.Table:
    """The batches as one table; of none it has no rows."""
    found = list(batches)
    return pa.Table.from_batches(found) if found else CONTENDERS.empty_table()


def calibrated(found: Contenders, wish: Wish) -> Calibration:
    """Rounds of damping, the exponent found anew before each and after the last.

    A round multiplies the factor of a candidate in a share w of lists by (t/w)^strength where w is above the limit
    t, and relaxes it by (t / max(w, t/4))^(strength/2), at most 1.3 and never above 1, where it is below.
    """
    ln_factor = np.zeros(len(found.candidates))
    exponent = _exponent(found, ln_factor, wish)
    for _ in range(wish.damping_rounds):
        share = exposure(found, exponent, ln_factor)
        ln_factor = _damped(ln_factor, share, wish)
        exponent = _exponent(found, ln_factor, wish)
    return Calibration(exponent, bestseller_share(found, exponent, ln_factor), ln_factor)


def bestseller_share(found: Contenders, exponent: float, ln_factor: Floats) -> float:
    """Share of lists, weighted by their anchors, whose first ten hold a best seller."""
    shown, is_there = _shown(found, exponent, ln_factor)
    holds = (found.is_bestseller[shown] & is_there).any(axis=1)
    return float(found.weight[holds].sum() / found.all_weight) if found.all_weight else 0.0


def exposure(found: Contenders, exponent: float, ln_factor: Floats) -> Floats:
    """Per candidate: share of lists, weighted likewise, whose first ten hold it."""
    shown, is_there = _shown(found, exponent, ln_factor)
    weight = np.broadcast_to(found.weight[:, None], shown.shape)
    held = np.bincount(shown[is_there], weight[is_there], minlength=len(found.candidates)).astype(np.float64)
    return held / max(found.all_weight, 1.0)


def _shown(found: Contenders, exponent: float, ln_factor: Floats) -> tuple[Ints, Flags]:
    of_candidate = ln_factor - exponent * found.ln_popularity
    score = found.base + of_candidate[found.place]
    if found.likeness.most < 0 and score.shape[1] > SHOWN:
        first = _first(score, min(_DEPTH, score.shape[1]))
        places, score = np.take_along_axis(found.place, first, axis=1), np.take_along_axis(score, first, axis=1)
        score = score + _lost_to_likes(places, found)
    else:
        places = found.place
    best = np.argpartition(-score, SHOWN - 1, axis=1)[:, :SHOWN]
    return np.take_along_axis(places, best, axis=1), np.isfinite(np.take_along_axis(score, best, axis=1))


def _first(score: Floats, depth: int) -> Ints:
    """The columns of the best `depth`, best first."""
    best = np.argpartition(-score, depth - 1, axis=1)[:, :depth]
    order = np.argsort(-np.take_along_axis(score, best, axis=1), axis=1, kind="stable")
    return np.take_along_axis(best, order, axis=1)


def _lost_to_likes(places: Ints, found: Contenders) -> Floats:
    """What each loses to better ones of its kind, and of its kind and brand."""
    likeness = found.likeness
    lost = likeness.of_kind * np.maximum(_better_of(found.kind[places]) - likeness.free, 0)
    if likeness.of_brand:
        lost = lost + likeness.of_brand * _better_of(found.brand_kind[places])
    return np.asarray(np.maximum(lost, likeness.most), np.float64)


def _better_of(kinds: Ints) -> Ints:
    """How many columns before it hold the same."""
    better = np.zeros(kinds.shape, np.int64)
    for column in range(1, kinds.shape[1]):
        better[:, column] = (kinds[:, :column] == kinds[:, column, None]).sum(axis=1)
    return better


def _exponent(found: Contenders, ln_factor: Floats, wish: Wish) -> float:
    """The smallest exponent, to four digits, at which best sellers keep within the wished share; within the grid."""
    low, high = _GRID[0], _GRID[-1]
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if bestseller_share(found, middle, ln_factor) > wish.bestseller_share:
            low = middle
        else:
            high = middle
    return round(high, 4)


def _damped(ln_factor: Floats, share: Floats, wish: Wish) -> Floats:
    limit, strength = wish.exposure_limit, wish.damping_strength
    down = strength * np.log(limit / np.maximum(share, limit))
    up = np.minimum(strength / 2 * np.log(limit / np.maximum(share, limit / 4)), np.log(_MOST_RELAXED))
    return np.minimum(ln_factor + np.where(share > limit, down, up), 0.0)
