"""Evidence: how sure the counts make us that two variants do not meet by chance alone.

Support alone does not say it: three buyers are much for two rare variants and nothing for two bestsellers. So pairs
of like expectation and like category lift are judged together, in the manner of a false-discovery rate: a class
holds from the support at which chance would make at most a given share of the pairs that were seen.
See docs/decisions/0006.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart import measures
from sidecart.compatibility import with_lift
from sidecart.evidence_kernel import BINS, CELLS_PER_STEP, THRESHOLDS, Demands, chance_bins, class_thresholds
from sidecart.settings import Settings
from sidecart.variants import facts_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

STRONG, LIKELY, WEAK = "strong", "likely", "weak"

LIFT_BOUNDS = (0.7, 1.0, 1.3, 2.0)
"""Where one class of category lift ends and the next begins."""
_OWN = "own"
_GROUPS_PER_LOG = 10
"""Variants share a group within a tenth of ln(baskets) …"""
_GROUPS_PER_STRATUM = 4
"""… and a quarter of a stratum of mean basket size."""
_SEEN = ("anchor", "candidate", "support", "anchor_category_id", "candidate_category_id")
_ALL = "whole_shop"


@dataclass(frozen=True)
class ChanceInputs:
    """What chance is reckoned from: tables of state and gold by their names."""

    variant_stratum_support: DataFrame
    basket_strata: DataFrame
    variant_facts: DataFrame
    category_compatibility: DataFrame


def variant_stratum_support(baskets: DataFrame) -> DataFrame:
    """One row per variant: its counted baskets by stratum of their size (contract variant_stratum_support)."""
    held = baskets.select(measures.stratum(F.size("variants")).alias("stratum"), F.explode("variants").alias("variant"))
    counts = F.array(*(F.count_if(F.col("stratum") == bound).cast("int") for bound in measures.STRATA))
    return held.groupBy("variant").agg(counts.alias("stratum_baskets"))


def with_expected_baskets(pairs: DataFrame, variant_strata: DataFrame, basket_strata: DataFrame) -> DataFrame:
    """The pairs with expected_baskets, the joint baskets that chance makes of anchor and candidate.

    E = sum over strata s of n_is n_js / N_s (1 - 1/k_s), in their order. A variant of no basket expects none.
    In: pairs with anchor and candidate; variant_stratum_support; basket_strata.
    """
    sides = [
        variant_strata.select(F.col("variant").alias(side), F.col("stratum_baskets").alias(f"{side}_strata"))
        for side in ("anchor", "candidate")
    ]
    anchors = sides[0].crossJoin(F.broadcast(_stratum_chances(basket_strata)))
    known = pairs.join(F.broadcast(anchors), "anchor", "left").join(F.broadcast(sides[1]), "candidate", "left")
    total: Column = F.lit(0.0)
    for place in range(len(measures.STRATA)):
        a, b, chance = (F.get(n, F.lit(place)) for n in ("anchor_strata", "candidate_strata", "stratum_chance"))
        total = total + a.cast("double") * b * chance
    expected = known.withColumn("expected_baskets", F.coalesce(total, F.lit(0.0)))
    return expected.select(*pairs.columns, "expected_baskets")


def met_pairs(root_pairs: DataFrame, inputs: ChanceInputs, settings: Settings) -> DataFrame:
    """One row per two variants that met, anchor < candidate, with what chance and their categories say of them.

    In: flat pairs of the root (both directions do no harm). Out: anchor, candidate, support in the support unit,
    anchor_category_id, candidate_category_id, category_lift, expected_baskets.
    """
    support = F.col(f"pair_{settings.scoring.support_unit}").alias("support")
    once = root_pairs.where("anchor < candidate").select("anchor", "candidate", support)
    anchors, candidates = (
        F.broadcast(facts_of(side, inputs.variant_facts, settings.scoring).select(side, f"{side}_category_id"))
        for side in ("anchor", "candidate")
    )
    described = once.join(anchors, "anchor", "left").join(candidates, "candidate", "left")
    lifted = with_lift(described, inputs.category_compatibility, settings.compatibility)
    expected = with_expected_baskets(lifted, inputs.variant_stratum_support, inputs.basket_strata)
    return expected.select(*_SEEN, "category_lift", "expected_baskets")


def evidence_thresholds(met_pairs: DataFrame, inputs: ChanceInputs, settings: Settings) -> DataFrame:
    """One row per cell of expected baskets and class of category lift that holds a met pair (contract
    evidence_thresholds but the release).

    A threshold is the least support at which chance makes at most the asked share of the pairs seen with that
    support or more; null where none does. Chance pairs are counted over all pairs of variants, met or not:
    sum of P(Poisson(E) >= support).
    """
    seen = (
        met_pairs.select(_lift_class().alias("lift_class"), _cell().alias("expected_cell"), "support")
        .groupBy("lift_class", "expected_cell", "support")
        .agg(F.count(F.lit(1)).alias("pairs"))
    )
    lifts = _lift_classes(inputs.category_compatibility, settings.compatibility.category_level)
    by_chance = _together(_groups(inputs), lifts, chance_bins, BINS)
    asked = settings.evidence
    demands = Demands(asked.strong_share, asked.likely_share, asked.least_support)

    def thresholds(seen: pa.Table, bins: pa.Table) -> pa.Table:
        return class_thresholds(seen, bins, demands)

    found = _together(seen, by_chance, thresholds, THRESHOLDS)
    return found.withColumns(
        {"expected_from": _bound(F.col("expected_cell")), "expected_to": _bound(F.col("expected_cell") + 1)}
    )


def with_evidence_class(pairs: DataFrame, thresholds: DataFrame) -> DataFrame:
    """The pairs with evidence_class: strong, likely or weak.

    In: pairs with support, expected_baskets, category_lift, anchor_category_id and candidate_category_id, all of the
    whole shop; evidence_thresholds.
    """
    keys = ["lift_class", "expected_cell"]
    asked = thresholds.select(*keys, "strong_support", "likely_support")
    celled = pairs.withColumns({"lift_class": _lift_class(), "expected_cell": _cell()})
    reached = F.when(F.col("support") >= F.col("strong_support"), STRONG).when(
        F.col("support") >= F.col("likely_support"), LIKELY
    )
    classed = celled.join(F.broadcast(asked), keys, "left").withColumn("evidence_class", reached.otherwise(WEAK))
    return classed.select(*pairs.columns, "evidence_class")


def _stratum_chances(basket_strata: DataFrame) -> DataFrame:
    """One row with stratum_chance: per stratum the joint baskets that chance makes of one basket each.

    Made once, so that a pair costs a sum of products; an empty stratum makes no joint basket.
    """
    one, baskets = F.lit(1.0), F.col("baskets").cast("double")
    chance = measures.expected_joint(one, one, baskets, F.col("items") / F.col("baskets"))
    of_strata = (F.max(F.when(F.col("stratum") == bound, chance)) for bound in measures.STRATA)
    return basket_strata.agg(F.array(*(F.coalesce(found, F.lit(0.0)) for found in of_strata)).alias("stratum_chance"))


def _groups(inputs: ChanceInputs) -> DataFrame:
    """One row per (category, group of like variants): variants, sums of stratum_baskets, weights of the strata."""
    counts = [F.get("stratum_baskets", F.lit(place)) for place in range(len(measures.STRATA))]
    total = F.aggregate("stratum_baskets", F.lit(0), lambda sum_, count: sum_ + count)
    mean = sum((count * place for place, count in enumerate(counts)), F.lit(0)) / total
    fineness = len(measures.STRATA) * _GROUPS_PER_STRATUM
    group = F.floor(F.ln(total) * _GROUPS_PER_LOG) * fineness + F.round(mean * _GROUPS_PER_STRATUM)
    categories = inputs.variant_facts.select("variant", "category_id")
    known = inputs.variant_stratum_support.join(categories, "variant", "left")
    grouped = known.groupBy("category_id", group.cast("bigint").alias("variant_group")).agg(
        F.count(F.lit(1)).alias("variants"),
        F.array(*(F.sum(count) for count in counts)).alias("stratum_baskets"),
    )
    return grouped.crossJoin(F.broadcast(_stratum_chances(inputs.basket_strata)))


def _lift_classes(compatibility: DataFrame, level: int) -> DataFrame:
    """One row per ordered pair of categories with its lift_class, and one without categories for all others."""
    pair = compatibility.where(F.col("level") == level).select(
        F.col("category_a").alias("anchor_category_id"),
        F.col("category_b").alias("candidate_category_id"),
        F.col("lift").alias("category_lift"),
    )
    listed = pair.select(
        F.col("anchor_category_id").alias("category_a"),
        F.col("candidate_category_id").alias("category_b"),
        _lift_class().alias("lift_class"),
    )
    unknown = compatibility.sparkSession.range(1).select(
        F.lit(None).cast("string").alias("category_a"),
        F.lit(None).cast("string").alias("category_b"),
        _class_of(F.lit(1.0)).alias("lift_class"),
    )
    return listed.unionByName(unknown)


def _lift_class() -> Column:
    """The class of a row with category_lift and both categories: own, or the range of its lift."""
    is_own = F.col("anchor_category_id") == F.col("candidate_category_id")
    return F.when(is_own, _OWN).otherwise(_class_of(F.col("category_lift")))


def _class_of(lift: Column) -> Column:
    found = F.when(lift < LIFT_BOUNDS[0], f"below {LIFT_BOUNDS[0]:g}")
    for lower, upper in pairwise(LIFT_BOUNDS):
        found = found.when(lift < upper, f"{lower:g} to {upper:g}")
    return found.otherwise(f"from {LIFT_BOUNDS[-1]:g}")


def _cell() -> Column:
    """The cell of a row with expected_baskets, see evidence_kernel.steps; null where nothing is expected."""
    expected = F.col("expected_baskets")
    step = F.when(expected >= 1, 2 * (F.sqrt(expected) - 1)).when(expected > 0, F.ln(expected))
    return F.floor(step * CELLS_PER_STEP).cast("int")


def _bound(cell: Column) -> Column:
    """Where a cell begins, in expected baskets."""
    step = cell / CELLS_PER_STEP
    return F.when(step >= 0, F.pow(step / 2 + 1, F.lit(2.0))).otherwise(F.exp(step))


def _together(
    left: DataFrame, right: DataFrame, kernel: Callable[[pa.Table, pa.Table], pa.Table], schema: pa.Schema
) -> DataFrame:
    """What a kernel makes of two small tables as wholes."""
    fields = ", ".join(f"{field.name} {_DDL[str(field.type)]}" for field in schema)
    whole = [frame.withColumn(_ALL, F.lit(1)).groupBy(_ALL) for frame in (left, right)]
    return whole[0].cogroup(whole[1]).applyInArrow(kernel, schema=fields)


_DDL = {"string": "STRING", "int32": "INT", "int64": "BIGINT", "double": "DOUBLE"}
