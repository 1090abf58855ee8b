"""Evidence of pairs: what chance expects of two variants, and what asks more than that."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from builders import Shop, told
from sidecart.contracts import gold, state
from sidecart.evidence import (
    ChanceInputs,
    evidence_thresholds,
    met_pairs,
    variant_stratum_support,
    with_evidence_class,
    with_expected_baskets,
)
from sidecart.settings import Settings

_CLASSED = (
    "anchor STRING, support INT, expected_baskets DOUBLE, category_lift DOUBLE,"
    " anchor_category_id STRING, candidate_category_id STRING"
)


def _strata(**sizes: int) -> list[int]:
    """The ten counts of a variant, by words: `two=40` baskets of two, `four=20` of four or five."""
    places = ("one", "two", "three", "four")
    return [sizes.get(word, 0) for word in places] + [0] * 6


def _inputs(shop: Shop) -> ChanceInputs:
    """Milk and bread as the compatibility test has them: 6 + 3 baskets by chance; salt is bought alone."""
    counts = {"milk": _strata(two=40, four=20), "bread": _strata(two=30, four=10), "salt": _strata(one=7)}
    rows = [{"variant": shop.number(word), "stratum_baskets": held} for word, held in counts.items()]
    facts = shop.facts(milk={"category_id": "dairy"}, bread={"category_id": "bakery"}, salt={})
    return ChanceInputs(
        variant_stratum_support=shop.frame(state.VARIANT_STRATUM_SUPPORT, *rows),
        basket_strata=shop.frame(
            state.BASKET_STRATA,
            {"stratum": 1, "baskets": 70, "items": 70},
            {"stratum": 2, "baskets": 100, "items": 200},
            {"stratum": 4, "baskets": 50, "items": 200},
        ),
        variant_facts=facts,
        category_compatibility=shop.frame(
            gold.CATEGORY_COMPATIBILITY,
            {"level": 2, "category_a": "dairy", "category_b": "bakery", "lift": 1.5},
            {"level": 2, "category_a": "bakery", "category_b": "dairy", "lift": 1.5},
        ),
    )


def test_a_variants_baskets_are_counted_by_their_size(shop: Shop) -> None:
    found = variant_stratum_support(shop.baskets(b1="milk", b2="milk bread", b3="milk bread ham jam tea"))
    assert told(found, "variant", "stratum_baskets")[:2] == [
        (shop.number("milk"), [1, 1, 0, 1, 0, 0, 0, 0, 0, 0]),
        (shop.number("bread"), [0, 1, 0, 1, 0, 0, 0, 0, 0, 0]),
    ]


def test_chance_expects_what_baskets_of_each_size_make_of_two_popularities(shop: Shop) -> None:
    """40*30/100*(1-1/2) + 20*10/50*(1-1/4) = 6 + 3; who is bought alone, or never, meets nobody."""
    inputs = _inputs(shop)
    pairs = shop.flat_pairs("milk bread 5", "bread milk 5", "milk salt 1", "milk unsold 1")
    found = with_expected_baskets(pairs, inputs.variant_stratum_support, inputs.basket_strata)
    by_pair = {(shop.word(p["anchor"]), shop.word(p["candidate"])): p["expected_baskets"] for p in found.collect()}
    assert by_pair == {("milk", "bread"): 9, ("bread", "milk"): 9, ("milk", "salt"): 0, ("milk", "unsold"): 0}


def test_a_met_pair_stands_once_with_its_support_lift_and_expectation(shop: Shop) -> None:
    inputs = _inputs(shop)
    found = met_pairs(shop.flat_pairs("milk bread 5", "bread milk 5"), inputs, Settings())
    assert told(found, "anchor", "candidate", "support", "category_lift", "expected_baskets") == [(1, 2, 5, 1.5, 9.0)]


def test_a_pair_is_what_its_cell_asks(shop: Shop) -> None:
    """Two expected baskets are cell 0: from 1 to 2.25."""
    thresholds = shop.frame(
        gold.EVIDENCE_THRESHOLDS,
        {"lift_class": "1 to 1.3", "expected_cell": 0, "strong_support": 9, "likely_support": 6},
        {"lift_class": "own", "expected_cell": 0, "likely_support": 4},
    )
    rows = [
        ("nine of two", 9, 2.0, 1.1, "dairy", "bakery"),
        ("eight", 8, 2.0, 1.1, "dairy", "bakery"),
        ("five", 5, 2.0, 1.1, "dairy", "bakery"),
        ("own category", 5, 2.0, 1.0, "dairy", "dairy"),
        ("unknown categories", 5, 2.0, 1.0, None, None),
        ("a lift without a table", 9, 2.0, 1.9, "dairy", "bakery"),
        ("nothing expected", 9, 0.0, 1.1, "dairy", "bakery"),
    ]
    found = with_evidence_class(shop.spark.createDataFrame(rows, _CLASSED), thresholds)
    assert dict(told(found, "anchor", "evidence_class")) == {
        "nine of two": "strong",
        "eight": "likely",
        "five": "weak",
        "own category": "likely",
        "unknown categories": "weak",
        "a lift without a table": "weak",
        "nothing expected": "weak",
    }


def _planted(shop: Shop) -> ChanceInputs:
    """Eighty goods of two shelves, each in twenty of 4,000 baskets of two."""
    words = [f"v{number:02}" for number in range(80)]
    facts = {word: {"category_id": "dairy" if place < 40 else "bakery"} for place, word in enumerate(words)}
    rows = [{"variant": shop.number(word), "stratum_baskets": _strata(two=20)} for word in words]
    return ChanceInputs(
        shop.frame(state.VARIANT_STRATUM_SUPPORT, *rows),
        shop.frame(state.BASKET_STRATA, {"stratum": 2, "baskets": 4000, "items": 8000}),
        shop.facts(**facts),
        shop.frame(
            gold.CATEGORY_COMPATIBILITY, {"level": 2, "category_a": "dairy", "category_b": "dairy", "lift": 1.0}
        ),
    )


def test_pairs_beyond_chance_are_strong_and_pairs_of_chance_weak(shop: Shop) -> None:
    """1,600 pairs of 0.05 between the shelves: chance brings 2 to two baskets; 40 that met five times are no chance."""
    inputs = _planted(shop)
    meant = [f"v{place:02} v{place + 40:02} 5" for place in range(40)]
    chance = [f"v{place:02} v{79 - place:02} 1" for place in range(40)]
    met = met_pairs(shop.flat_pairs(*meant, *chance), inputs, Settings())
    thresholds = evidence_thresholds(met, inputs, Settings())
    columns = ("lift_class", "expected_cell", "seen_pairs", "strong_support", "likely_support", "strong_seen_pairs")
    assert told(thresholds, *columns) == [("1 to 1.3", -3, 80, 5, 5, 40)]
    (bounds,) = thresholds.collect()
    assert bounds["expected_from"] == pytest.approx(0.0498, abs=1e-4)
    assert bounds["expected_to"] == pytest.approx(0.1353, abs=1e-4)
    classes = told(with_evidence_class(met, thresholds), "support", "evidence_class")
    assert classes == [(1, "weak")] * 40 + [(5, "strong")] * 40


@settings(max_examples=2)
@given(seed=st.integers(0, 1000))
def test_the_order_of_rows_and_their_partitions_change_no_threshold(spark: SparkSession, seed: int) -> None:
    shop = Shop(spark)
    inputs = _planted(shop)
    pairs = [f"v{place % 80:02} v{place * 7 % 79:02} {place % 5 + 1}" for place in range(1, 200)]
    plain = evidence_thresholds(met_pairs(shop.flat_pairs(*pairs), inputs, Settings()), inputs, Settings())
    mixed = shop.flat_pairs(*random.Random(seed).sample(pairs, len(pairs))).repartition(3)
    other = ChanceInputs(
        inputs.variant_stratum_support.repartition(5, "stratum_baskets"),
        inputs.basket_strata,
        inputs.variant_facts.repartition(3),
        inputs.category_compatibility,
    )
    again = evidence_thresholds(met_pairs(mixed, other, Settings()), other, Settings())
    assert told(again, *plain.columns) == told(plain, *plain.columns)
