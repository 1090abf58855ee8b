"""Pair support: who met whom, where, and how often; and the same counted by DuckDB."""

from __future__ import annotations

import random
from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from builders import Shop, configured, told
from sidecart.baskets import counted
from sidecart.extremes import buyer_activity, excluded_baskets
from sidecart.pairs import flat_pairs, pair_support, region_support, variant_support
from sidecart.settings import BasketSettings

TREE = ("root > north > oslo", "root > north > bergen", "root > south > rome", "root > web")


def _support(shop: Shop, **orders: str) -> dict[tuple[str, str, str], tuple[int, int]]:
    baskets = shop.baskets(**orders)
    return shop.pairs_in_words(flat_pairs(pair_support(baskets, shop.regions(*TREE), shards=2)))


def test_two_variants_of_one_basket_are_a_pair_in_both_directions(shop: Shop) -> None:
    assert _support(shop, b1="milk milk bread", b2="milk") == {
        ("root", "milk", "bread"): (1, 1),
        ("root", "bread", "milk"): (1, 1),
    }


def test_a_household_counts_once_however_often_it_comes(shop: Shop) -> None:
    found = _support(shop, b1="ann: milk bread", b2="ann: milk bread", b3="milk bread")
    assert found["root", "milk", "bread"] == (2, 3)


def test_an_order_counts_in_its_region_and_in_all_above_and_nowhere_else(shop: Shop) -> None:
    found = _support(shop, b1="@oslo: milk bread")
    assert {region for region, _, _ in found} == {"root", "north", "oslo"}


def test_a_buyer_of_two_cities_is_one_buyer_of_their_country(shop: Shop) -> None:
    found = _support(shop, b1="ann@oslo: milk bread", b2="ann@bergen: milk bread", b3="bob@bergen: milk bread")
    in_places = {region: found[region, "milk", "bread"] for region in ("oslo", "bergen", "north", "root")}
    assert in_places == {"oslo": (1, 1), "bergen": (2, 2), "north": (2, 3), "root": (2, 3)}


def test_a_variant_that_is_bought_alone_has_support_and_no_pairs(shop: Shop) -> None:
    support = pair_support(shop.baskets(b1="ann: milk", b2="ann: milk"), shop.regions(), shards=2)
    columns = ("region_id", "anchor", "anchor_buyers", "anchor_baskets", "met")
    assert told(support, *columns) == [("root", 1, 1, 2, [])]
    assert told(variant_support(support), "region_id", "variant", "buyers", "baskets") == [("root", 1, 1, 2)]


def test_a_region_knows_its_buyers_and_those_below(shop: Shop) -> None:
    baskets = shop.baskets(b1="ann@oslo: milk", b2="ann@bergen: milk", b3="bob@rome: milk", b4="milk")
    assert told(region_support(baskets, shop.regions(*TREE)), "region_id", "buyers", "baskets") == [
        ("bergen", 1, 1),
        ("north", 1, 2),
        ("oslo", 1, 1),
        ("rome", 1, 1),
        ("root", 3, 4),
        ("south", 1, 1),
    ]


# The oracle: 3,000 baskets of a random shop, counted by a self-join that knows nothing of kernels.

_ORACLE = """
WITH items AS (
    SELECT order_id, buyer_key, unnest(path) AS region_id, variants FROM baskets JOIN regions USING (region_id)
), of_anchor AS (SELECT order_id, buyer_key, region_id, unnest(variants) AS variant FROM items)
SELECT a.region_id, a.variant AS anchor, b.variant AS candidate,
       count(DISTINCT a.buyer_key) AS pair_buyers, count(*) AS pair_baskets
FROM of_anchor a JOIN of_anchor b USING (order_id, region_id)
GROUP BY ALL ORDER BY ALL
"""


@pytest.fixture(scope="module")
def random_shop(spark: SparkSession) -> Iterator[tuple[DataFrame, DataFrame]]:
    """Counted baskets and regions: guests, bestsellers, extreme buyers, baskets above the cap, three levels."""
    shop, chance = Shop(spark), random.Random(7)
    places = ["root", "north", "oslo", "bergen", "rome", "web"]
    goods = [f"v{i}" for i in range(120)]
    popularity = [1 / (place + 3) for place in range(120)]
    orders = {}
    for number in range(3_000):
        buyer = "" if chance.random() < 0.2 else f"u{chance.randrange(300)}"
        size = 60 if chance.random() < 0.002 else min(40, 1 + int(chance.expovariate(0.2)))
        words = chance.choices(goods, popularity, k=size)
        orders[f"o{number}"] = f"{buyer}@{chance.choice(places)}: {' '.join(words)}"
    stored, settings = shop.baskets(**orders), BasketSettings(max_basket_variants=30, extreme_buyer_share=0.01)
    kept = counted(excluded_baskets(stored, buyer_activity(stored, settings), settings)).cache()
    assert 2_800 < kept.count() < 3_000
    yield kept, shop.regions(*TREE)
    kept.unpersist()


def _by_brute_force(baskets: DataFrame, regions: DataFrame) -> list[tuple[object, ...]]:
    with duckdb.connect() as engine:
        engine.register("baskets", baskets.select("order_id", "buyer_key", "region_id", "variants").toArrow())
        engine.register("regions", regions.select("region_id", "path").toArrow())
        return engine.execute(_ORACLE).fetchall()


def _with_itself(support: DataFrame) -> pa.Table:
    """Flat pairs, and each anchor with itself, as the oracle counts it."""
    columns = ["region_id", "anchor", "candidate", "pair_buyers", "pair_baskets"]
    itself = support.select(
        "region_id", "anchor", F.col("anchor").alias("candidate"), "anchor_buyers", "anchor_baskets"
    ).toDF(*columns)
    return (
        flat_pairs(support).select(columns).unionByName(itself).toArrow().sort_by([(c, "ascending") for c in columns])
    )


@pytest.mark.slow
def test_counts_equal_a_self_join_row_for_row_for_any_number_of_partitions_adaptive_or_not(
    spark: SparkSession, random_shop: tuple[DataFrame, DataFrame]
) -> None:
    baskets, regions = random_shop
    expected = _by_brute_force(baskets, regions)
    assert len(expected) > 20_000
    for partitions, adaptive in ((1, "true"), (3, "false"), (8, "true"), (8, "false"), (64, "true")):
        conf = {"spark.sql.shuffle.partitions": str(partitions), "spark.sql.adaptive.enabled": adaptive}
        with configured(spark, conf):
            found = _with_itself(pair_support(baskets.repartition(partitions), regions, shards=partitions))
        assert list(zip(*(column.to_pylist() for column in found.columns), strict=True)) == expected
