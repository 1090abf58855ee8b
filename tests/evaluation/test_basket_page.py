"""Basket pages: half of a basket is in the cart, its lists are joined."""

from __future__ import annotations

from itertools import chain

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from builders import Shop, told
from evaluation.conftest import lists_of
from sidecart.evaluation.basket_page import cart_sums, carts
from sidecart.evaluation.listed import listed

BILLION = 1_000_000_000
CART = "order_id STRING, buyer_key STRING, region_id STRING, seen ARRAY<INT>, targets ARRAY<INT>"


def _cart(shop: Shop, seen: str, targets: str) -> DataFrame:
    numbers = [[shop.number(word) for word in words.split()] for words in (seen, targets)]
    return shop.spark.createDataFrame([("b1", "ann", "root", *numbers)], CART)


def test_half_of_a_basket_rounded_down_is_seen_and_the_rest_is_wanted(shop: Shop) -> None:
    found = told(carts(shop.baskets(b1="tea milk", b2="tea milk cake", b3="tea milk cake mug")), "seen", "targets")
    assert sorted((len(seen), len(targets)) for seen, targets in found) == [(1, 1), (1, 2), (2, 2)]
    assert all(len({*chain(seen, targets)}) == len(seen) + len(targets) for seen, targets in found)


def test_the_same_half_is_seen_every_time(shop: Shop) -> None:
    baskets = shop.baskets(b1="tea milk cake mug", b2="coffee tea scone")
    assert told(carts(baskets), "order_id", "seen") == told(carts(baskets.repartition(5)), "order_id", "seen")


def test_what_both_lists_show_comes_before_the_first_of_one_by_rank_but_not_by_score(
    shop: Shop, facts: DataFrame
) -> None:
    """Rank: cake 2/12 = .167, scone 1/11 = .091. Score: scone 30, cake 8 + 8."""
    lists = lists_of(shop, mine={"tea": "scone cake", "milk": "coffee cake"}).selectExpr(
        "table_name", "anchor_id", "rank", "candidate_id", "IF(candidate_id = 'scone', 30.0D, score) AS score"
    )
    sums = cart_sums(listed(lists, facts), _cart(shop, "tea milk", "cake"))
    found = {joined: ndcg / BILLION for joined, ndcg in told(sums, "joined", "ndcg")}
    assert found == pytest.approx({"by_rank": 1, "by_score": 0.63093}, abs=1e-5)


def test_what_is_in_the_cart_is_not_shown(shop: Shop, facts: DataFrame) -> None:
    lists = lists_of(shop, mine={"tea": "milk cake", "milk": "tea cake"})
    sums = cart_sums(listed(lists, facts), _cart(shop, "tea milk", "cake scone"))
    found = told(sums.where("joined = 'by_rank'"), "hit_rate", "recall", "ndcg")
    assert [[value / BILLION for value in row] for row in found] == [pytest.approx([1, 0.5, 1 / 1.63093])]


def test_a_table_without_scores_is_joined_by_rank_only(shop: Shop, facts: DataFrame) -> None:
    lists = lists_of(shop, mine={"tea": "cake"}).drop("score")
    assert told(cart_sums(listed(lists, facts), _cart(shop, "tea", "cake")), "joined") == ["by_rank"]


def test_fills_of_the_carts_lists_are_not_joined(shop: Shop, facts: DataFrame) -> None:
    lists = lists_of(shop, mine={"tea": "scone cake"}).withColumn("is_fill", F.col("candidate_id") == "scone")
    sums = cart_sums(listed(lists, facts), _cart(shop, "tea", "cake"))
    assert [ndcg / BILLION for _, ndcg in told(sums, "joined", "ndcg")] == [1, 1]
