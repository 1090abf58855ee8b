"""Diversity: repeats of a subcategory fall behind, but never far."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from builders import Shop
from sidecart.contracts import gold
from sidecart.diversity import diversified
from sidecart.settings import DiversitySettings

Goods = tuple[str, float, str | None]
"""A candidate: its name, its score and its subcategory, after a slash its brand."""


def _order(shop: Shop, goods: list[Goods], settings: DiversitySettings, tier: int = 0) -> list[str]:
    rows: list[dict[str, Any]] = []
    for rank, (name, score, kind) in enumerate(sorted(goods, key=lambda g: -g[1]), 1):
        subcategory, _, brand = (kind or "").partition("/")
        rows.append(
            {
                "candidate_id": name,
                "rank": rank,
                "tier": tier,
                "score_key": round(1e6 * math.log(score)),
                "candidate_subcategory_id": subcategory or None,
                "candidate_brand": brand or None,
            }
        )
    lists = shop.frame(gold.SHORTLISTS, *rows).withColumnRenamed("rank", "base_rank")
    found = diversified(lists, settings).orderBy("rank").select("candidate_id").collect()
    return [row["candidate_id"] for row in found]


def test_the_second_bag_pack_falls_behind_a_bottle_that_is_nearly_as_good(shop: Shop) -> None:
    goods: list[Goods] = [("bags_5", 100, "bags"), ("bags_10", 95, "bags"), ("bottle", 90, "bottles")]
    assert _order(shop, goods, DiversitySettings(factor=0.85, free=0)) == ["bags_5", "bottle", "bags_10"]
    assert _order(shop, goods, DiversitySettings(factor=1.0)) == ["bags_5", "bags_10", "bottle"]


def test_two_of_a_kind_are_free_and_the_third_falls_behind(shop: Shop) -> None:
    goods: list[Goods] = [
        ("bags_5", 100, "bags"),
        ("bags_10", 95, "bags"),
        ("bags_20", 94, "bags"),
        ("bottle", 90, None),
    ]
    assert _order(shop, goods, DiversitySettings(factor=0.85)) == ["bags_5", "bags_10", "bottle", "bags_20"]


def test_a_repeat_with_clearly_better_evidence_stays_where_it_is(shop: Shop) -> None:
    goods: list[Goods] = [("bags_5", 100, "bags"), ("bags_10", 95, "bags"), ("bottle", 60, "bottles")]
    assert _order(shop, goods, DiversitySettings(factor=0.85, free=0)) == ["bags_5", "bags_10", "bottle"]


def test_one_brands_repeats_can_weigh_more(shop: Shop) -> None:
    goods: list[Goods] = [("a5", 100, "bags/acme"), ("a10", 95, "bags/acme"), ("best5", 90, "bags/best")]
    assert _order(shop, goods, DiversitySettings(factor=0.9, free=0, brand_factor=0.7)) == ["a5", "best5", "a10"]


def test_what_has_no_subcategory_repeats_nothing(shop: Shop) -> None:
    goods: list[Goods] = [("odd", 100, None), ("odder", 99, None), ("bottle", 98, "bottles")]
    assert _order(shop, goods, DiversitySettings(factor=0.5, free=0)) == ["odd", "odder", "bottle"]


def _greedy(goods: list[Goods], settings: DiversitySettings) -> list[str]:
    """Take the best, then the best given the subcategories taken, one after another."""
    keys = {name: round(1e6 * math.log(score)) for name, score, _ in goods}
    base = sorted(goods, key=lambda g: -g[1])
    taken: list[Goods] = []
    while len(taken) < len(base):
        left = [g for g in base if g not in taken]

        def worth(good: Goods) -> int:
            repeats = max(sum(t[2] == good[2] for t in taken) - settings.free, 0)
            loss = max(repeats * math.log(settings.factor), math.log(settings.floor))
            return keys[good[0]] + round(loss * 1e6)

        taken.append(max(left, key=lambda g: (worth(g), -base.index(g))))
    return [name for name, _, _ in taken]


SCORES = st.lists(
    st.tuples(st.integers(1, 1000), st.sampled_from("abc")), min_size=1, max_size=9, unique_by=lambda g: g[0]
)


@given(SCORES, st.sampled_from([0.6, 0.85]), st.sampled_from([0, 1, 2]), st.sampled_from([0.4, 0.8]))
def test_one_sort_does_what_the_greedy_loop_does_and_no_one_loses_more_than_the_floor(
    spark: SparkSession, drawn: list[tuple[int, str]], factor: float, free: int, floor: float
) -> None:
    goods: list[Goods] = [(f"g{place}", float(score), kind) for place, (score, kind) in enumerate(drawn)]
    settings = DiversitySettings(factor=factor, free=free, floor=floor)
    found = _order(Shop(spark), goods, settings)
    assert found == _greedy(goods, settings)
    score = {name: value for name, value, _ in goods}
    for ahead, name in enumerate(found):
        assert all(score[name] * floor <= score[other] * 1.000001 for other in found[:ahead])
