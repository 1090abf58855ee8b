"""Baselines: the open measures by hand, and lists cut from them."""

from __future__ import annotations

import math

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from builders import Shop, told
from evaluation.conftest import lists_of
from sidecart.contracts import gold, state
from sidecart.evaluation import association
from sidecart.evaluation.association import Counts, Formula
from sidecart.evaluation.baselines import baseline_lists, filled, met_pairs, shuffled
from sidecart.evaluation.listed import listed
from sidecart.settings import Settings
from sidecart.settings_files import settings_from

PLAIN = settings_from({"lists": {"own_category_level": "none"}})
NO_OWN = settings_from({"lists": {"own_category_level": 1}})


def _value(shop: Shop, formula: Formula, c: int, n_i: int, n_j: int, n: int, lift: float = 1.0) -> float | None:
    """Of 400 pairs 40 are of the anchor and 20 of the candidate: 2 would meet by chance."""
    schema = "c INT, i INT, j INT, n BIGINT, s INT, t INT, p BIGINT, l DOUBLE"
    frame = shop.spark.createDataFrame([(c, n_i, n_j, n, 40, 20, 400, lift)], schema)
    (row,) = frame.select(formula(Counts(*(F.col(name) for name in "cijnstpl"))).alias("value")).collect()
    return None if row["value"] is None else float(row["value"])


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (association.raw_count, 8),
        (association.confidence, 8 / 10),
        (association.jaccard, 8 / 42),
        (association.cosine, 0.4),
        (association.lift, 2.0),
        (association.npmi, math.log(2) / math.log(100 / 8)),
        (association.poisson_llr, 8 * math.log(2) - 4),
        (association.poisson_llr_of_pairs, 8 * math.log(4) - 6),
        (association.times_lift(association.raw_count), 16),
        (association.damped_count(0.5, prior=9), 8 / 7),
        (association.damped_count(0.5, prior=9, lift_exponent=0.5), 16 / 7),
    ],
)
def test_eight_of_ten_and_forty_of_a_hundred(shop: Shop, formula: Formula, expected: float) -> None:
    """Four would meet by chance; the categories' lift is 4."""
    assert _value(shop, formula, 8, 10, 40, 100, lift=4.0) == pytest.approx(expected)


def test_the_log_likelihood_ratio_sums_all_four_cells(shop: Shop) -> None:
    """2 sum k ln(k / expected): 8 of 4, 2 of 6, 32 of 36, 58 of 54."""
    cells = [(8, 4), (2, 6), (32, 36), (58, 54)]
    expected = 2 * sum(k * math.log(k / e) for k, e in cells)
    assert _value(shop, association.llr, 8, 10, 40, 100) == pytest.approx(expected)


@pytest.mark.parametrize("formula", [association.llr, association.poisson_llr])
def test_a_pair_that_meets_less_than_by_chance_is_not_listed(shop: Shop, formula: Formula) -> None:
    assert _value(shop, formula, 3, 10, 40, 100) is None


def test_an_empty_cell_of_the_table_adds_nothing(shop: Shop) -> None:
    assert _value(shop, association.llr, 10, 10, 10, 20) == pytest.approx(2 * 20 * math.log(2))


@pytest.fixture
def pair_support(shop: Shop, facts: DataFrame) -> DataFrame:
    """Tea met milk 5 times, coffee 4, cake 2, scone 2; its baskets count, not its buyers."""
    assert facts.columns
    met = {"milk": 5, "coffee": 4, "cake": 2, "scone": 2}
    of_tea = {
        "anchor": shop.number("tea"),
        "met": [(1, baskets, [shop.number(word)]) for word, baskets in met.items()],
    }
    back = ({"anchor": shop.number(word), "met": [(1, n, [shop.number("tea")])]} for word, n in met.items())
    return shop.frame(state.PAIR_SUPPORT, of_tea, *back)


def _met(
    shop: Shop, pair_support: DataFrame, facts: DataFrame, live: DataFrame | None, settings: Settings
) -> DataFrame:
    """The pairs of the page of tea."""
    total = shop.spark.createDataFrame([(2000,)], "all_baskets BIGINT")
    met = met_pairs(pair_support, facts, shop.frame(gold.CATEGORY_COMPATIBILITY), total, live, settings)
    return met.where(F.col("anchor") == shop.number("tea"))


def _listed(met: DataFrame, facts: DataFrame, **formulae: Formula) -> dict[str, list[str]]:
    found = told(baseline_lists(met, facts, formulae), "table_name", "rank", "candidate_id")
    return {name: [word for table, _, word in found if table == name] for name in formulae}


def test_each_measure_has_its_own_order_and_equals_go_by_id(
    shop: Shop, facts: DataFrame, pair_support: DataFrame
) -> None:
    met = _met(shop, pair_support, facts, None, PLAIN)
    found = _listed(met, facts, count=association.raw_count, lift=association.damped_count(1.0, prior=1))
    assert found == {"count": ["milk", "coffee", "cake", "scone"], "lift": ["scone", "cake", "milk", "coffee"]}


def test_only_what_is_sold_is_listed(shop: Shop, facts: DataFrame, pair_support: DataFrame) -> None:
    live = shop.spark.createDataFrame([("milk",), ("scone",)], "variant_id STRING")
    met = _met(shop, pair_support, facts, live, PLAIN)
    assert _listed(met, facts, count=association.raw_count) == {"count": ["milk", "scone"]}


def test_the_anchors_own_category_is_out_where_the_shop_says_so(shop: Shop, pair_support: DataFrame) -> None:
    own = {"tea": "drinks", "coffee": "drinks", "milk": "dairy", "cake": "bakery", "scone": "bakery"}
    facts = shop.facts(**{word: {"own_category": category, "buyers": 9} for word, category in own.items()})
    met = _met(shop, pair_support, facts, None, NO_OWN)
    assert _listed(met, facts, count=association.raw_count) == {"count": ["milk", "cake", "scone"]}


def test_a_shuffled_table_shows_the_same_lists_on_other_pages(shop: Shop) -> None:
    goods = {f"{kind}{n}": {"buyers": 1} for kind in ("good", "page") for n in range(20)}
    lists = listed(lists_of(shop, mine={f"page{n}": f"good{n}" for n in range(20)}), shop.facts(**goods))
    moved = shuffled(lists)
    assert told(moved, "candidate") == told(lists, "candidate")
    assert told(moved, "anchor") == told(lists, "anchor")
    assert told(moved, "anchor", "candidate") != told(lists, "anchor", "candidate")


def test_a_fill_closes_a_short_list_and_repeats_nothing(shop: Shop) -> None:
    lists, fill = lists_of(shop, mine={"tea": "milk"}), lists_of(shop, mine={"tea": "cake milk scone", "mug": "tea"})
    assert told(filled(lists, fill, depth=2), "anchor_id", "rank", "candidate_id") == [
        ("mug", 1, "tea"),
        ("tea", 1, "milk"),
        ("tea", 2, "cake"),
    ]
