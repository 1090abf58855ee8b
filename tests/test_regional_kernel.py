"""The regional kernel: what a region's own counts make of an anchor's candidates."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sidecart import measures
from sidecart.regional_kernel import Counted, OwnOrder, Scored, Weighing, own_orders, posterior

BREAD, JAM, TEA = 5, 2, 9
ROOT, NORTH, OSLO, SOUTH = range(4)
PARENTS = np.array([-1, ROOT, NORTH, ROOT])
WEIGHING = Weighing(
    support_unit="buyers",
    measure="damped_count",
    exponent=0.5,
    popularity_prior=30.0,
    lift_exponent=0.7,
    shop_support=1_000,
    prior_support=300.0,
    least_surprise=measures.LEAST_SURPRISE,
)
MET = Scored(
    candidates=np.array([BREAD, JAM, TEA]),
    confidence=np.array([0.5, 0.6, 0.1]),
    anchor_support=np.full(3, 100),
    candidate_support=np.full(3, 50),
    category_lift=np.ones(3),
    exposure_factor=np.ones(3),
    support=np.array([50, 60, 10]),
    candidate_id_order=np.array([2, 1, 3]),
    sold=np.array([[0b1111], [0b1011], [0b1001]]),
)
EVERYWHERE = np.array([0b1111])


def counted(slot: int, anchor_support: int, **support: int) -> Counted:
    numbers = {"bread": BREAD, "jam": JAM, "unknown": 7}
    return Counted(
        slot, anchor_support, np.array([numbers[n] for n in support], np.int32), np.array(list(support.values()))
    )


def orders(*regions: Counted, met: Scored = MET, page: int = 0b1111, weighing: Weighing = WEIGHING) -> list[OwnOrder]:
    return own_orders(met, regions, PARENTS, np.array([page]), weighing)


def shown(order: OwnOrder) -> list[tuple[int, float, int]]:
    """Candidate, confidence and own support, best first."""
    found = zip(MET.candidates[order.rows], order.confidence, order.support, strict=True)
    return [(int(candidate), round(float(confidence), 9), int(support)) for candidate, confidence, support in found]


def test_a_small_region_believes_its_parent_and_a_large_one_itself() -> None:
    regions = [(0, 0), (90, 100), (2700, 2700)]
    assert [posterior(np.array(c), n, np.array(0.6), 300.0).round(9) for c, n in regions] == [0.6, 0.675, 0.96]


def test_a_regions_confidence_is_mixed_down_the_tree() -> None:
    """Bread: root 0.5; north (150 + 300*0.5) / (200 + 300) = 0.6; Oslo (90 + 300*0.6) / (100 + 300) = 0.675."""
    north, oslo = orders(counted(NORTH, 200, bread=150, unknown=3, jam=20), counted(OSLO, 100, bread=90))
    assert (north.slot, north.anchor_support, shown(north)) == (NORTH, 200, [(BREAD, 0.6, 150), (JAM, 0.4, 20)])
    assert (oslo.slot, oslo.anchor_support, shown(oslo)) == (OSLO, 100, [(BREAD, 0.675, 90)])


def test_where_the_region_between_counts_too_little_the_next_above_lends() -> None:
    """Jam is not sold in Oslo; bread: (90 + 300*0.5) / (100 + 300)."""
    (oslo,) = orders(counted(OSLO, 100, bread=90))
    assert shown(oslo) == [(BREAD, 0.6, 90)]


def test_what_nobody_met_there_keeps_its_order_and_less_confidence() -> None:
    """Each is 300 / (300 + 300) of the whole shop's."""
    (south,) = orders(counted(SOUTH, 300))
    assert shown(south) == [(JAM, 0.3, 0), (BREAD, 0.25, 0), (TEA, 0.05, 0)]


def test_equal_scores_go_by_support_and_then_by_id() -> None:
    alike = replace(MET, confidence=np.full(3, 0.5), support=np.array([50, 50, 60]))
    (south,) = orders(counted(SOUTH, 300), met=alike)
    assert [int(c) for c in MET.candidates[south.rows]] == [TEA, JAM, BREAD]


def test_a_region_that_does_not_sell_the_anchor_lends_to_those_below_and_has_no_order() -> None:
    (oslo,) = orders(counted(NORTH, 200, bread=150), counted(OSLO, 100, bread=90), page=0b0101)
    assert shown(oslo) == [(BREAD, 0.675, 90)]


@pytest.mark.parametrize("measure", ["damped_count", "poisson_llr"])
def test_scores_are_what_sql_makes_of_the_same_row(spark: SparkSession, measure: str) -> None:
    chance = np.random.default_rng(5)
    met = replace(
        MET,
        confidence=chance.uniform(0.001, 1, 3),
        anchor_support=chance.integers(100, 900, 3),
        candidate_support=chance.integers(1, 900, 3),
        category_lift=chance.uniform(0.2, 9, 3),
        exposure_factor=chance.uniform(0.1, 1, 3),
    )
    weighing = replace(WEIGHING, measure=measure)
    (south,) = orders(counted(SOUTH, 300, bread=250, jam=1), met=met, weighing=weighing)
    rows = [
        (int(row), float(sure), *(float(of[row]) for of in _parts(met)))
        for row, sure in zip(south.rows, south.confidence, strict=True)
    ]
    frame = spark.createDataFrame(rows, "row INT, sure DOUBLE, n_i DOUBLE, n_j DOUBLE, lift DOUBLE, factor DOUBLE")
    unweighted = (
        measures.poisson_llr(F.col("sure"), F.col("n_i"), F.col("n_j"), F.lit(1_000))
        if measure == "poisson_llr"
        else measures.damped_count(F.col("sure"), F.col("n_j"), prior=30.0, exponent=0.5)
    )
    key = measures.score_key(unweighted, F.col("lift"), F.col("factor"), lift_exponent=0.7)
    by_sql = {row["row"]: row["key"] for row in frame.withColumn("key", key).collect()}
    assert dict(zip(south.rows.tolist(), south.keys.tolist(), strict=True)) == by_sql
    assert all(math.isfinite(value) for value in by_sql.values())


def _parts(met: Scored) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], ...]:
    return met.anchor_support, met.candidate_support, met.category_lift, met.exposure_factor
