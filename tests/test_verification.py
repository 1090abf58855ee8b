"""Verification: what is stored against what silver says, count by count."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from builders import Shop, told
from sidecart.contracts import silver
from sidecart.pairs import pair_support
from sidecart.settings import BasketSettings
from sidecart.verification import (
    History,
    baskets_of,
    counted_orders,
    counted_views,
    drawn_anchors,
    drawn_of_both,
    held_in,
    mismatches,
)

COUNTS = ("stored_buyers", "stored_baskets", "recounted_buyers", "recounted_baskets")


def _support(shop: Shop, **orders: str) -> DataFrame:
    return pair_support(shop.baskets(**orders), shop.regions("root > oslo"), shards=2)


def _mismatches(shop: Shop, stored: DataFrame, recounted: DataFrame) -> list[tuple[object, ...]]:
    found = mismatches(stored, recounted).collect()
    return sorted(
        (row["region_id"], shop.word(row["anchor"]), shop.word(row["candidate"]), *(row[count] for count in COUNTS))
        for row in found
    )


def test_equal_counts_differ_nowhere(shop: Shop) -> None:
    orders = {"b1": "ann@oslo: milk bread", "b2": "milk tea"}
    assert _mismatches(shop, _support(shop, **orders), _support(shop, **orders)) == []


def test_every_count_that_is_another_is_told_the_anchors_own_too(shop: Shop) -> None:
    stored = _support(shop, b1="ann@oslo: milk bread", b2="ann@oslo: milk bread")
    recounted = _support(shop, b1="ann@oslo: milk bread", b2="ann@oslo: milk")
    at_root = [row[1:] for row in _mismatches(shop, stored, recounted) if row[0] == "root"]
    assert at_root == [("bread", "bread", 1, 2, 1, 1), ("bread", "milk", 1, 2, 1, 1), ("milk", "bread", 1, 2, 1, 1)]


def test_an_anchor_that_only_one_side_has_is_told_with_all_it_met(shop: Shop) -> None:
    stored, recounted = _support(shop, b1="milk"), _support(shop, b1="milk", b2="tea salt")
    assert _mismatches(shop, stored, recounted) == [
        ("root", "salt", "salt", 0, 0, 1, 1),
        ("root", "salt", "tea", 0, 0, 1, 1),
        ("root", "tea", "salt", 0, 0, 1, 1),
        ("root", "tea", "tea", 0, 0, 1, 1),
    ]


def test_a_candidate_that_is_stored_twice_is_told_though_its_sum_is_right(shop: Shop) -> None:
    recounted = _support(shop, b1="ann: milk bread", b2="bob: milk bread")
    twice = F.transform(
        "met", lambda alike: alike.withField("pair_buyers", F.lit(1)).withField("pair_baskets", F.lit(1))
    )
    stored = recounted.withColumn("met", F.array_repeat(twice[0], 2))
    assert _mismatches(shop, stored, recounted) == [
        ("root", "bread", "milk", 2, 2, 2, 2),
        ("root", "milk", "bread", 2, 2, 2, 2),
    ]


def test_anchors_are_drawn_among_what_baskets_hold_and_others_for_another_release(shop: Shop) -> None:
    goods = [f"v{number}" for number in range(40)]
    baskets, ids = shop.baskets(b1=" ".join(goods[:30])), shop.variant_ids(" ".join(goods))
    one, other = (
        {shop.word(anchor) for anchor in told(drawn_anchors(held_in(baskets), ids, 10, salt), "anchor")}
        for salt in ("a", "b")
    )
    assert len(one) == len(other) == 10
    assert one | other <= set(goods[:30])
    assert one != other


def test_half_of_the_anchors_are_of_what_changed(shop: Shop) -> None:
    goods = [f"v{number}" for number in range(200)]
    ids = shop.variant_ids(" ".join(goods))
    changed, every = (held_in(shop.baskets(b1=" ".join(words))) for words in (goods[:8], goods))
    found = {shop.word(anchor) for anchor in told(drawn_of_both(changed, every, ids, 10, "a run"), "anchor")}
    assert len(found & set(goods[:8])) >= 5
    assert len(found) > 5


def test_support_of_a_few_anchors_is_counted_from_their_baskets_alone(shop: Shop) -> None:
    baskets = shop.baskets(b1="milk bread", b2="tea salt", b3="tea milk")
    milk = shop.spark.createDataFrame([(shop.number("milk"),)], "anchor INT")
    assert told(baskets_of(milk, baskets), "order_id") == ["b1", "b3"]


def test_baskets_are_found_again_from_lines_without_returns_extremes_and_baskets_above_the_cap(shop: Shop) -> None:
    many = [f"v{number}" for number in range(6)]
    orders = {"b1": ("ann", "milk bread"), "b2": ("bob", " ".join(many)), "b3": ("eve", "milk tea jam salt")}
    lines = [
        {"order_id": order, "buyer_key": buyer, "variant_id": word} for order, (buyer, words) in orders.items()
        for word in words.split()
    ]  # fmt: skip
    returned = {"order_id": "b1", "buyer_key": "ann", "variant_id": "tea", "quantity_left": 0}
    ids = shop.variant_ids(" ".join(["milk", "bread", "tea", "jam", "salt", *many]))
    history = History(shop.order_lines(*lines, returned), shop.frame(silver.VIEWS), ids)
    found = counted_orders(history, BasketSettings(max_basket_variants=5, extreme_buyer_share=0.4))
    assert told(found, "buyer_key", "variants") == [("ann", sorted([shop.number("milk"), shop.number("bread")]))]


def test_sessions_are_found_again_from_views(shop: Shop) -> None:
    looks = [{"session_id": "s1", "buyer_key": "ann", "variant_id": word, "kind": "view"} for word in ("milk", "tea")]
    history = History(shop.order_lines(), shop.frame(silver.VIEWS, *looks), shop.variant_ids("milk tea"))
    found = counted_views(history, BasketSettings())
    assert told(found, "buyer_key", "variants") == [("ann", [shop.number("milk"), shop.number("tea")])]
