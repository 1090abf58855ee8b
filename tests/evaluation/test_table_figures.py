"""Table figures, worked out by hand on four live goods."""

from __future__ import annotations

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from builders import Shop
from evaluation.conftest import lists_of
from sidecart.contracts import state
from sidecart.evaluation.item_page import with_region_size
from sidecart.evaluation.listed import listed
from sidecart.evaluation.table_figures import assortment, met_figures, met_pages, table_figures


def _figures(
    shop: Shop, facts: DataFrame, live: str, lists: dict[str, str], *relations: tuple[str, str, str]
) -> dict[str, float]:
    sold = shop.spark.createDataFrame([(word,) for word in live.split()], "variant_id STRING")
    related = shop.spark.createDataFrame(list(relations), "category_a STRING, category_b STRING, relation STRING")
    shelf = assortment(facts, sold, facts.selectExpr("variant", "baskets AS met"), "buyers")
    found = table_figures(listed(lists_of(shop, mine=lists), facts), shelf, related)
    return {row["metric"]: row["value"] for row in found.collect()}


def test_reach_is_the_share_of_the_assortment_that_some_list_shows(shop: Shop, facts: DataFrame) -> None:
    found = _figures(shop, facts, "tea milk cake scone", {"tea": "milk cake", "milk": "cake"})
    assert found["reach"] == 0.5


def test_gini_is_zero_when_all_are_shown_alike_and_three_quarters_when_one_of_four_is(
    shop: Shop, facts: DataFrame
) -> None:
    alike = {"tea": "milk cake", "milk": "tea cake", "cake": "tea scone", "scone": "milk scone"}
    assert _figures(shop, facts, "tea milk cake scone", alike)["gini"] == pytest.approx(0)
    assert _figures(shop, facts, "tea milk cake scone", {"tea": "milk", "cake": "milk"})["gini"] == pytest.approx(0.75)


def test_gini_of_one_three_and_two_never_shown(shop: Shop, facts: DataFrame) -> None:
    """0, 0, 1, 3: 2(3*1 + 4*3) / (4*4) - 5/4 = .625."""
    found = _figures(shop, facts, "tea milk cake scone", {"tea": "milk", "cake": "milk", "scone": "milk cake"})
    assert found["gini"] == pytest.approx(0.625)


def test_a_slot_with_what_is_no_longer_sold_is_dead(shop: Shop, facts: DataFrame) -> None:
    found = _figures(shop, facts, "tea milk", {"tea": "milk cake scone", "milk": "tea"})
    assert (found["dead_slots"], found["reach"]) == (0.5, 1)


def test_pages_of_what_is_no_longer_sold_are_not_looked_at(shop: Shop, facts: DataFrame) -> None:
    assert _figures(shop, facts, "tea milk", {"tea": "milk", "cake": "scone"})["dead_slots"] == 0


def test_a_list_is_full_from_ten_candidates(shop: Shop, facts: DataFrame) -> None:
    ten = " ".join(f"tart{number}" for number in range(10))
    more = facts.unionByName(shop.facts(**{word: {} for word in ten.split()}))
    assert _figures(shop, more, "tea milk", {"tea": ten, "milk": "tea"})["full_lists"] == 0.5


def test_a_list_weighs_as_often_as_its_page_is_met_in_the_share_of_bestsellers(shop: Shop) -> None:
    """Twenty goods outsell the plain ones; tea's 30 baskets show one, cake's 10 none."""
    best = {f"best{n}": {"buyers": 900, "baskets": 900} for n in range(20)}
    facts = shop.facts(tea={"buyers": 5, "baskets": 30}, cake={"buyers": 4, "baskets": 10}, scone={}, **best)
    found = _figures(shop, facts, "tea cake scone", {"tea": "scone best3", "cake": "scone"})
    assert found["bestseller_share"] == 0.75


def test_the_twenty_most_shown_take_all_slots_of_a_small_table(shop: Shop, facts: DataFrame) -> None:
    assert _figures(shop, facts, "tea milk", {"tea": "milk"})["top20_slots"] == 1


def test_a_slot_weighs_as_often_as_its_page_is_met_in_the_share_of_the_most_shown(shop: Shop) -> None:
    """Twenty goods fill tea's lists of 30 baskets; what cake's 10 baskets meet is the twenty-first."""
    shown = [f"good{n:02}" for n in range(20)]
    pages = {f"tea{half}": {"baskets": 30} for half in "ab"} | {"cake": {"baskets": 10}}
    facts = shop.facts(**pages, last={}, **{word: {} for word in shown})
    lists = {"teaa": " ".join(shown[:10]), "teab": " ".join(shown[10:]), "cake": "last"}
    assert _figures(shop, facts, "teaa teab cake", lists)["top20_slots"] == pytest.approx(600 / 610)


def test_logic_and_illogic_are_shares_of_slots(shop: Shop, facts: DataFrame) -> None:
    relations = [("drinks", "dairy", "logic"), ("drinks", "bakery", "illogic")]
    found = _figures(shop, facts, "tea milk cake", {"tea": "milk cake coffee mug"}, *relations)
    assert (found["logic"], found["illogic"]) == (0.25, 0.25)


def test_two_pages_of_one_category_that_share_one_of_ten_overlap_by_a_tenth(shop: Shop, facts: DataFrame) -> None:
    found = _figures(shop, facts, "tea coffee milk", {"tea": "milk cake", "coffee": "milk scone"})
    assert found["overlap_in_category"] == 0.1


def test_a_page_is_met_with_the_list_of_the_region_where_it_was_bought(shop: Shop) -> None:
    """Oslo's list of tea shows a best seller and is met once, Rome's does not and is met three times; milk has none."""
    best = {f"best{n}": {"buyers": 900} for n in range(20)}
    facts = shop.facts(tea={"buyers": 5}, milk={"buyers": 4}, scone={}, **best)
    lists = lists_of(shop, mine={"tea": "best1 scone"}).withColumn("region_id", F.lit("oslo"))
    of_rome = lists_of(shop, mine={"tea": "scone"}).withColumn("region_id", F.lit("rome"))
    baskets = shop.baskets(b1="ann@oslo: tea milk", b2="bob@rome: tea", b3="bob@rome: tea", b4="cid@rome: tea")
    shelf = assortment(facts, facts.select("variant_id"), facts.selectExpr("variant", "baskets AS met"), "buyers")
    support = shop.frame(state.REGION_SUPPORT, {"region_id": "rome", "baskets": 100})
    met = met_pages(with_region_size(baskets, support))
    found = met_figures(listed(lists.unionByName(of_rome), facts), met, shelf)
    assert {(row["bucket"], row["metric"]): (row["value"], row["n"]) for row in found.collect()} == {
        ("all", "bestseller_share"): (0.25, 4),
        ("all", "full_lists"): (0, 5),
        ("region 0", "bestseller_share"): (1, 1),
        ("region 0", "full_lists"): (0, 2),
        ("region 100-499", "bestseller_share"): (0, 3),
        ("region 100-499", "full_lists"): (0, 3),
    }
