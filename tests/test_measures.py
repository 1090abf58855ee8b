"""The formulae, by hand."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from sidecart import measures


def _values(spark: SparkSession, *columns: Column) -> list[Any]:
    return list(spark.range(1).select(*(c.alias(f"c{place}") for place, c in enumerate(columns))).collect()[0])


def test_a_basket_falls_into_the_largest_stratum_that_it_reaches(spark: SparkSession) -> None:
    sizes = (1, 2, 3, 4, 5, 6, 8, 9, 12, 13, 40, 41, 500)
    found = _values(spark, *(measures.stratum(F.lit(size)) for size in sizes))
    assert found == [1, 2, 3, 4, 4, 6, 6, 9, 9, 13, 28, 41, 41]


def test_chance_meets_half_as_often_in_baskets_of_two(spark: SparkSession) -> None:
    joint = measures.expected_joint(F.lit(40), F.lit(30), F.lit(100), F.lit(2.0))
    assert _values(spark, joint) == [6.0]


def test_lift_is_pulled_to_its_parents_where_little_is_expected(spark: SparkSession) -> None:
    cases = [(38, 9.0, 1.0), (0, 0.0, 1.0), (0, 20.0, 1.0), (0, 0.0, 1.5)]
    lifts = [measures.shrunk_lift(F.lit(o), F.lit(e), F.lit(parent), 20.0) for o, e, parent in cases]
    assert _values(spark, *lifts) == [2.0, 1.0, 0.5, 1.5]


def test_the_less_compatible_the_more_is_asked(spark: SparkSession) -> None:
    asked = [measures.required_support(F.lit(lift), 1.15, 4.0) for lift in (2.0, 1.15, 1.0, 0.5, 0.1)]
    assert _values(spark, *asked) == [1, 1, 2, 28, 17_491]


def test_the_gate_can_be_switched_off(spark: SparkSession) -> None:
    assert _values(spark, measures.required_support(F.lit(0.001), 1.15, 0.0)) == [1]


def test_what_can_never_be_reached_is_still_a_number(spark: SparkSession) -> None:
    assert _values(spark, measures.required_support(F.lit(1e-30), 1.15, 30.0)) == [2**31 - 1]


@pytest.mark.parametrize(("exponent", "key"), [(0.0, 0), (0.5, -2_302_585), (1.0, -4_605_170)])
def test_the_more_popular_candidate_pays_with_the_exponent(spark: SparkSession, exponent: float, key: int) -> None:
    """0.5 / (70 + 30)^a, and the square root of lift 4."""
    damped = measures.damped_count(F.lit(0.5), F.lit(70), prior=30.0, exponent=exponent)
    assert _values(spark, measures.score_key(damped, F.lit(4.0), F.lit(1.0), lift_exponent=0.5)) == [key]


def test_a_candidate_shown_too_often_is_pressed_down_by_its_factor(spark: SparkSession) -> None:
    keys = [measures.score_key(F.lit(0.0), F.lit(1.0), F.lit(f), lift_exponent=0.5) for f in (1.0, 0.5)]
    assert _values(spark, *keys) == [0, -693_147]


def test_surprise_is_the_likelihood_ratio_of_a_poisson_count_and_none_where_chance_makes_as_much(
    spark: SparkSession,
) -> None:
    """20 of 100 buyers also had the candidate, which 50 of 1,000 have: 5 expected, 20 ln 4 - 15 = 12.7259."""
    surprises = [measures.poisson_llr(F.lit(c), F.lit(100), F.lit(50), F.lit(1_000)) for c in (0.20, 0.05, 0.01)]
    found = _values(spark, *(F.round(F.exp(s), 6) for s in surprises))
    assert found == [12.725887, 0.000001, 0.000001]
