"""Views: what an analyst asks of a released shop, with what every column means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from builders import NOON, Shop, told
from sidecart.baskets import counted
from sidecart.contracts import gold, runs, silver, state, views
from sidecart.contracts.frames import TABLES
from sidecart.errors import StorageError
from sidecart.extremes import buyer_activity, excluded_baskets
from sidecart.settings import BasketSettings
from sidecart.settings_files import settings_from
from sidecart.storage.releases import ReleaseReader
from sidecart.storage.run import Run
from sidecart.storage.views import register_views, shortlists_resolved
from sidecart.storage.warehouse import Warehouse

pytestmark = pytest.mark.slow

_EVIDENCE = {
    "source": "orders",
    "evidence_class": "strong",
    "tier": 0,
    "support_unit": "buyers",
    "pair_buyers": 3,
    "pair_baskets": 3,
    "anchor_support": 4,
    "candidate_support": 5,
    "confidence": 0.75,
    "category_lift": 2.0,
    "region_weight": 0.0,
}


def _frames(shop: Shop) -> dict[Any, DataFrame]:
    """A shop of two cities: a page of milk with two candidates, one buyer left out, bread sold out in Oslo."""
    baskets = shop.baskets(b1="ann@oslo: milk bread", b2="bob@rome: milk jam", b3="eve: a b c d e f")
    settings = BasketSettings(extreme_buyer_share=0.4)
    activity = buyer_activity(baskets, settings)
    lists = [("milk", 1, "bread"), ("milk", 2, "jam"), ("bread", 1, "milk")]
    regions = shop.regions("root > oslo", "root > rome")
    supports = [("milk", 2, 2), ("bread", 1, 1), ("jam", 1, 1)]
    return {
        silver.REGIONS: regions,
        silver.CATALOG: shop.catalog(milk="", bread="", jam=""),
        silver.CATEGORIES: shop.categories(),
        silver.OFFERS: shop.offers(root="milk bread jam", oslo="milk -bread jam", rome="milk jam"),
        silver.RULES: shop.rules(),
        state.VARIANT_IDS: shop.variant_ids(),
        state.BASKETS: excluded_baskets(baskets, activity, settings),
        state.BUYER_ACTIVITY: activity,
        state.REGION_SUPPORT: shop.frame(state.REGION_SUPPORT, {"region_id": "root", "buyers": 2, "baskets": 2}),
        state.VARIANT_SUPPORT: shop.frame(
            state.VARIANT_SUPPORT,
            *({"variant": shop.number(v), "buyers": n, "baskets": b} for v, n, b in supports),
        ),
        state.PAIR_SUPPORT: shop.frame(
            state.PAIR_SUPPORT,
            {"anchor": 1, "anchor_buyers": 2, "anchor_baskets": 2, "met": [(1, 1, [2])]},
        ),
        gold.SHORTLISTS: shop.frame(
            gold.SHORTLISTS,
            *(_EVIDENCE | {"anchor_id": a, "rank": r, "candidate_id": c, "candidate_group_id": c} for a, r, c in lists),
        ),
        gold.NEAR_MISSES: shop.frame(
            gold.NEAR_MISSES, {"anchor_id": "milk", "place": 1, "candidate_id": "soap", "refused_by": "compatibility"}
        ),
        gold.BASE_LISTS: shop.frame(
            gold.BASE_LISTS, {"anchor_id": "milk", "candidates": 2}, {"anchor_id": "bread", "candidates": 1}
        ),
        gold.LIST_REGIONS: shop.frame(
            gold.LIST_REGIONS,
            {"list_depth": 9, "lists": 3, "stored_lists": 2},
            *({"region_id": r, "list_depth": 5, "stored_lists": 0} for r in ("oslo", "rome")),
        ),
    }


@pytest.fixture(scope="module")
def reader(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> ReleaseReader:
    """A released shop."""
    tables = Warehouse(spark, str(tmp_path_factory.mktemp("shop")))
    run = Run.start(tables, settings_from({}), NOON, "run-1")
    frames = _frames(Shop(spark))
    assert counted(frames[state.BASKETS]).count() == 2
    for contract, frame in frames.items():
        run.write(contract, frame.coalesce(1))
    run.publish()
    return ReleaseReader(tables)


@pytest.fixture(scope="module")
def analyst(spark: SparkSession, reader: ReleaseReader) -> SparkSession:
    """A session on the released shop."""
    register_views(reader)
    return spark


def _told(analyst: SparkSession, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in analyst.sql(query).collect()]


def test_the_final_lists_of_every_region_are_one_query_away(analyst: SparkSession) -> None:
    query = (
        "SELECT region_id, anchor_id, rank, candidate_id, list_region_id FROM shortlists_resolved"
        " WHERE anchor_id = 'milk' OR region_id = 'oslo' ORDER BY ALL"
    )
    assert _told(analyst, query) == [
        ("oslo", "bread", 1, "milk", "root"),
        ("oslo", "milk", 1, "jam", "root"),
        ("rome", "milk", 1, "jam", "root"),
        ("root", "milk", 1, "bread", "root"),
        ("root", "milk", 2, "jam", "root"),
    ]


def test_the_lists_of_some_pages_are_put_together_alone(reader: ReleaseReader, spark: SparkSession) -> None:
    pages = spark.createDataFrame(
        [("oslo", "milk"), ("root", "bread"), ("rome", "bread")], "region_id string, anchor_id string"
    )
    found = shortlists_resolved(reader, pages=pages)
    assert told(found, "region_id", "anchor_id", "rank", "candidate_id") == [
        ("oslo", "milk", 1, "jam"),
        ("root", "bread", 1, "milk"),
    ]


def test_why_says_the_evidence_in_words(analyst: SparkSession) -> None:
    query = "SELECT anchor, candidate, because FROM why WHERE region_id = 'root' AND anchor_id = 'milk' AND rank = 1"
    because = "3 of its 4 buyers had both (75.0 %), the candidate has 5; category lift 2.00, asks 1; whole shop"
    assert _told(analyst, query) == [("milk", "bread", because)]


def test_what_is_not_shown_says_why_not(analyst: SparkSession) -> None:
    query = "SELECT region_id, anchor_id, candidate_id, refused_by FROM refusals ORDER BY ALL"
    assert _told(analyst, query) == [
        ("oslo", "milk", "bread", "sold_out"),
        ("rome", "milk", "bread", "sold_out"),
        ("root", "milk", "soap", "compatibility"),
    ]


def test_a_placement_shows_what_has_the_evidence_it_asks(analyst: SparkSession) -> None:
    query = "SELECT placement, count(*) FROM placed_lists WHERE region_id = 'root' GROUP BY ALL ORDER BY 1"
    assert _told(analyst, query) == [("basket", 3), ("product_page", 3)]


def test_pairs_bear_the_shops_own_ids(analyst: SparkSession) -> None:
    query = "SELECT anchor_id, candidate_id, anchor_buyers, pair_buyers, pair_baskets FROM pairs"
    assert _told(analyst, query) == [("milk", "bread", 2, 1, 1)]


def test_bananas_show_how_often_each_variant_is_shown(analyst: SparkSession) -> None:
    query = "SELECT variant_id, support_place, lists, share_of_lists FROM bananas ORDER BY variant_id"
    assert _told(analyst, query) == [("bread", 2, 1, 0.5), ("jam", 2, 1, 0.5), ("milk", 1, 1, 0.5)]


def test_coverage_counts_the_anchors_of_each_region(analyst: SparkSession) -> None:
    query = (
        "SELECT region_id, list_depth, stored_lists, anchors, with_list, with_full_list"
        " FROM coverage_by_region ORDER BY 1"
    )
    assert _told(analyst, query) == [("oslo", 5, 0, 3, 2, 0), ("rome", 5, 0, 2, 1, 0), ("root", 9, 2, 3, 2, 0)]


def test_extremes_name_who_was_left_out_and_how_much_that_was(analyst: SparkSession) -> None:
    query = "SELECT buyer_key, reason_code, pair_events, threshold, round(share_of_pair_events, 3) FROM extremes"
    assert _told(analyst, query) == [("eve", "EXTREME_USER", 15, 1, 0.882)]


def test_every_column_of_every_table_and_view_has_its_comment(analyst: SparkSession) -> None:
    told = {
        row["table_name"]: row["columns"]
        for row in analyst.sql(
            "SELECT table_name, map_from_entries(collect_list((column_name, comment))) AS columns"
            " FROM dictionary GROUP BY table_name"
        ).collect()
    }
    assert set(told) == {contract.name for contract in (*TABLES.values(), *views.VIEWS)}
    for contract in (gold.SHORTLISTS, state.BUYER_ACTIVITY, runs.RELEASES, *views.VIEWS):
        described = {row["col_name"]: row["comment"] for row in analyst.sql(f"DESCRIBE {contract.name}").collect()}
        assert described == told[contract.name]


def test_before_the_first_release_an_analyst_is_told_what_to_do(spark: SparkSession, warehouse: Path) -> None:
    with pytest.raises(StorageError, match=r"nothing was released yet; run `sidecart run` \(or `make demo`\) first"):
        register_views(ReleaseReader(Warehouse(spark, str(warehouse))))
