"""Item pages, worked out by hand: log2(2) = 1, 1/log2(3) = .63093, 1/log2(4) = .5."""

from __future__ import annotations

import pytest
from pyspark.sql import DataFrame

from builders import Shop, told
from evaluation.conftest import lists_of, sized
from sidecart.evaluation.item_page import page_counts, page_sums, page_targets
from sidecart.evaluation.listed import listed

BILLION = 1_000_000_000


def _sums(shop: Shop, facts: DataFrame, lists: dict[str, str], **baskets: str) -> dict[tuple[str, str], list[float]]:
    """(targets, bucket) -> hit rate, recall and NDCG, summed over pages."""
    judged = page_targets(sized(shop.baskets(**baskets)), facts, "buyers")
    sums = page_sums(listed(lists_of(shop, mine=lists), facts), judged)
    columns = ("targets", "bucket", "hit_rate", "recall", "ndcg")
    return {(t, b): [value / BILLION for value in values] for t, b, *values in told(sums, *columns)}


def test_every_variant_of_a_basket_is_a_page_and_the_others_are_its_targets(shop: Shop, facts: DataFrame) -> None:
    judged = page_targets(sized(shop.baskets(b1="tea coffee milk mug")), facts, "buyers")
    named = judged.select("anchor", "bucket", "all_targets", "other_targets").distinct()
    found = {shop.word(anchor): rest for anchor, *rest in told(named, *named.columns)}
    assert found == {
        "tea": ["1000+", 3, 1],
        "coffee": ["100-999", 3, 1],
        "milk": ["10-99", 3, 2],
        "mug": ["3-9", 3, 0],
    }


def test_the_first_of_two_targets_at_rank_two_is_worth_two_fifths_of_the_best_list(
    shop: Shop, facts: DataFrame
) -> None:
    """DCG .63093; the ideal shows both first, 1 + .63093."""
    found = _sums(shop, facts, {"tea": "scone milk"}, b1="ann: tea milk cake")
    assert found["all", "1000+"] == pytest.approx([1, 0.5, 0.63093 / 1.63093], abs=1e-5)


def test_a_list_that_shows_all_targets_first_has_an_ndcg_of_one(shop: Shop, facts: DataFrame) -> None:
    found = _sums(shop, facts, {"tea": "cake milk scone"}, b1="ann: tea milk cake")
    assert found["all", "1000+"] == [1, 1, 1]


def test_a_target_of_the_anchors_own_category_counts_among_all_but_not_among_others(
    shop: Shop, facts: DataFrame
) -> None:
    found = _sums(shop, facts, {"tea": "coffee scone milk"}, b1="ann: tea coffee milk")
    assert found["all", "1000+"] == pytest.approx([1, 1, 1.5 / 1.63093], abs=1e-5)
    assert found["other_category", "1000+"] == [1, 1, 0.5]


def test_pages_add_up_by_bucket_and_over_all_buckets(shop: Shop, facts: DataFrame) -> None:
    found = _sums(
        shop, facts, {"tea": "milk", "cake": "milk"}, b1="ann: tea milk", b2="ann: cake milk", b3="ann: tea mug"
    )
    assert found["all", "1000+"] == found["all", "1-2"] == [1, 1, 1]
    assert found["all", "all"] == found["all", "1+"] == found["all", "region 0"] == [2, 2, 2]


def test_a_page_new_to_history_is_not_among_the_known(shop: Shop, facts: DataFrame) -> None:
    found = _sums(shop, facts, {"scone": "milk"}, b1="ann: scone milk")
    assert {bucket for _, bucket in found} == {"0", "region 0", "all"}


def test_a_page_without_a_target_of_another_category_is_not_judged_there(shop: Shop, facts: DataFrame) -> None:
    counts = page_counts(page_targets(sized(shop.baskets(b1="ann: tea coffee", b2="ann: tea milk")), facts, "buyers"))
    assert told(counts.where("bucket = 'all'"), "targets", "buyer_key", "pages") == [
        ("all", "ann", 4),
        ("other_category", "ann", 2),
    ]


def test_what_stands_below_the_tenth_place_is_not_shown(shop: Shop, facts: DataFrame) -> None:
    lists = shop.spark.createDataFrame(
        [("mine", "tea", 11, "milk")], "table_name STRING, anchor_id STRING, rank INT, candidate_id STRING"
    )
    judged = page_targets(sized(shop.baskets(b1="tea milk")), facts, "buyers")
    assert told(page_sums(listed(lists, facts), judged), "hit_rate") == []


def test_a_basket_is_judged_with_the_lists_of_its_region(shop: Shop, facts: DataFrame) -> None:
    rows = [("mine", "oslo", "tea", 1, "milk"), ("mine", "bergen", "tea", 1, "cake")]
    lists = shop.spark.createDataFrame(
        rows, "table_name STRING, region_id STRING, anchor_id STRING, rank INT, candidate_id STRING"
    )
    judged = page_targets(sized(shop.baskets(b1="ann@oslo: tea milk", b2="bob@bergen: tea milk")), facts, "buyers")
    sums = page_sums(listed(lists, facts), judged).where("targets = 'all' AND bucket = 'all'")
    assert told(sums, "buyer_key", "hit_rate") == [("ann", BILLION)]
