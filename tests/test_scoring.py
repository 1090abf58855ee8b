"""Scoring: which pairs pass, and how good each is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
from pyspark.sql import DataFrame

from builders import Shop, told
from sidecart.contracts import gold
from sidecart.scoring import ScoringParameters, admitted, judged_pairs, with_score_key
from sidecart.settings import CompatibilitySettings, ScoringSettings


def _admitted(shop: Shop, pairs: DataFrame, scoring: ScoringSettings, **facts: Mapping[str, Any]) -> DataFrame:
    lifts = [("dairy", "bakery", 4.0, 1), ("dairy", "toys", 0.5, 28), ("dairy", "dairy", 1.0, 1)]
    measured = shop.frame(
        gold.CATEGORY_COMPATIBILITY,
        *(
            {"level": 2, "category_a": a, "category_b": b, "lift": lift, "required_support": n}
            for a, b, lift, n in lifts
        ),
    )
    own = pairs.withColumn("support", pairs[f"pair_{scoring.support_unit}"]).drop("region_id")
    alone = own.withColumns({"group_support": own["support"], "effective_support": own["support"]})
    return admitted(judged_pairs(alone, shop.facts(**facts), measured, scoring, CompatibilitySettings()))


def _candidates(shop: Shop, found: DataFrame) -> list[str]:
    return sorted(shop.word(number) for number in told(found, "candidate"))


def test_a_pair_passes_the_gate_with_the_support_that_its_categories_ask(shop: Shop) -> None:
    found = _admitted(
        shop,
        shop.flat_pairs("milk bread 1", "milk ball 27", "milk doll 28", "milk lamp 1", "milk sofa 2"),
        ScoringSettings(),
        milk={"category_id": "dairy", "buyers": 50},
        bread={"category_id": "bakery", "buyers": 50},
        ball={"category_id": "toys", "buyers": 50},
        doll={"category_id": "toys", "buyers": 50},
        lamp={"buyers": 50},
        sofa={"buyers": 50},
    )
    assert _candidates(shop, found) == ["bread", "doll", "sofa"]


def test_the_anchors_own_group_never_passes(shop: Shop) -> None:
    found = _admitted(
        shop,
        shop.flat_pairs("red_tee blue_tee 9", "red_tee jeans 9"),
        ScoringSettings(),
        red_tee={"group_id": "tee", "buyers": 9},
        blue_tee={"group_id": "tee", "buyers": 9},
        jeans={"buyers": 9},
    )
    assert _candidates(shop, found) == ["jeans"]


def test_the_own_category_is_left_out_where_the_shop_excludes_it(shop: Shop) -> None:
    found = _admitted(
        shop,
        shop.flat_pairs("milk curd 9", "milk bread 9", "milk lamp 9"),
        ScoringSettings(),
        milk={"category_id": "dairy", "own_category": "dairy", "buyers": 9},
        curd={"category_id": "dairy", "own_category": "dairy", "buyers": 9},
        bread={"category_id": "bakery", "own_category": "bakery", "buyers": 9},
        lamp={"buyers": 9},
    )
    assert _candidates(shop, found) == ["bread", "lamp"]


def test_without_the_option_a_substitute_needs_one_buyer(shop: Shop) -> None:
    facts = {"category_id": "dairy", "buyers": 9}
    found = _admitted(shop, shop.flat_pairs("milk curd 1"), ScoringSettings(), milk=facts, curd=facts)
    assert _candidates(shop, found) == ["curd"]


@pytest.mark.parametrize(
    ("exponent", "factor", "key"), [(0.3, 1.0, -1_381_551), (0.5, 1.0, -2_302_585), (0.5, 0.5, -2_995_732)]
)
def test_the_score_is_confidence_over_popularity_times_lift_and_exposure(
    shop: Shop, exponent: float, factor: float, key: int
) -> None:
    """Confidence 50/100; the candidate has 70 buyers and 30 more; the square root of lift 4: 0.5 / 100^a * 2 * f."""
    found = _admitted(
        shop,
        shop.flat_pairs("milk bread 50"),
        ScoringSettings(),
        milk={"category_id": "dairy", "buyers": 100, "baskets": 100},
        bread={"category_id": "bakery", "buyers": 70, "baskets": 500},
    )
    damped = shop.frame(gold.EXPOSURE_FACTORS, {"variant": shop.number("bread"), "exposure_factor": factor})
    settings = ScoringSettings(lift_exponent=0.5)
    scored = with_score_key(found, ScoringParameters(exponent, 1_000, damped), settings)
    columns = ("support", "confidence", "candidate_support", "category_lift", "required_support", "score_key")
    assert told(scored, *columns) == [(50, 0.5, 70, 4.0, 1, key)]


def test_surprise_needs_no_exponent(shop: Shop) -> None:
    """20 of milk's 100 buyers had bread, which 50 of 1,000 have: ln(12.7259) and half of ln(4)."""
    found = _admitted(
        shop,
        shop.flat_pairs("milk bread 20"),
        ScoringSettings(),
        milk={"category_id": "dairy", "buyers": 100},
        bread={"category_id": "bakery", "buyers": 50},
    )
    nothing_damped = shop.frame(gold.EXPOSURE_FACTORS)
    settings = ScoringSettings(measure="poisson_llr", lift_exponent=0.5)
    scored = with_score_key(found, ScoringParameters(0.7, 1_000, nothing_damped), settings)
    assert told(scored, "score_key") == [round(1e6 * (math.log(12.725887) + math.log(2)))]


def test_a_shop_may_count_baskets_instead_of_buyers(shop: Shop) -> None:
    pairs = shop.spark.createDataFrame(
        [("root", shop.number("milk"), shop.number("bread"), 5, 20)],
        "region_id STRING, anchor INT, candidate INT, pair_buyers INT, pair_baskets INT",
    )
    facts = {"buyers": 10, "baskets": 80}
    found = _admitted(shop, pairs, ScoringSettings(support_unit="baskets"), milk=facts, bread=facts)
    assert told(found, "support", "confidence", "candidate_support") == [(20, 0.25, 80)]
