"""Regions of a generated shop: the tree, how many orders each has, and what each sells."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sidecart.generator.assortment import Goods
from sidecart.generator.dice import Flags, Ints, Weighted, mixed
from sidecart.generator.popularity import Floats, falling
from sidecart.generator.settings import GeneratorSettings

_ASSORTMENT = 20
RICHEST = 0.95
_WORD = 2**32


@dataclass(frozen=True)
class Places:
    """The regions with orders, and the share of the catalogue that each sells."""

    ids: list[str]
    weighted: Weighted
    shares: Floats
    """Per region: the stated share of the catalogue that it sells."""
    seed: int
    is_core: Flags
    """Variants that every region sells: bananas, planted goods and the best-selling tenth."""

    @property
    def _chances(self) -> Floats:
        """What a variant outside the core must have, so that core and luck make the stated share."""
        core = float(self.is_core.mean())
        return np.clip((self.shares - core) / (1 - core), 0, 1)

    def sells(self, region: Ints, variant: Ints) -> Flags:
        """Whether the region sells the variant; the same answer for ever."""
        luck = (
            mixed(self.seed, _ASSORTMENT, region, variant) < np.round(self._chances * _WORD).astype(np.uint64)[region]
        )
        return np.asarray(self.is_core[variant] | luck)


def places_of(settings: GeneratorSettings, goods: Goods) -> Places:
    """The regions; a shop without regions has one place, which its files do not name."""
    count = max(settings.regions, 1)
    shares = np.linspace(RICHEST, settings.least_assortment, count) if settings.regions > 1 else np.ones(1)
    is_core = goods.expected >= np.quantile(goods.expected, 0.9)
    is_core[goods.bananas] = True
    is_core[goods.planted.variants] = True
    ids = [f"r{number:04d}" for number in range(1, count + 1)]
    return Places(ids, Weighted.of(falling(count, 0.9)), shares, settings.seed, is_core)


def region_tree(settings: GeneratorSettings, places: Places) -> pa.Table:
    """The regions input: leaves, and above them areas and countries as deep as the settings ask."""
    areas, countries = _spread(len(places.ids)), _spread(_spread(len(places.ids)))
    rows: list[tuple[str, str | None, str]] = []
    if settings.region_levels == 3:
        rows += [(f"country-{number + 1}", None, f"Country {number + 1}") for number in range(countries)]
    if settings.region_levels >= 2:
        rows += [
            (f"area-{number + 1}", f"country-{number % countries + 1}" if settings.region_levels == 3 else None,
             f"Area {number + 1}")
            for number in range(areas)
        ]  # fmt: skip
    rows += [
        (name, f"area-{number % areas + 1}" if settings.region_levels >= 2 else None, f"Shop {number + 1}")
        for number, name in enumerate(places.ids)
    ]
    columns = list(zip(*rows, strict=True))
    names = ("region_id", "parent_id", "name")
    return pa.table({name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)})


def _spread(count: int) -> int:
    """How many parents so many regions have: about the square root."""
    return max(1, round(math.sqrt(count)))
