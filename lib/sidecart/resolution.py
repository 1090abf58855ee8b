"""Resolution: a final list is a pure function of base lists and what is live now."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from sidecart.rules import candidate_rules, rules_on, ruling


def list_owners(base_lists: DataFrame, regions: DataFrame, offers: DataFrame) -> DataFrame:
    """One row per (region, anchor) with whose base list holds there: region_id, anchor_id, list_region_id.

    A region has pages for what it offers, available or not; the root has one for every stored list. The owner is
    the nearest ancestor, or the region itself, that stores a list of the anchor.
    """
    root = regions.where("depth = 0").select("region_id")
    pages = offers.select("region_id", F.col("variant_id").alias("anchor_id")).unionByName(
        base_lists.join(F.broadcast(root), "region_id").select("region_id", "anchor_id")
    )
    steps = regions.select("region_id", F.posexplode("path").alias("depth", "list_region_id"))
    stored = base_lists.select(F.col("region_id").alias("list_region_id"), "anchor_id")
    candidates = pages.join(F.broadcast(steps), "region_id").join(stored, ["list_region_id", "anchor_id"])
    nearest = F.max_by("list_region_id", "depth").alias("list_region_id")
    return candidates.groupBy("region_id", "anchor_id").agg(nearest)


def resolved_lists(
    shortlists: DataFrame,
    owners: DataFrame,
    offers: DataFrame,
    regions: DataFrame,
    variant_paths: DataFrame,
    rules: DataFrame,
    day: date,
) -> DataFrame:
    """One row per candidate of a final list: what is live in the region, passes the rules, one variant per group.

    Out: region_id, anchor_id, rank, list_region_id, base_rank, rule_id (of the rule that allowed it, if one had to),
    price there, and every other column of shortlists. `variant_paths`: variant_id, category_path.
    """
    owned = shortlists.drop("price").withColumnsRenamed({"region_id": "list_region_id", "rank": "base_rank"})
    live = offers.where("is_available").select("region_id", F.col("variant_id").alias("candidate_id"), "price")
    listed = owners.join(owned, ["list_region_id", "anchor_id"]).join(live, ["region_id", "candidate_id"])
    ruled = _ruled(listed, regions, variant_paths, rules_on(rules, day))
    of_group = Window.partitionBy("region_id", "anchor_id", "candidate_group_id").orderBy("base_rank")
    of_list = Window.partitionBy("region_id", "anchor_id").orderBy("base_rank")
    best = ruled.withColumn("place", F.row_number().over(of_group)).where("place = 1").drop("place")
    return best.withColumn("rank", F.row_number().over(of_list))


def _ruled(listed: DataFrame, regions: DataFrame, variant_paths: DataFrame, rules: DataFrame) -> DataFrame:
    """The rows that no rule denies, with rule_id of the rule that decided them."""
    region_paths = regions.select("region_id", F.col("path").alias("region_path"))
    anchor_paths = variant_paths.select(
        F.col("variant_id").alias("anchor_id"), F.col("category_path").alias("anchor_path")
    )
    judged = (
        listed.join(F.broadcast(region_paths), "region_id")
        .join(anchor_paths, "anchor_id")
        .join(candidate_rules(rules, variant_paths), "candidate_id", "left")
        .withColumn("ruling", ruling())
    )
    allowed = judged.where(~F.coalesce("ruling.is_deny", F.lit(False)))
    return allowed.select(*listed.columns, F.col("ruling.rule_id").alias("rule_id"))
