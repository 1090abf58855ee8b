"""Shortlists equal their plain definition row for row, and SQL recomputes every score."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import duckdb
import pytest
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from builders import Shop, configured, told
from list_definition import Definition
from operator_rows import joined_rows
from random_shop import CITIES, DEEP_TREE, TREE, CountedShop, counted_shop
from sidecart import base_lists
from sidecart.contracts import gold
from sidecart.contracts.frames import rows
from sidecart.list_places import Places, Range
from sidecart.resolution import held_lists, list_owners
from sidecart.scoring import ScoringParameters
from sidecart.settings import ListSettings
from sidecart.settings_files import settings_from
from sidecart.shortlists import (
    ListInputs,
    listed_candidates,
    near_misses,
    pairs_at_root,
    sellers_of,
    shelf_support,
    shortlists,
    stored_lists,
)

pytestmark = pytest.mark.slow

SETTINGS = settings_from(
    {
        "regions": {"min_region_baskets": 280, "min_anchor_support": 40, "prior_support": 60.0},
        "lists": {"live_candidates": 4, "live_chance": 0.9, "region_depth": 6, "root_depth": 9, "own_category_level": 2}
        | {"near_miss_support": 1},
        "compatibility": {"prior_baskets": 2.0},
        "scoring": {"popularity_prior": 3.0, "popularity_exponent": 0.5, "lift_exponent": 0.5},
        "cold_start": {"sharpness": 0.8, "small_range": 25},
        "variants": {"group_prior": 0.0},
    }
)
ROW = (
    "region_id", "anchor_id", "rank", "candidate_id", "source", "score_key", "region_pair_support",
    "region_anchor_support",
)  # fmt: skip

# A path's regions mix their own counts in, from the root down; depth 0 is the whole shop's confidence.
_SCORES = """
WITH RECURSIVE list_regions AS (
    SELECT region_id FROM region_support WHERE baskets >= 280
), flat AS (
    SELECT region_id, anchor, unnest(alike.candidates) AS candidate, alike.pair_buyers AS buyers FROM (
        SELECT region_id, anchor, unnest(met) AS alike FROM pair_support
    )
), mixed AS (
    SELECT l.region_id, l.anchor_id, l.rank, a.variant AS anchor, c.variant AS candidate, 0 AS depth, r.path,
           f.buyers / n.buyers AS confidence
    FROM shortlists l JOIN regions r ON r.region_id = l.region_id AND l.source = 'orders'
    JOIN variant_ids a ON a.variant_id = l.anchor_id JOIN variant_ids c ON c.variant_id = l.candidate_id
    JOIN flat f ON f.region_id = 'root' AND f.anchor = a.variant AND f.candidate = c.variant
    JOIN variant_support n ON n.region_id = 'root' AND n.variant = a.variant
    UNION ALL
    SELECT m.region_id, anchor_id, rank, m.anchor, m.candidate, depth + 1, path,
           CASE WHEN n.buyers >= 40 AND o.region_id IS NOT NULL
                THEN (coalesce(f.buyers, 0) + 60 * confidence) / (n.buyers + 60) ELSE confidence END
    FROM mixed m
    LEFT JOIN list_regions o ON o.region_id = path[depth + 2]
    LEFT JOIN variant_support n ON n.region_id = path[depth + 2] AND n.variant = m.anchor
    LEFT JOIN flat f ON f.region_id = path[depth + 2] AND f.anchor = m.anchor AND f.candidate = m.candidate
    WHERE depth + 1 < len(path)
)
SELECT l.region_id, l.anchor_id, l.rank, l.score_key,
       round(1e6 * (ln(m.confidence) - 0.5 * ln(n.buyers + 3) + 0.5 * ln(coalesce(k.lift, 1))))::BIGINT AS recomputed
FROM mixed m JOIN shortlists l USING (region_id, anchor_id, rank)
JOIN variant_support n ON n.region_id = 'root' AND n.variant = m.candidate
JOIN variant_facts a ON a.variant = m.anchor JOIN variant_facts c ON c.variant = m.candidate
LEFT JOIN category_compatibility k ON k.level = 2 AND k.category_a = a.category_id AND k.category_b = c.category_id
WHERE depth + 1 = len(path)
"""


@pytest.fixture(scope="module")
def counted(spark: SparkSession) -> CountedShop:
    return counted_shop(Shop(spark), SETTINGS, orders=1_500, seed=11)


@pytest.fixture(scope="module")
def lists(spark: SparkSession, counted: CountedShop) -> list[dict[str, Any]]:
    return _in_order(_shortlists(spark, counted.inputs))


def _shortlists(spark: SparkSession, inputs: ListInputs) -> DataFrame:
    nothing_damped = rows(spark, gold.EXPOSURE_FACTORS, [])
    parameters = ScoringParameters(0.5, 500, nothing_damped)
    places = _places(spark, inputs)
    where = Range(places, sellers_of(inputs, places), inputs.variant_facts.count())
    listed = listed_candidates(inputs, pairs_at_root(inputs, where.sold(), SETTINGS), where, parameters, SETTINGS)
    return shortlists(inputs, _settled(listed), shelf_support(inputs, where.sold()), where, parameters, SETTINGS)


def _settled(frame: DataFrame) -> DataFrame:
    return frame.sparkSession.createDataFrame(frame.toArrow(), frame.schema)


def _places(spark: SparkSession, inputs: ListInputs) -> Places:
    return Shop(spark).places(inputs.regions, inputs.offers, SETTINGS.lists)


def _definition(spark: SparkSession, counted: CountedShop) -> Definition:
    depths = {place.region_id: place.depth for place in _places(spark, counted.inputs).regions}
    return Definition(counted.rows(), SETTINGS, depths)


def _in_order(frame: DataFrame) -> list[dict[str, Any]]:
    found = frame.select(sorted(frame.columns)).toArrow().to_pylist()
    return sorted(found, key=lambda row: [row["region_id"], row["anchor_id"], row["rank"]])


def test_lists_are_what_their_definition_says(
    spark: SparkSession, counted: CountedShop, lists: list[dict[str, Any]]
) -> None:
    found = [tuple(row[name] for name in ROW) for row in lists]
    expected = _definition(spark, counted).rows()
    assert {row[0] for row in expected} == {"root", "north", "south", "oslo", "bergen"}, "Rome is all of the south"
    assert {row[4] for row in expected} == {"orders", "views", "popularity", "brand"}
    assert sum(row[-1] > 0 for row in expected) > 100
    assert found == expected


def test_lists_do_not_depend_on_how_anchors_are_dealt_to_sheets(
    spark: SparkSession, counted: CountedShop, lists: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Categories in several parts, on so many sheets that some have no anchor."""
    monkeypatch.setattr(base_lists, "_ANCHORS_OF_PART", 3)
    monkeypatch.setattr(base_lists, "_sheets", lambda variants: variants // 2)
    assert _in_order(_shortlists(spark, counted.inputs)) == lists


def test_every_list_resolves_from_the_stored_ones(
    spark: SparkSession, counted: CountedShop, lists: list[dict[str, Any]]
) -> None:
    expected = _definition(spark, counted).resolved()
    assert _resolved(spark, counted, lists) == expected
    assert len({row[:2] for row in expected}) > len({(row["region_id"], row["anchor_id"]) for row in lists}) + 30


def test_so_they_do_in_a_deeper_tree_where_a_region_moved_and_one_sells_nothing(spark: SparkSession) -> None:
    """Oslo sells some of the range, Bergen all of it."""
    counted = counted_shop(Shop(spark), SETTINGS, orders=700, seed=5, tree=DEEP_TREE, shares=(0.15, 1.0, 0.4))
    lists = _in_order(_shortlists(spark, counted.inputs))
    definition = _definition(spark, counted)
    assert [tuple(row[name] for name in ROW) for row in lists] == definition.rows()
    resolved = definition.resolved()
    assert _resolved(spark, counted, lists) == resolved
    assert {row[0] for row in resolved} == {"root", "west", "north", "bay", "oslo", "bergen", "east", "rome"}


def _resolved(spark: SparkSession, counted: CountedShop, lists: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What the stored lists are on every page."""
    of_table = [{n: row[n] for n in row if n in gold.SHORTLISTS.column_names} for row in lists]
    stored = rows(spark, gold.SHORTLISTS, [row | {"release_id": "r1", "run_id": "r1"} for row in of_table])
    regions, offers = counted.inputs.regions, counted.inputs.offers
    depths = _places(spark, counted.inputs).slots(spark)
    held = held_lists(stored, list_owners(stored_lists(stored), regions, offers), offers, depths)
    in_turn = Window.partitionBy("region_id", "anchor_id").orderBy("base_rank")
    ranked = held.withColumn("rank", F.row_number().over(in_turn))
    return told(ranked, "region_id", "anchor_id", "rank", "candidate_id", "source")


def test_the_best_refused_candidates_are_kept_with_what_refused_them(spark: SparkSession, counted: CountedShop) -> None:
    parameters = ScoringParameters(0.5, 500, rows(spark, gold.EXPOSURE_FACTORS, []))
    judged = pairs_at_root(counted.inputs, counted.inputs.sold(), SETTINGS)
    found = told(
        near_misses(judged, counted.inputs.variant_facts, parameters, SETTINGS),
        "anchor_id", "place", "candidate_id", "refused_by", "score_key",
    )  # fmt: skip
    expected = _definition(spark, counted).near_misses()
    assert {reason for *_, reason, _ in expected} == {"own_category", "compatibility"}
    assert found == expected


def test_neither_the_order_of_rows_nor_partitions_change_a_list(
    spark: SparkSession, counted: CountedShop, lists: list[dict[str, Any]]
) -> None:
    with configured(spark, {"spark.sql.shuffle.partitions": "5", "spark.sql.adaptive.enabled": "true"}):
        again = _in_order(_shortlists(spark, counted.shuffled(seed=3)))
    assert again == lists


def test_no_join_puts_out_a_row_more_for_regions_that_sell_what_those_above_them_do(
    spark: SparkSession, counted: CountedShop
) -> None:
    """Thirty shops below each city: a join of regions with pairs, or with what they sell, would be as much longer."""
    fixed = settings_from({"lists": {"live_candidates": 6, "region_depth": 6, "root_depth": 6}})
    shops = {f"{city}{number:02}": city for number in range(30) for city in CITIES}
    paths = {branch.rpartition(" ")[2]: branch for branch in TREE}
    tree = Shop(spark).regions(*TREE, *(f"{paths[city]} > {shop}" for shop, city in shops.items()))
    below = spark.createDataFrame(list(shops.items()), "shop STRING, region_id STRING")
    copied = counted.inputs.offers.join(below, "region_id").drop("region_id").withColumnRenamed("shop", "region_id")
    crowded = replace(counted.inputs, regions=tree, offers=_settled(counted.inputs.offers.unionByName(copied)))
    few, many = (_joined_rows(spark, inputs, fixed.lists) for inputs in (counted.inputs, crowded))
    assert sum(few.values()) > 10
    assert max(few) > 900
    assert many == few


def _joined_rows(spark: SparkSession, inputs: ListInputs, lists: ListSettings) -> Counter[int]:
    """What joins put out while lists are made, once it is known who sells what."""
    places = Shop(spark).places(inputs.regions, inputs.offers, lists)
    where = Range(places, _settled(sellers_of(inputs, places)), inputs.variant_facts.count())
    parameters = ScoringParameters(0.5, 500, rows(spark, gold.EXPOSURE_FACTORS, []))
    listed = _settled(
        listed_candidates(inputs, pairs_at_root(inputs, where.sold(), SETTINGS), where, parameters, SETTINGS)
    )
    made = shortlists(inputs, listed, _settled(shelf_support(inputs, where.sold())), where, parameters, SETTINGS)
    return joined_rows(made)


def test_sql_recomputes_the_score_of_every_row_from_the_counts(
    spark: SparkSession, counted: CountedShop, lists: list[dict[str, Any]]
) -> None:
    columns = ("region_id", "anchor_id", "candidate_id", "rank", "score_key", "source")
    stored = spark.createDataFrame([tuple(row[c] for c in columns) for row in lists], list(columns)).toArrow()
    with duckdb.connect() as engine:
        for name, table in (counted.tables() | {"shortlists": stored}).items():
            engine.register(name, table)
        recomputed = engine.execute(_SCORES).fetchall()
    assert len(recomputed) == sum(row["source"] == "orders" for row in lists)
    assert [row for row in recomputed if row[-2] != row[-1]] == []


def test_a_row_says_how_much_its_region_weighs(lists: list[dict[str, Any]]) -> None:
    by_orders = [row for row in lists if row["source"] == "orders"]
    assert {row["region_weight"] > 0 for row in by_orders} == {True, False}
    for row in by_orders:
        weight = row["region_anchor_support"] / (row["region_anchor_support"] + 60)
        assert row["region_weight"] == pytest.approx(weight)
        assert (row["support_unit"], row["popularity_exponent"], row["exposure_factor"]) == ("buyers", 0.5, 1.0)
