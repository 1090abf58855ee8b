"""Shortlists: base lists with the evidence of every row, so that SQL can recompute a score."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.compatibility import with_lift
from sidecart.settings import CompatibilitySettings, ScoringSettings
from sidecart.variants import facts_of

SOURCE_ORDERS = "orders"

_NO_REGIONAL_EVIDENCE = {"region_pair_support": 0, "region_anchor_support": 0, "region_weight": 0.0}


def shortlists(
    cut: DataFrame,
    regional: DataFrame,
    facts: DataFrame,
    root_support: DataFrame,
    compatibility: DataFrame,
    scoring: ScoringSettings,
    gate: CompatibilitySettings,
) -> DataFrame:
    """One row per candidate of a base list with its evidence (contract shortlists but price, release and run).

    In: rows of `cut_base_lists` and `regional_lists` with region_id, and what their columns were derived from.
    """
    unit = scoring.support_unit
    plain = cut.withColumns({name: F.lit(value) for name, value in _NO_REGIONAL_EVIDENCE.items()})
    listed = plain.unionByName(regional.select(*plain.columns, "confidence"), allowMissingColumns=True)
    described = listed
    for side in ("anchor", "candidate"):
        support = root_support.select(F.col("variant").alias(side), F.col(unit).alias(f"{side}_support"))
        described = described.join(facts_of(side, facts), side).join(support, side)
    return with_lift(described, compatibility, gate).withColumns(
        {
            "score": F.col("score_key") / F.lit(1_000_000),
            "source": F.lit(SOURCE_ORDERS),
            "support_unit": F.lit(unit),
            "popularity_exponent": F.lit(scoring.exponent),
            "confidence": F.coalesce("confidence", F.col(f"pair_{unit}") / F.col("anchor_support")),
        }
    )


def with_prices(lists: DataFrame, offers: DataFrame) -> DataFrame:
    """The lists with the candidate's price in the list's region."""
    prices = offers.select("region_id", F.col("variant_id").alias("candidate_id"), "price")
    return lists.join(prices, ["region_id", "candidate_id"], "left")


def base_lists(shortlists: DataFrame) -> DataFrame:
    """One row per stored base list: region, anchor and how many candidates (contract base_lists but the release)."""
    return shortlists.groupBy("region_id", "anchor_id").agg(F.count(F.lit(1)).cast("int").alias("candidates"))
