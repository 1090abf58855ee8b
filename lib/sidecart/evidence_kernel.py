"""The evidence kernel: how many pairs of a shop chance alone would bring to a support, in numpy over Arrow.

Pairs are never enumerated. Variants of like popularity and like baskets form a group; two groups stand for all pairs
between them, at the mean of their expected joint baskets. See docs/decisions/0006.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CELLS_PER_STEP = 1
"""Cells in one step of `steps`: a factor e below one expected basket, a standard deviation above."""
_BOUND = 3.0
"""Standard deviations by which chance may have made more pairs than it makes on average."""
_BINS_PER_CELL = 8
"""Tails are summed over bins of a cell, as a tail is anything but linear in what is expected."""
_BLOCK = 256
"""Groups at a time: bounds memory to a few arrays of this many rows."""

BINS = pa.schema(
    [
        ("lift_class", pa.string()),
        ("expected_cell", pa.int32()),
        ("expected_baskets", pa.float64()),
        ("pairs", pa.float64()),
    ]
)
_MARKS = ("support", "seen_pairs", "chance_pairs")
THRESHOLDS = pa.schema(
    [
        ("lift_class", pa.string()),
        ("expected_cell", pa.int32()),
        ("seen_pairs", pa.int64()),
        *((f"strong_{mark}", pa.float64() if mark == "chance_pairs" else pa.int64()) for mark in _MARKS),
        *((f"likely_{mark}", pa.float64() if mark == "chance_pairs" else pa.int64()) for mark in _MARKS),
    ]
)


@dataclass(frozen=True)
class Demands:
    """What a class asks: the largest share of chance among its pairs, and the least support of any class."""

    strong: float
    likely: float
    least_support: int


def steps(expected: Floats) -> Floats:
    """The scale of cells: ln E below one expected basket, 2 (sqrt(E) - 1) above, smooth where they meet."""
    with np.errstate(divide="ignore"):
        return np.where(expected < 1, np.log(expected), 2 * (np.sqrt(expected) - 1))


def tail(support: Ints, expected: Floats) -> Floats:
    """P(Poisson(E) >= m) for every m (rows) and E (columns), from above: pmf(m) (m + 1) / (m + 1 - E), at most 1.

    The terms after pmf(m) fall at least as fast as a geometric series of ratio E / (m + 1). Within some per cent
    of the truth where m is well above E, which is where thresholds lie.
    """
    log_factorial = np.append(0.0, np.cumsum(np.log(np.arange(1, int(support.max(initial=0)) + 1))))
    m, e = support[:, None].astype(np.float64), expected[None, :]
    mass = np.exp(np.minimum(0.0, m * np.log(e) - e - log_factorial[support][:, None]))
    rest = (m + 1) / np.maximum(m + 1 - e, 1.0)
    return np.where(m > e, np.minimum(1.0, mass * rest), 1.0)


def chance_bins(groups: pa.Table, classes: pa.Table) -> pa.Table:
    """Rows of BINS: how many pairs of variants, met or not, have about so many expected baskets, by lift class.

    `groups`: category_id, variant_group, variants, stratum_baskets (sums over these variants) and stratum_chance (a
    weight per stratum, the same in every row). `classes`: category_a, category_b, lift_class; a row without
    categories names the class of all pairs it does not list.
    """
    if not groups.num_rows:
        return BINS.empty_table()
    shop = _Groups.from_table(groups)
    found = [row for name, between in _class_matrices(shop, classes) for row in _bins_of(name, shop, between)]
    return pa.Table.from_pylist(found, schema=BINS)


def class_thresholds(seen: pa.Table, bins: pa.Table, demands: Demands) -> pa.Table:
    """Rows of THRESHOLDS, one per cell and lift class with a seen pair.

    `seen`: lift_class, expected_cell, support, pairs. A threshold is the least support at which the chance pairs,
    taken at X + 3 sqrt(X) + 3, are at most the asked share of the seen ones; it never falls as more is expected.
    """
    rows: list[dict[str, object]] = []
    for name in sorted(set(seen.column("lift_class").to_pylist())):
        cells = _cells_of(name, seen, bins)
        likely = _rising([cell.least(demands.likely, demands.least_support) for cell in cells])
        strong = _rising([cell.least(demands.strong, demands.least_support) for cell in cells])
        for cell, asked_strong, asked_likely in zip(cells, strong, likely, strict=True):
            at_least = None if asked_strong is None else max(asked_strong, asked_likely or 0)
            marks = cell.marks("strong", at_least) | cell.marks("likely", asked_likely)
            rows.append({"lift_class": name, "expected_cell": cell.number, "seen_pairs": cell.seen(0)} | marks)
    return pa.Table.from_pylist(rows, schema=THRESHOLDS)


@dataclass(frozen=True)
class _Groups:
    """Variants by category and group: members[c, g] of them, and the mean baskets per stratum of a group."""

    categories: list[str | None]
    members: Floats
    profiles: Floats
    weights: Floats

    @staticmethod
    def from_table(table: pa.Table) -> _Groups:
        ids = table.column("category_id").to_pylist()
        categories = sorted(set(ids), key=lambda category: (category is not None, category))
        place = {category: number for number, category in enumerate(categories)}
        category = np.array([place[id_] for id_ in ids])
        _, group = np.unique(table.column("variant_group").to_numpy(), return_inverse=True)
        variants = table.column("variants").to_numpy().astype(np.float64)
        sums = np.array(table.column("stratum_baskets").to_pylist(), dtype=np.float64)
        members = np.zeros((len(categories), int(group.max()) + 1))
        np.add.at(members, (category, group), variants)
        baskets = np.zeros((members.shape[1], sums.shape[1]))
        np.add.at(baskets, group, sums)
        weights = np.array(table.column("stratum_chance")[0].as_py(), dtype=np.float64)
        return _Groups(categories, members, baskets / members.sum(axis=0)[:, None], weights)

    def expected(self, rows: slice) -> Floats:
        """Expected joint baskets of these groups with every group, strata summed in their order."""
        total = np.zeros((len(self.profiles[rows]), len(self.profiles)))
        for stratum, weight in enumerate(self.weights):
            total += np.outer(self.profiles[rows, stratum], self.profiles[:, stratum]) * weight
        return total


def _class_matrices(shop: _Groups, classes: pa.Table) -> Iterator[tuple[str, Floats]]:
    """For each lift class, how many ordered pairs of variants two groups have in it."""
    place = {category: number for number, category in enumerate(shop.categories)}
    listed = classes.to_pylist()
    names = sorted({row["lift_class"] for row in listed})
    other = next(row["lift_class"] for row in listed if row["category_a"] is None)
    table = np.full((len(place), len(place)), names.index(other))
    for row in listed:
        if row["category_a"] in place and row["category_b"] in place and row["category_a"] is not None:
            table[place[row["category_a"]], place[row["category_b"]]] = names.index(row["lift_class"])
    for number, name in enumerate(names):
        is_of = (table == number).astype(np.float64)
        between = shop.members.T @ is_of @ shop.members
        # A variant is no pair with itself.
        between[np.diag_indices_from(between)] -= np.diag(is_of) @ shop.members
        yield name, between


def _bins_of(name: str, shop: _Groups, between: Floats) -> Iterator[dict[str, object]]:
    """The bins of one class; a bin's expected baskets are the mean over its pairs."""
    width = CELLS_PER_STEP * _BINS_PER_CELL
    pairs: dict[int, tuple[float, float]] = {}
    for first in range(0, len(between), _BLOCK):
        rows = slice(first, first + _BLOCK)
        expected, held = shop.expected(rows), between[rows] / 2
        is_met = (expected > 0) & (held > 0)
        expected, held = expected[is_met], held[is_met]
        bins, place = np.unique(np.floor(steps(expected) * width).astype(np.int64), return_inverse=True)
        counts, sums = np.bincount(place, weights=held), np.bincount(place, weights=held * expected)
        for number, count, total in zip(bins.tolist(), counts.tolist(), sums.tolist(), strict=True):
            before = pairs.get(number, (0.0, 0.0))
            pairs[number] = (before[0] + count, before[1] + total)
    for number, (count, total) in sorted(pairs.items()):
        cell = number // _BINS_PER_CELL
        yield {"lift_class": name, "expected_cell": cell, "expected_baskets": total / count, "pairs": count}


@dataclass(frozen=True)
class _Cell:
    """One cell of one class: the supports seen, ascending, the pairs with at least each, seen and by chance."""

    number: int
    supports: Ints
    seen_pairs: Ints
    chance_pairs: Floats

    def least(self, share: float, least_support: int) -> int | None:
        """The least support at which chance makes at most this share of the seen pairs; None where at none."""
        bound = self.chance_pairs + _BOUND * (np.sqrt(self.chance_pairs) + 1)
        passing = np.flatnonzero((bound <= share * self.seen_pairs) & (self.supports >= least_support))
        return int(self.supports[passing[0]]) if len(passing) else None

    def seen(self, support: int) -> int:
        """Seen pairs with at least this support."""
        place = int(np.searchsorted(self.supports, support))
        return int(self.seen_pairs[place]) if place < len(self.supports) else 0

    def chance(self, support: int) -> float:
        """Chance pairs at the first seen support that is at least this; 0 beyond the last."""
        place = int(np.searchsorted(self.supports, support))
        return float(self.chance_pairs[place]) if place < len(self.supports) else 0.0

    def marks(self, name: str, support: int | None) -> dict[str, object]:
        """The threshold of a class with the pairs that reach it, seen and by chance."""
        if support is None:
            return {f"{name}_{mark}": None for mark in _MARKS}
        values = (support, self.seen(support), self.chance(support))
        return {f"{name}_{mark}": value for mark, value in zip(_MARKS, values, strict=True)}


def _cells_of(name: str, seen: pa.Table, bins: pa.Table) -> list[_Cell]:
    """The cells of a class that hold a seen pair, in the order of what they expect."""
    met, by_chance = _of_class(name, seen), _of_class(name, bins)
    return [_cell(number, met, by_chance) for number in np.unique(met["expected_cell"]).tolist()]


def _cell(number: int, met: dict[str, npt.NDArray[np.generic]], by_chance: dict[str, npt.NDArray[np.generic]]) -> _Cell:
    here, there = met["expected_cell"] == number, by_chance["expected_cell"] == number
    supports, place = np.unique(met["support"][here].astype(np.int64), return_inverse=True)
    counts = np.bincount(place, weights=met["pairs"][here].astype(np.float64)).astype(np.int64)
    expected = by_chance["expected_baskets"][there].astype(np.float64)
    chance = tail(supports, expected) * by_chance["pairs"][there].astype(np.float64)
    # A sum in the order of bins: the same on every machine.
    total = np.zeros(len(supports))
    for column in range(chance.shape[1]):
        total += chance[:, column]
    return _Cell(number, supports, np.cumsum(counts[::-1])[::-1], total)


def _of_class(name: str, table: pa.Table) -> dict[str, npt.NDArray[np.generic]]:
    chosen = np.array([value == name for value in table.column("lift_class").to_pylist()], dtype=bool)
    columns = [column for column in table.column_names if column != "lift_class"]
    return {column: table.column(column).to_numpy()[chosen] for column in columns}


def _rising(thresholds: list[int | None]) -> list[int | None]:
    """The thresholds with none below an earlier one; where there is none, there stays none."""
    highest, risen = 0, list[int | None]()
    for threshold in thresholds:
        highest = max(highest, threshold or 0)
        risen.append(None if threshold is None else highest)
    return risen
