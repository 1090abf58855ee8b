"""Regional lists: where a region's own buyers say enough of an anchor to give its candidates another order."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart import measures
from sidecart.list_places import is_sold_in
from sidecart.scoring import ScoringParameters, score_key
from sidecart.settings import RegionSettings, Settings


def weighed_regions(
    region_support: DataFrame, regions: DataFrame, slots: DataFrame, settings: RegionSettings
) -> DataFrame:
    """One row per region below the root whose own counts may enter: region_id, slot and path.

    From `min_region_baskets` counted baskets. `slots`: list_places.Places.slots.
    """
    enough = region_support.where(F.col("baskets") >= settings.min_region_baskets).select("region_id")
    below = regions.where("depth > 0").select("region_id", "path")
    return below.join(enough, "region_id").join(slots.select("region_id", "slot"), "region_id")


def regional_evidence(
    variant_support: DataFrame,
    weighed: DataFrame,
    sellers: DataFrame,
    settings: Settings,
) -> DataFrame:
    """One row per (slot, anchor, ancestor or self): the nodes whose own counts make the order of a slot's candidates.

    A node's counts enter where it is weighed and the anchor has `min_anchor_support` there. A slot has an order of its
    own where its own counts enter, and it may sell the anchor; what lies below it goes by that. Columns: slot and
    anchor of the list; evidence_region, evidence_depth and region_anchor_support of the node.
    """
    supported = variant_support.select(
        "region_id",
        F.col("variant").alias("anchor"),
        F.col(settings.scoring.support_unit).alias("region_anchor_support"),
    ).where(F.col("region_anchor_support") >= settings.regions.min_anchor_support)
    own = supported.join(F.broadcast(weighed), "region_id").join(
        sellers.withColumnRenamed("variant", "anchor"), "anchor"
    )
    listed = own.where(is_sold_in("slots", "slot")).select(
        "slot", "anchor", F.posexplode("path").alias("depth", "node")
    )
    nodes = supported.join(F.broadcast(weighed.select("region_id")), "region_id").withColumnRenamed("region_id", "node")
    return listed.join(nodes, ["node", "anchor"]).select(
        "slot",
        "anchor",
        F.col("node").alias("evidence_region"),
        F.col("depth").alias("evidence_depth"),
        "region_anchor_support",
    )


def regional_pairs(
    scored: DataFrame,
    evidence: DataFrame,
    counts: DataFrame,
    sellers: DataFrame,
    parameters: ScoringParameters,
    settings: Settings,
) -> DataFrame:
    """Candidates that orders bring, scored by the evidence of a region, once for each slot with an order of its own.

    Confidence is (c_r + k p_parent) / (n_r + k) down the tree from the root's c/n; gate, lift and popularity stay the
    whole shop's. In: pairs scored by the whole shop (TIER_ORDERS); regional_evidence; flat pairs of its regions. Out:
    the columns of `scored`, slot, and of the slot's own region region_pair_support, region_anchor_support and
    region_weight; evidence_slot is the slot again.
    """
    # What a slot does not sell is left out by a look at bits: no region is joined with its assortment.
    sold = sellers.withColumnRenamed("variant", "candidate")
    listed = evidence.select("slot", "anchor").distinct().join(scored, "anchor").join(F.broadcast(sold), "candidate")
    chained = listed.where(is_sold_in("slots", "slot")).drop("slots").join(evidence, ["slot", "anchor"])
    met = counts.select(
        F.col("region_id").alias("evidence_region"),
        "anchor",
        "candidate",
        F.col(f"pair_{settings.scoring.support_unit}").alias("region_pair_support"),
    )
    known = chained.join(met, ["evidence_region", "anchor", "candidate"], "left").fillna(0, ["region_pair_support"])
    mixed = _mixed(known, ["slot", *scored.columns], settings.regions.prior_support)
    rescored = score_key(F.col("confidence"), parameters, settings.scoring)
    return mixed.withColumns({"score_key": rescored, "evidence_slot": F.col("slot")})


def _mixed(met: DataFrame, columns: list[str], prior: float) -> DataFrame:
    """Fold each pair's chain of evidence, root to region, into one confidence; a region's own counts beside it."""
    step = F.struct("evidence_depth", "region_pair_support", "region_anchor_support")
    grouped = met.groupBy(*columns).agg(F.array_sort(F.collect_list(step)).alias("chain"))
    confidence = F.aggregate(
        "chain",
        F.col("confidence"),
        lambda parent, node: measures.posterior(
            node["region_pair_support"], node["region_anchor_support"], parent, prior
        ),
    )
    own = F.element_at("chain", -1)
    return grouped.select(
        *(name for name in columns if name != "confidence"),
        confidence.alias("confidence"),
        own["region_pair_support"].alias("region_pair_support"),
        own["region_anchor_support"].alias("region_anchor_support"),
        (own["region_anchor_support"] / (own["region_anchor_support"] + F.lit(prior))).alias("region_weight"),
    )
