"""The judge: whole tables, with intervals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame

from builders import Shop
from evaluation.conftest import lists_of
from sidecart.contracts import state
from sidecart.evaluation.category_logic import category_relations
from sidecart.evaluation.intervals import poisson_weights
from sidecart.evaluation.judge import HeldOut, evidence, judge
from sidecart.evaluation.listed import listed

MEASURED = ("table_name", "page", "targets", "bucket", "metric")


@pytest.fixture
def held_out(shop: Shop, facts: DataFrame) -> HeldOut:
    baskets = shop.baskets(b1="ann: tea milk", b2="bob: tea milk", b3="cid: cake coffee")
    live = facts.select("variant_id")
    return HeldOut(baskets, baskets, facts, live, shop.frame(state.REGION_SUPPORT), support_unit="buyers")


def _judged(lists: DataFrame, held_out: HeldOut) -> dict[tuple[str, ...], tuple[Any, ...]]:
    rows = judge(listed(lists, held_out.facts), evidence(held_out), "root").collect()
    return {tuple(r[k] for k in MEASURED): (r["value"], r["low"], r["high"], r["n"]) for r in rows}


def test_an_anchor_without_a_list_counts_as_a_page_that_helped_nobody(shop: Shop, held_out: HeldOut) -> None:
    """Two of six pages show what was bought: tea's, in two baskets."""
    found = _judged(lists_of(shop, mine={"tea": "milk"}), held_out)
    value, low, high, pages = found["mine", "item", "all", "all", "hit_rate"]
    assert pages == 6
    assert value == pytest.approx(1 / 3)
    assert low < value < high


def test_a_table_that_never_helps_is_judged_too(shop: Shop, held_out: HeldOut) -> None:
    found = _judged(lists_of(shop, bad={"tea": "scone"}), held_out)
    assert found["bad", "item", "other_category", "all", "ndcg"] == (0, 0, 0, 6)


def test_tables_judged_together_get_the_figures_they_get_alone(shop: Shop, held_out: HeldOut) -> None:
    one, other = {"tea": "milk cake", "milk": "tea"}, {"tea": "scone", "cake": "coffee", "coffee": "cake"}
    both = _judged(lists_of(shop, one=one, other=other), held_out)
    assert both == _judged(lists_of(shop, one=one), held_out) | _judged(lists_of(shop, other=other), held_out)


def test_a_table_beside_the_lists_from_above_says_how_many_times_as_good_it_is(shop: Shop, held_out: HeldOut) -> None:
    """Tea's list helps two buyers wherever it is shown; from above it shows milk second, worth .63093."""
    lists = {"mine": {"tea": "milk"}, "mine, from above": {"tea": "scone milk"}, "alone": {"tea": "milk"}}
    found = _judged(lists_of(shop, **lists), held_out)
    ratios = {key[0]: told for key, told in found.items() if key[1:] == ("item", "all", "all", "ndcg_over_above")}
    assert ratios == {"mine": pytest.approx((1 / 0.63093, 1 / 0.63093, 1 / 0.63093, 6), abs=1e-5)}
    assert found["mine", "item", "all", "region 0", "ndcg_over_above"] == ratios["mine"]


def test_without_a_hit_from_above_there_is_no_ratio(shop: Shop, held_out: HeldOut) -> None:
    found = _judged(lists_of(shop, **{"mine": {"tea": "milk"}, "mine, from above": {"tea": "scone"}}), held_out)
    assert found["mine", "item", "all", "all", "ndcg_over_above"] == (None, None, None, 6)


def test_neither_the_order_of_rows_nor_partitions_change_a_figure(shop: Shop, held_out: HeldOut) -> None:
    lists = lists_of(shop, mine={"tea": "milk cake", "milk": "tea", "cake": "coffee milk"})
    moved = replace(held_out, baskets=held_out.baskets.repartition(7))
    assert _judged(lists.orderBy("candidate_id").repartition(5), moved) == _judged(lists, held_out)


def test_a_buyers_weight_is_one_on_average_and_the_same_every_time() -> None:
    seeds = np.arange(-2000, 2000, dtype=np.int64)
    weights = poisson_weights(seeds)
    assert weights.shape == (4000, 200)
    assert weights.mean() == pytest.approx(1, abs=0.01)
    assert weights.var() == pytest.approx(1, abs=0.02)
    assert (poisson_weights(seeds[::-1])[::-1] == weights).all()


def test_categories_that_meet_more_than_baskets_of_their_size_expect_are_logical(shop: Shop, facts: DataFrame) -> None:
    """Forty baskets of two: twenty of drinks and dairy; drinks and bakery expect 20 x 20 / 40 x 1/2 = 5, none met."""
    baskets = shop.baskets(**{f"a{n}": "tea milk" for n in range(20)}, **{f"b{n}": "cake mug" for n in range(20)})
    found = {(r["category_a"], r["category_b"]): r["relation"] for r in category_relations(baskets, facts).collect()}
    assert found == {
        ("drinks", "dairy"): "logic",
        ("dairy", "drinks"): "logic",
        ("drinks", "bakery"): "illogic",
        ("bakery", "drinks"): "illogic",
        ("dairy", "bakery"): "illogic",
        ("bakery", "dairy"): "illogic",
    }
