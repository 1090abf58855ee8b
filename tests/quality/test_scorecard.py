"""The scorecard: seven properties of a shop of three pages, in numbers that one adds up in the head."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pyspark.sql import DataFrame

from builders import NOON, Frames, Shop
from sidecart.contracts import gold, silver, state, views
from sidecart.quality import scorecard
from sidecart.quality.audits.audited import Audited, audited_lists
from sidecart.quality.scorecard import Previous
from sidecart.settings_files import settings_from

SETTINGS = settings_from({"regions": {"min_region_baskets": 10}})
FACTS = {
    "milk": {"buyers": 200, "baskets": 200, "category_id": "dairy"},
    "curd": {"buyers": 20, "baskets": 20, "category_id": "dairy"},
    "bread": {"buyers": 0, "baskets": 0, "category_id": "bakery"},
}


def _row(page: str, rank: int, candidate: str, source: str = "orders") -> dict[str, object]:
    region, _, anchor = page.rpartition(":")
    return {
        "region_id": region or "root", "anchor_id": anchor, "rank": rank, "candidate_id": candidate,
        "candidate_group_id": candidate, "source": source, "tier": 0 if source == "orders" else 7, "price": 2,
    }  # fmt: skip


# Milk shows ten goods, of which only bread is known; curd shows bread; bread, new, has no list.
LISTS = [_row("milk", 1, "bread"), _row("curd", 1, "bread", "popularity"), _row("oslo:milk", 1, "bread")]


def _audited(shop: Shop) -> Audited:
    facts = shop.facts(**FACTS)
    tables = {
        silver.OFFERS: shop.offers(root="milk curd bread=2", oslo="milk -bread=2"),
        state.VARIANT_FACTS: facts,
        state.REGION_SUPPORT: shop.frame(state.REGION_SUPPORT, {"region_id": "oslo", "baskets": 9, "buyers": 9}),
        state.BASKETS: shop.baskets(b1="milk bread", b2="milk curd", b3="curd"),
        gold.CATEGORY_COMPATIBILITY: shop.frame(
            gold.CATEGORY_COMPATIBILITY,
            *(
                {"level": 2, "category_a": a, "category_b": b, "joint_baskets": 17, "expected_baskets": 9.0}
                for a, b in (("dairy", "bakery"), ("bakery", "dairy"))
            ),
        ),
    }
    final = shop.frame(views.SHORTLISTS_RESOLVED, *LISTS)
    return Audited(Frames(tables), audited_lists(final, facts, SETTINGS), ("oslo",), None, SETTINGS)


def _told(rows: DataFrame) -> dict[tuple[str, str], tuple[float | None, int]]:
    return {(row["measure"], row["slice"]): (row["value"], row["n"]) for row in rows.collect()}


def test_coverage_tells_new_products_apart(shop: Shop) -> None:
    full = _told(scorecard.coverage(_audited(shop)))
    assert full == {("full_lists", "100-999"): (0.0, 1), ("full_lists", "10-99"): (0.0, 1), ("full_lists", "0"): (0, 1)}


def test_specificity_counts_lists_and_slots_that_the_anchors_own_orders_brought(shop: Shop) -> None:
    assert _told(scorecard.specificity(_audited(shop))) == {
        ("lists_with_own_evidence", "all"): (0.5, 2),
        ("slots_by_own_evidence", "all"): (0.5, 2),
    }


def test_freshness_is_days_since_the_newest_order_and_what_can_be_bought_as_shown(shop: Shop) -> None:
    told = _told(scorecard.freshness(_audited(shop), NOON + timedelta(days=2)))
    # Bread is sold out in Oslo.
    assert told == {
        ("newest_order_age_days", "all"): (2.0, 3),
        ("available_at_current_price", "all"): (pytest.approx(2 / 3), 3),
    }


def test_regions_are_told_by_their_size(shop: Shop) -> None:
    """Oslo shows bread, which is sold out."""
    assert _told(scorecard.regions(_audited(shop))) == {
        ("full_lists", "region 1-99"): (0.0, 1),
        ("dead_slots", "region 1-99"): (1.0, 1),
    }


def test_figures_of_the_whole_table_are_those_of_the_evaluation(shop: Shop) -> None:
    told = _told(scorecard.figures(_audited(shop)))
    # Both slots show bread beside dairy, which they met 17 times where 9 were expected: logic. One of three is shown.
    assert told["logic", "all"] == (1.0, 2)
    assert told["illogic", "all"] == (0.0, 2)
    assert told["reach", "all"][0] == pytest.approx(1 / 3)
    assert told["overlap_in_category", "all"] == (0.1, 10)


def test_the_lists_of_the_release_before_are_judged_by_the_baskets_since(shop: Shop) -> None:
    audited = _audited(shop)
    before = shop.frame(views.SHORTLISTS_RESOLVED, *LISTS[:2])
    told = _told(scorecard.effectiveness(audited, Previous(before, NOON - timedelta(days=1))))
    # Four pages: milk beside bread and beside curd, and the other way round; the first alone is a hit, at rank 1.
    assert told["hit_rate", "all"] == (0.25, 4)
    assert told["ndcg", "all"] == (0.25, 4)
    assert told["hit_rate", "other_category"] == (0.5, 2)
    late = _told(scorecard.effectiveness(audited, Previous(before, NOON)))
    assert late["hit_rate", "all"] == (None, 0)
    assert _told(scorecard.effectiveness(audited, None))["ndcg", "all"] == (None, 0)
