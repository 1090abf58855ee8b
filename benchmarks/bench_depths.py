"""How deep lists are by risk, beside one depth for all at the same storage: which lists are still full at the next run.

`python benchmarks/bench_depths.py [--regions N]`. Regions of a shop sell out at rates of their own, between .1 and 20 %
a day, and have between 70 and 100 % of their range live. Depths are found from four weeks of looks at their shelves
(list_depths.depths); then days pass: of every list the goods that can still be bought are drawn, each by the true rate.
Rates of goods differ within a region too, about its mean, which no depth knows.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sidecart.list_depths import Shelf, depths
from sidecart.settings import ListSettings

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_RANGE = 20_000
_DAYS_WATCHED = 28
_LISTS = 2_000
_WITHIN = 1.0
"""Shape of the gamma that rates of goods within a region follow: 1 is as uneven as an exponential."""


@dataclass(frozen=True)
class Regions:
    """How many variants each sells, the share that is live, and the true chance of one to sell out in a day."""

    sold: Ints
    live_share: Floats
    rate: Floats

    @classmethod
    def drawn(cls, count: int, chance: np.random.Generator) -> Regions:
        """So many, of .5 to 100 % of the range."""
        sold = np.exp(chance.uniform(np.log(_RANGE / 200), np.log(_RANGE), count)).astype(np.int64)
        return cls(sold, chance.uniform(0.7, 1.0, count), np.exp(chance.uniform(np.log(0.001), np.log(0.2), count)))

    def watched(self, chance: np.random.Generator) -> list[Shelf]:
        """What four weeks of daily looks saw of each."""
        live = (self.sold * self.live_share).astype(np.int64)
        days = live * _DAYS_WATCHED
        sold_out = chance.binomial(days, 1 - np.exp(-self.rate))
        rows = zip(self.sold.tolist(), live.tolist(), days.tolist(), sold_out.tolist(), strict=True)
        return [Shelf(sold, sold, live, float(seen), float(gone)) for sold, live, seen, gone in rows]

    def live_at_next_run(self, depth: Ints, settings: ListSettings, chance: np.random.Generator) -> Ints:
        """Of lists of each region so many candidates that can still be bought: a row per region."""
        found = np.zeros((len(depth), _LISTS), np.int64)
        for region, deep in enumerate(depth.tolist()):
            rates = chance.gamma(_WITHIN, self.rate[region] / _WITHIN, (_LISTS, deep))
            stays = self.live_share[region] * np.exp(-rates * settings.days_between_runs)
            found[region] = (chance.random((_LISTS, deep)) < stays).sum(axis=1)
        return found


def main() -> None:
    """Print what each way of choosing depths stores, and how many lists it leaves with enough."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--regions", type=int, default=1_000)
    regions_asked = parser.parse_args().regions
    chance = np.random.default_rng(7)
    settings, regions = ListSettings(), Regions.drawn(regions_asked, chance)
    root = Shelf(_RANGE, _RANGE, _RANGE, 0.0, 0.0)
    by_risk = np.array(depths([root, *regions.watched(chance)], [-1, *[0] * regions_asked], settings)[1:])
    rows = int((by_risk * regions.sold).sum())
    fixed = np.full(regions_asked, round(rows / regions.sold.sum()))
    asked = settings.live_candidates
    print(f"{regions_asked} regions, {asked} live candidates asked with a chance of {settings.live_chance}")
    for name, depth in {"by risk": by_risk, "one depth": fixed}.items():
        live = regions.live_at_next_run(depth, settings, chance)
        enough = (live >= asked).mean(axis=1)
        stored = int((depth * regions.sold).sum())
        weighed = float((enough * regions.sold).sum() / regions.sold.sum())
        kept = float((enough >= settings.live_chance).mean())
        print(
            f"  {name:<10} {depth.min()} to {depth.max()} deep, {stored / 1e6:.1f} million rows: {weighed:.4f} of lists"
            f" have enough, {kept:.3f} of regions keep their promise, the worst region {enough.min():.4f}"
        )


if __name__ == "__main__":
    main()
