"""Scoring: which pairs pass, and how good each is for its anchor."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart import measures
from sidecart.compatibility import with_lift
from sidecart.settings import CompatibilitySettings, ScoringSettings
from sidecart.variants import facts_of

TIER_ORDERS = 0
"""What orders say stands first."""
TIER_SAME_BRAND = 1
"""Joint views of the anchor's brand; its fills have the next ones, by step."""
TIER_OTHER_BRAND = 7
"""Joint views of other brands; fills of other brands have the next ones."""


@dataclass(frozen=True)
class ScoringParameters:
    """What scores are made with beside the settings, computed together and named by a release."""

    exponent: float
    shop_support: int
    """N: buyers (or baskets) of the whole shop."""
    exposure: DataFrame
    """Variants whose exposure is damped: variant, exposure_factor."""


OWN_CATEGORY, COMPATIBILITY = "own_category", "compatibility"


def judged_pairs(
    root_pairs: DataFrame,
    facts: DataFrame,
    compatibility: DataFrame,
    scoring: ScoringSettings,
    gate: CompatibilitySettings,
) -> DataFrame:
    """One row per (anchor, candidate) of two groups of the whole shop, with refused_by, null where it passes.

    Refused by own_category, where they share the category that the shop excludes; by compatibility, where the support
    of their groups is less than their categories require (an unknown category has lift 1).

    In: pairs of the root with what their groups lend (group_support.backed_off_pairs); facts (variant_facts);
    category_compatibility. Out: their columns, refused_by, anchor_support, candidate_support, confidence (c'/n_i),
    category_lift, required_support, both category ids, candidate_id_order, tier.
    """
    anchors, candidates = (F.broadcast(facts_of(side, facts, scoring)) for side in ("anchor", "candidate"))
    described = root_pairs.join(anchors, "anchor").join(candidates, "candidate")
    of_groups = described.where(F.col("anchor_group_variant") != F.col("candidate_group_variant"))
    lacks_support = F.col("group_support") < F.col("required_support")
    refused_by = F.when(is_of_own_category(), F.lit(OWN_CATEGORY)).when(lacks_support, F.lit(COMPATIBILITY))
    return with_lift(of_groups, compatibility, gate).select(
        *root_pairs.columns,
        refused_by.alias("refused_by"),
        "candidate_id_order",
        "anchor_category_id",
        "candidate_category_id",
        "anchor_support",
        "candidate_support",
        "category_lift",
        "required_support",
        (F.col("effective_support") / F.col("anchor_support")).alias("confidence"),
        F.lit(TIER_ORDERS).alias("tier"),
    )


def admitted(judged_pairs: DataFrame) -> DataFrame:
    """The pairs that pass."""
    return judged_pairs.where("refused_by IS NULL").drop("refused_by")


def is_of_own_category() -> Column:
    """Whether a described pair shares the category that the shop excludes."""
    return F.coalesce(F.col("anchor_own_category") == F.col("candidate_own_category"), F.lit(False))


def with_score_key(pairs: DataFrame, parameters: ScoringParameters, settings: ScoringSettings) -> DataFrame:
    """The pairs with score_key, what lists are ranked by, of their confidence; and the exposure_factor it has."""
    factors = parameters.exposure.select(F.col("variant").alias("candidate"), "exposure_factor")
    damped = pairs.join(F.broadcast(factors), "candidate", "left").fillna(1.0, ["exposure_factor"])
    return damped.withColumn("score_key", score_key(F.col("confidence"), parameters, settings))


def score_key(confidence: Column, parameters: ScoringParameters, settings: ScoringSettings) -> Column:
    """What lists are ranked by, of a row with anchor_support, candidate_support, category_lift and exposure_factor."""
    if settings.measure == "poisson_llr":
        support = F.col("anchor_support"), F.col("candidate_support"), F.lit(parameters.shop_support)
        unweighted = measures.poisson_llr(confidence, *support)
    else:
        unweighted = measures.damped_count(
            confidence, F.col("candidate_support"), prior=settings.popularity_prior, exponent=parameters.exponent
        )
    return measures.score_key(
        unweighted, F.col("category_lift"), F.col("exposure_factor"), lift_exponent=settings.lift_exponent
    )


def best_first() -> list[Column]:
    """The order of candidates in a list: trust, score, then support, then the candidate's id."""
    return [F.col("tier"), F.col("score_key").desc(), F.col("support").desc(), F.col("candidate_id_order")]
