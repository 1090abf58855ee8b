"""Regional lists: where a region's own buyers say enough of an anchor to change its list."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from sidecart import measures
from sidecart.scoring import TIER_ORDERS, ScoringParameters, best_first, score_key
from sidecart.settings import RegionSettings, ScoringSettings, Settings


@dataclass(frozen=True)
class RegionalCounts:
    """Where regional evidence enters (regional_evidence), and the flat pairs of its regions."""

    evidence: DataFrame
    pairs: DataFrame


def regional_evidence(
    variant_support: DataFrame, list_regions: DataFrame, regions: RegionSettings, scoring: ScoringSettings
) -> DataFrame:
    """One row per (slot, anchor, ancestor): the nodes whose own counts enter a region's list, the root left out.

    A node's counts enter where it has lists of its own and the anchor has `min_anchor_support` there. Columns:
    slot and anchor of the list; evidence_region, evidence_depth and region_anchor_support of the node; is_own.
    """
    paths = list_regions.where("slot > 0").select("slot", "region_id", F.posexplode("path").alias("depth", "ancestor"))
    nodes = list_regions.where("slot > 0").select(F.col("region_id").alias("ancestor"))
    supported = variant_support.select(
        F.col("region_id").alias("ancestor"),
        F.col("variant").alias("anchor"),
        F.col(scoring.support_unit).alias("region_anchor_support"),
    ).where(F.col("region_anchor_support") >= regions.min_anchor_support)
    return supported.join(F.broadcast(paths.join(nodes, "ancestor")), "ancestor").select(
        "slot",
        "anchor",
        F.col("ancestor").alias("evidence_region"),
        F.col("depth").alias("evidence_depth"),
        "region_anchor_support",
        (F.col("ancestor") == F.col("region_id")).alias("is_own"),
    )


def regional_lists(
    scored: DataFrame,
    regional: RegionalCounts,
    members: DataFrame,
    parameters: ScoringParameters,
    settings: Settings,
) -> DataFrame:
    """Rows of base lists that regional evidence entered, best first: slot, rank and the pair's columns.

    Confidence is (c_r + k p_parent) / (n_r + k) down the tree from the root's c/n; gate, lift and popularity stay
    the whole shop's. Joint views are the whole shop's.
    """
    evidence = regional.evidence
    offered = members.select("slot", F.col("variant").alias("candidate"))
    listed = evidence.select("slot", "anchor").distinct().join(scored, "anchor")
    chained = listed.join(offered, ["slot", "candidate"]).join(evidence, ["slot", "anchor"])
    counts = regional.pairs.select(
        F.col("region_id").alias("evidence_region"),
        "anchor",
        "candidate",
        F.col(f"pair_{settings.scoring.support_unit}").alias("region_pair_support"),
    )
    met = chained.join(counts, ["evidence_region", "anchor", "candidate"], "left").fillna(0, ["region_pair_support"])
    mixed = _mixed(met, listed.columns, settings.regions.prior_support)
    best = Window.partitionBy("slot", "anchor").orderBy(*best_first())
    rescored = F.when(F.col("tier") == TIER_ORDERS, score_key(F.col("confidence"), parameters, settings.scoring))
    ranked = mixed.withColumn("score_key", F.coalesce(rescored, "score_key"))
    return ranked.withColumn("rank", F.row_number().over(best)).where(F.col("rank") <= settings.lists.region_depth)


def _mixed(met: DataFrame, columns: list[str], prior: float) -> DataFrame:
    """Fold each pair's chain of evidence, root to region, into one confidence; a region's own counts beside it."""
    step = F.struct("evidence_depth", "region_pair_support", "region_anchor_support", "is_own")
    grouped = met.groupBy(*columns).agg(F.array_sort(F.collect_list(step)).alias("chain"))
    confidence = F.aggregate(
        "chain",
        F.col("confidence"),
        lambda parent, node: measures.posterior(
            node["region_pair_support"], node["region_anchor_support"], parent, prior
        ),
    )
    last, is_by_orders = F.element_at("chain", -1), F.col("tier") == TIER_ORDERS
    is_own = last["is_own"] & is_by_orders
    own_anchor = F.when(is_own, last["region_anchor_support"]).otherwise(0)
    return grouped.select(
        *(name for name in columns if name != "confidence"),
        F.when(is_by_orders, confidence).otherwise(F.col("confidence")).alias("confidence"),
        F.when(is_own, last["region_pair_support"]).otherwise(0).alias("region_pair_support"),
        own_anchor.alias("region_anchor_support"),
        (own_anchor / (own_anchor + F.lit(prior))).alias("region_weight"),
    )
