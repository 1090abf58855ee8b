"""Pair changes: counted from what changed alone, and what they give is a recount's, row for row."""

from __future__ import annotations

import random

import pytest
from pyspark.sql import DataFrame, SparkSession

from builders import Shop, told
from sidecart.pair_changes import changed_baskets, pair_differences, with_differences
from sidecart.pairs import flat_pairs, pair_support

TREE = ("root > north > oslo", "root > north > bergen", "root > south > rome")


def _changed(shop: Shop, before: dict[str, str], after: dict[str, str]) -> DataFrame:
    return changed_baskets(shop.baskets(**before), shop.baskets(**after))


def _in_words(shop: Shop, changed: DataFrame) -> list[tuple[str, str, str, str]]:
    """Buyer, region, variants and in which counts (was, is or both) of each basket."""
    sides = {(True, False): "was", (False, True): "is", (True, True): "both"}
    columns = ("buyer_key", "region_id", "variants", "was_counted", "is_counted")
    return [
        (buyer, region, " ".join(map(shop.word, variants)), sides[was, now])
        for buyer, region, variants, was, now in told(changed, *columns)
    ]


def _differences(
    shop: Shop, before: dict[str, str], after: dict[str, str]
) -> dict[tuple[str, str, str], tuple[int, int]]:
    found = pair_differences(_changed(shop, before, after), shop.regions(*TREE), shards=2)
    return shop.pairs_in_words(flat_pairs(found))


def test_buyers_without_a_change_are_left_alone_and_of_others_only_what_a_change_touches(shop: Shop) -> None:
    before = {"b1": "ann: milk bread tea", "b2": "ann: jam", "b3": "bob: milk bread"}
    found = _in_words(shop, _changed(shop, before, before | {"b4": "ann: milk tea salt"}))
    assert found == [("ann", "root", "milk tea", "both"), ("ann", "root", "milk tea salt", "is")]


def test_an_order_that_moves_is_gone_from_one_region_and_new_in_another(shop: Shop) -> None:
    found = _differences(shop, {"b1": "ann@oslo: milk bread"}, {"b1": "ann@rome: milk bread"})
    assert {key: count for key, count in found.items() if key[1] == "milk"} == {
        ("oslo", "milk", "bread"): (-1, -1),
        ("north", "milk", "bread"): (-1, -1),
        ("rome", "milk", "bread"): (1, 1),
        ("south", "milk", "bread"): (1, 1),
    }


def test_a_pair_that_its_buyer_met_before_is_another_basket_and_no_other_buyer(shop: Shop) -> None:
    found = _differences(shop, {"b1": "ann: milk bread"}, {"b1": "ann: milk bread", "b2": "ann: milk bread tea"})
    assert found["root", "milk", "bread"] == (0, 1)
    assert found["root", "milk", "tea"] == (1, 1)


def test_a_return_takes_back_what_only_its_basket_held(shop: Shop) -> None:
    before = {"b1": "ann: milk bread tea", "b2": "ann: milk bread"}
    found = _differences(shop, before, before | {"b1": "ann: milk tea"})
    assert found["root", "milk", "bread"] == (0, -1)
    assert found["root", "bread", "tea"] == (-1, -1)
    assert ("root", "milk", "tea") not in found


def test_a_buyer_who_is_erased_leaves_nothing(shop: Shop) -> None:
    before = {"b1": "ann@oslo: milk bread", "b2": "ann: milk bread"}
    shop_before = pair_support(shop.baskets(**before), shop.regions(*TREE), shards=2)
    gone = pair_differences(_changed(shop, before, {}), shop.regions(*TREE), shards=2)
    assert told(with_differences(shop_before, gone), "region_id", "anchor") == []


def _day(chance: random.Random, orders: dict[str, str]) -> dict[str, str]:
    """The orders a day later: new, late, corrected, returned, moved and erased ones."""
    goods, places = [f"v{place}" for place in range(25)], ["root", "oslo", "bergen", "rome"]
    kept = {key: text for key, text in orders.items() if chance.random() > 0.05 and not text.startswith("u7@")}
    for key in chance.sample(sorted(kept), min(4, len(kept))):
        who, _, what = kept[key].partition(":")
        buyer, _, region = who.partition("@")
        words = what.split()
        kept[key] = chance.choice(
            [
                f"{buyer}@{chance.choice(places)}: {' '.join(words)}",
                f"{who}: {' '.join(words[1:] or words)}",
                f"u{chance.randrange(9)}@{region}: {' '.join(words)}",
            ]
        )
    for _ in range(12):
        buyer = chance.choice(["", *(f"u{place}" for place in range(9))])
        words = chance.sample(goods, chance.randint(1, 6))
        kept[f"o{chance.randrange(10**6)}"] = f"{buyer}@{chance.choice(places)}: {' '.join(words)}"
    return kept


@pytest.mark.slow
def test_a_history_that_changes_day_by_day_has_the_counts_of_a_recount(spark: SparkSession) -> None:
    shop, chance = Shop(spark), random.Random(5)
    regions, orders = shop.regions(*TREE), _day(chance, {})
    support = pair_support(shop.baskets(**orders), regions, shards=2)
    for day in range(6):
        tomorrow = _day(chance, orders)
        changed = _changed(shop, orders, tomorrow)
        differences = pair_differences(changed, regions, shards=1 + day % 3)
        after = with_differences(support, differences).select(support.columns)
        support = spark.createDataFrame(after.toArrow(), support.schema)
        orders = tomorrow
        recount = pair_support(shop.baskets(**orders), regions, shards=3)
        found, expected = (
            frame.select(sorted(frame.columns)).toArrow().sort_by([("region_id", "ascending"), ("anchor", "ascending")])
            for frame in (support, recount)
        )
        assert found.to_pylist() == expected.to_pylist()
