"""A random shop, counted: what shortlists are made of, once as frames and once as plain rows."""

from __future__ import annotations

import random
from dataclasses import dataclass, fields, replace
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from builders import Shop
from sidecart.assortments import offers_of_all_regions
from sidecart.attribute_lift import attribute_lift
from sidecart.baskets import recent_baskets
from sidecart.compatibility import (
    CategoryCounts,
    basket_categories,
    basket_strata,
    category_compatibility,
    category_pair_support,
    category_stratum_support,
)
from sidecart.evidence import ChanceInputs, evidence_thresholds, met_pairs, variant_stratum_support
from sidecart.group_support import group_pair_support
from sidecart.pairs import flat_pairs, pair_support, region_support, variant_support
from sidecart.settings import Settings
from sidecart.shortlists import ListInputs
from sidecart.variants import variant_facts

TREE = ("root > north > oslo", "root > north > bergen", "root > south > rome")
DEEP_TREE = ("root > west > north > bay > oslo", "root > bergen", "root > east > rome", "root > east > void")
"""Another chain of the same shops: Oslo four levels down, Bergen moved to the root, and a region without anything."""
SHELVES = ("food > dairy > milks", "food > dairy > curds", "food > bakery", "home > lamps > led", "home > chairs")
CITIES = ("oslo", "bergen", "rome")


@dataclass(frozen=True)
class CountedShop:
    """The inputs of shortlists, settled: reading one costs no Spark job that made it."""

    inputs: ListInputs
    variant_ids: DataFrame
    catalog: DataFrame
    categories: DataFrame
    baskets: DataFrame

    def tables(self) -> dict[str, pa.Table]:
        """Every input by name, as an analyst's engine reads it."""
        named = {f.name: getattr(self.inputs, f.name) for f in fields(ListInputs)}
        named |= {"variant_ids": self.variant_ids, "variant_support": variant_support(self.inputs.pair_support)}
        return {name: frame.toArrow() for name, frame in named.items()}

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Every input by name, as plain rows."""
        return {name: table.to_pylist() for name, table in self.tables().items()}

    def shuffled(self, seed: int) -> ListInputs:
        """The same inputs with their rows in another order and in other partitions."""
        chance = random.Random(seed)

        def mixed(frame: DataFrame) -> DataFrame:
            table = frame.toArrow()
            order = chance.sample(range(table.num_rows), table.num_rows)
            return frame.sparkSession.createDataFrame(table.take(pa.array(order, pa.int64())), frame.schema)

        return replace(self.inputs, **{f.name: mixed(getattr(self.inputs, f.name)) for f in fields(ListInputs)})


def counted_shop(
    shop: Shop,
    settings: Settings,
    orders: int,
    seed: int,
    tree: tuple[str, ...] = TREE,
    shares: tuple[float, ...] = (0.65, 0.65, 0.65),
) -> CountedShop:
    """A shop of 40 variants in 30 groups, some without a category, whose cities sell such shares of the range."""
    chance = random.Random(seed)
    goods = [f"v{number:02}" for number in range(40)]
    catalog = shop.catalog(**{word: _shelf(chance) + f"/g{chance.randrange(30):02}" for word in goods})
    ending = F.substring("variant_id", -1, 1)
    catalog = _settled(catalog.withColumn("brand", F.when(ending < "4", "acme").when(ending < "7", "best")))
    categories_of_shop = shop.categories(*SHELVES)
    baskets = _settled(shop.baskets(**_orders(chance, goods[:36], orders)))
    views = shop.baskets(**_orders(chance, goods, orders // 3))
    regions, ids = shop.regions(*tree), shop.variant_ids()
    support = _settled(pair_support(baskets, regions, shards=2))
    of_variants = _settled(variant_support(support))
    bought, recent = of_variants.where("region_id = 'root'"), recent_baskets(baskets, settings.scoring.recent_weeks)
    facts = _settled(variant_facts(catalog, categories_of_shop, ids, bought, recent, settings))
    categories = _settled(basket_categories(baskets, facts, settings.compatibility))
    counts = CategoryCounts(
        basket_strata(baskets), category_stratum_support(categories), category_pair_support(categories), facts
    )
    compatibility = category_compatibility(counts, settings.compatibility)
    pairs = flat_pairs(support.where("region_id = 'root'"))
    groups = _settled(group_pair_support(pairs, facts, settings.scoring.support_unit))
    measured = ChanceInputs(
        _settled(variant_stratum_support(baskets)), basket_strata(baskets), facts, _settled(compatibility)
    )
    thresholds = evidence_thresholds(met_pairs(pairs, measured, settings), measured, settings)
    sold = {city: _sold(chance, goods, share) for city, share in zip(CITIES, shares, strict=True)}
    offers = shop.offers(**{city: " ".join(words) for city, words in sold.items()})
    inputs = ListInputs(
        pair_support=support,
        group_pair_support=groups,
        variant_stratum_support=measured.variant_stratum_support,
        basket_strata=_settled(measured.basket_strata),
        view_pair_support=_settled(pair_support(views, regions, shards=2)),
        region_support=_settled(region_support(baskets, regions)),
        category_compatibility=measured.category_compatibility,
        attribute_lift=_settled(attribute_lift(pairs, groups, facts, settings)),
        evidence_thresholds=_settled(thresholds),
        offers=_settled(offers_of_all_regions(offers, regions)),
        regions=regions,
        variant_facts=facts,
    )
    return CountedShop(inputs, ids, catalog, categories_of_shop, baskets)


def _settled(frame: DataFrame) -> DataFrame:
    """The frame computed once; its plan is its rows."""
    return frame.sparkSession.createDataFrame(frame.toArrow(), frame.schema)


def _shelf(chance: random.Random) -> str:
    return chance.choice(["milks", "curds", "bakery", "led", "chairs", ""])


def _orders(chance: random.Random, goods: list[str], orders: int) -> dict[str, str]:
    popularity = [1 / (place + 2) for place in range(len(goods))]
    places = {"root": 1, "north": 1, "oslo": 3, "bergen": 3, "rome": 1}
    where = chance.choices(list(places), list(places.values()), k=orders)
    found = {}
    for number in range(orders):
        buyer = "" if chance.random() < 0.2 else f"u{chance.randrange(orders // 3)}"
        words = chance.choices(goods, popularity, k=1 + int(chance.expovariate(0.3)))
        found[f"o{number}"] = f"{buyer}@{where[number]}: {' '.join(words)}"
    return found


def _sold(chance: random.Random, goods: list[str], share: float) -> list[str]:
    """A share of the variants, one in five of them out of stock."""
    return [("-" if chance.random() < 0.2 else "") + word for word in goods if chance.random() < share]
