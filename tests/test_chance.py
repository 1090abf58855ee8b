"""Order lines dealt anew: the shop keeps its baskets' sizes and its goods' popularity, and nothing else."""

from __future__ import annotations

from collections import Counter

from pyspark.sql import DataFrame

from builders import Shop, told
from sidecart.chance import shuffled_baskets


def _shop(shop: Shop) -> DataFrame:
    return shop.baskets(**{f"b{n:03}": f"ann: milk a{n} b{n} c{n % 7}" if n % 2 else f"x{n} y{n}" for n in range(60)})


def _sold(baskets: DataFrame) -> Counter[int]:
    return Counter(variant for held in told(baskets, "variants") for variant in held)


def test_sizes_and_popularity_stay_but_for_what_comes_twice_to_a_basket(shop: Shop) -> None:
    baskets = _shop(shop)
    dealt = shuffled_baskets(baskets, seed=1)
    sizes = {row["order_id"]: len(row["variants"]) for row in baskets.collect()}
    lost = sum(sizes.values()) - sum(_sold(dealt).values())
    assert lost <= 12
    assert sum((_sold(baskets) - _sold(dealt)).values()) == lost
    assert all(sizes[row["order_id"]] >= len(row["variants"]) for row in dealt.collect())


def test_orders_keep_their_buyers_and_nobody_keeps_what_was_bought(shop: Shop) -> None:
    baskets = _shop(shop)
    dealt = shuffled_baskets(baskets, seed=1)
    assert told(dealt, "order_id", "buyer_key") == told(baskets, "order_id", "buyer_key")
    assert dealt.columns == baskets.columns
    same = set(map(str, told(dealt, "variants"))) & set(map(str, told(baskets, "variants")))
    assert len(same) <= 3


def test_a_seed_always_deals_the_same_and_another_seed_something_else(shop: Shop) -> None:
    baskets = _shop(shop)
    first = told(shuffled_baskets(baskets, seed=1), "order_id", "variants")
    assert told(shuffled_baskets(baskets.repartition(5, "buyer_key"), seed=1), "order_id", "variants") == first
    assert told(shuffled_baskets(baskets, seed=2), "order_id", "variants") != first
