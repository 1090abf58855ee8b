"""Scoring: which pairs pass, and how good each is for its anchor."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart import measures
from sidecart.compatibility import with_lift
from sidecart.settings import CompatibilitySettings, ScoringSettings
from sidecart.variants import facts_of


def admitted_pairs(
    root_pairs: DataFrame,
    facts: DataFrame,
    compatibility: DataFrame,
    scoring: ScoringSettings,
    gate: CompatibilitySettings,
) -> DataFrame:
    """One row per (anchor, candidate) of the whole shop that passes the gate.

    A pair passes where its support reaches what its categories require (an unknown category has lift 1), the two
    are of different groups, and they do not share the own-category that the shop excludes.

    In: flat pairs of the root; facts (variant_facts); category_compatibility. Out: anchor, candidate, pair_buyers,
    pair_baskets, support, candidate_support, confidence (c/n_i), category_lift, required_support,
    candidate_id_order.
    """
    pairs = root_pairs.select(
        "anchor",
        "candidate",
        "pair_buyers",
        "pair_baskets",
        F.col(f"pair_{scoring.support_unit}").alias("support"),
    )
    anchors, candidates = facts_of("anchor", facts, scoring), facts_of("candidate", facts, scoring)
    described = pairs.join(anchors, "anchor").join(candidates, "candidate")
    is_own = F.coalesce(F.col("anchor_own_category") == F.col("candidate_own_category"), F.lit(False))
    passing = with_lift(described, compatibility, gate).where(
        (F.col("support") >= F.col("required_support"))
        & (F.col("anchor_group_id") != F.col("candidate_group_id"))
        & ~is_own
    )
    return passing.select(
        *pairs.columns,
        "candidate_id_order",
        "candidate_support",
        "category_lift",
        "required_support",
        (F.col("support") / F.col("anchor_support")).alias("confidence"),
    )


def score_key(confidence: Column, settings: ScoringSettings) -> Column:
    """What lists are ranked by, of a row with candidate_support and category_lift."""
    return measures.score_key(
        confidence,
        F.col("candidate_support"),
        F.col("category_lift"),
        prior=settings.popularity_prior,
        exponent=settings.exponent,
        lift_exponent=settings.lift_exponent,
    )


def best_first() -> list[Column]:
    """The order of candidates in a list: score, then support, then the candidate's id."""
    return [F.col("score_key").desc(), F.col("support").desc(), F.col("candidate_id_order")]
