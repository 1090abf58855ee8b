"""Cutting lists alone: what a thousand regions take per anchor, and what is stored of their lists.

`python benchmarks/bench_lists.py [--regions N] [--candidates N] [--variants N] [--anchors N]`. Regions in areas sell
from .5 to 100 % of the range, evenly in the logarithm, each a part of its own; every anchor's candidates stand in an
order of their own. Depths are those that a first day has (list_depths.depths). No Spark: the rest of the job is
bench_regions.py.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from sidecart.bitsets import WORD
from sidecart.list_depths import Shelf, depths
from sidecart.list_kernel import Candidates, Cutter, Orders, Tree, warm
from sidecart.settings import ListSettings

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_LEAST = 0.005
_SHARES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.01)


@dataclass(frozen=True)
class Shop:
    """Regions as slots: the root, its areas, then the regions in them; what share of the range each sells."""

    parents: list[int]
    areas: int
    shares: Floats

    @classmethod
    def of(cls, regions: int, chance: np.random.Generator) -> Shop:
        """So many regions in about as many areas as its root."""
        areas = round(math.sqrt(regions))
        shares = np.exp(chance.uniform(np.log(_LEAST), 0, regions))
        in_areas = [1 - float(np.prod(1 - shares[area::areas])) for area in range(areas)]
        parents = [-1, *[0] * areas, *(1 + region % areas for region in range(regions))]
        return cls(parents, areas, np.array([1.0, *in_areas, *shares]))

    def tree(self, variants: int) -> Tree:
        """With depths, where nothing has sold out yet."""
        sold = [int(variants * share) for share in self.shares]
        shelves = [Shelf(goods, goods, goods, 0.0, 0.0) for goods in sold]
        return Tree.of(self.parents, depths(shelves, self.parents, ListSettings()))

    def sold(self, count: int, chance: np.random.Generator) -> Flags:
        """Who sells each of so many variants."""
        found = np.ones((count, len(self.parents)), np.bool_)
        first = 1 + self.areas
        found[:, first:] = chance.random((count, len(self.parents) - first)) < self.shares[first:]
        for area in range(self.areas):
            found[:, 1 + area] = found[:, first + area :: self.areas].any(axis=1)
        return found


def main() -> None:
    """Print the time per anchor, and rows that are stored beside those of all lists, by the share a region sells."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--regions", type=int, default=1_000)
    parser.add_argument("--candidates", type=int, default=8_000)
    parser.add_argument("--variants", type=int, default=200_000)
    parser.add_argument("--anchors", type=int, default=400)
    told = parser.parse_args()
    chance = np.random.default_rng(3)
    shop = Shop.of(told.regions, chance)
    tree = shop.tree(told.variants)
    sold = _words(shop.sold(told.candidates, chance))
    pages = shop.sold(told.anchors, chance)
    bounds, nobody = np.array([0, told.candidates], np.int64), np.zeros(0, np.int32)
    among = Candidates(sold, np.arange(told.candidates, dtype=np.int32), nobody)
    warm()
    cutter, rows, seconds = Cutter(tree), np.zeros(len(shop.parents), np.int64), 0.0
    for anchor in _words(pages):
        order = chance.permutation(told.candidates).astype(np.int32)
        begun = time.process_time()
        lists = cutter.cut(anchor, among, Orders(order, bounds, nobody))
        seconds += time.process_time() - begun
        rows += np.bincount(lists[0], minlength=len(rows))
    dense = pages.sum(axis=0) * tree.depths
    print(
        f"{told.regions} regions, root {tree.depths[0]} deep: {seconds / told.anchors * 1e6:.0f} microseconds an anchor"
    )
    print(f"  rows an anchor: {rows.sum() / told.anchors:.0f} of {dense.sum() / told.anchors:.0f}")
    of_regions = np.arange(len(rows)) > shop.areas
    for low, high in pairwise(_SHARES):
        there = of_regions & (shop.shares >= low) & (shop.shares < high)
        part = rows[there].sum() / max(1, int(dense[there].sum()))
        print(f"  selling {low:.1%} to {min(high, 1):.0%}: {there.sum()} regions, {part:.4f} of their rows stored")


def _words(flags: Flags) -> Ints:
    """Rows of flags as bitsets."""
    padded = np.zeros((len(flags), -(-flags.shape[1] // WORD) * WORD), np.bool_)
    padded[:, : flags.shape[1]] = flags
    return np.packbits(padded, axis=1, bitorder="little").view(np.int64).copy()


if __name__ == "__main__":
    main()
