"""Resolution: a final list is a pure function of base lists and what is live now."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from sidecart.rules import Goods, rules_on, with_ruling


def list_owners(base_lists: DataFrame, regions: DataFrame, offers: DataFrame) -> DataFrame:
    """One row per (region, anchor) with whose base list holds there: region_id, anchor_id, list_region_id, anchor_price
    (there, where known).

    A region has pages for what it offers, available or not; the root has one for every stored list. The owner is
    the nearest ancestor, or the region itself, that stores a list of the anchor.
    """
    root = regions.where("depth = 0").select("region_id")
    of_offers = offers.select("region_id", F.col("variant_id").alias("anchor_id"), F.col("price").alias("anchor_price"))
    of_root = base_lists.join(F.broadcast(root), "region_id").select("region_id", "anchor_id")
    pages = of_offers.unionByName(of_root, allowMissingColumns=True)
    steps = regions.select("region_id", F.posexplode("path").alias("depth", "list_region_id"))
    stored = base_lists.select(F.col("region_id").alias("list_region_id"), "anchor_id")
    candidates = pages.join(F.broadcast(steps), "region_id").join(stored, ["list_region_id", "anchor_id"])
    nearest = F.max_by("list_region_id", "depth").alias("list_region_id")
    return candidates.groupBy("region_id", "anchor_id").agg(nearest, F.max("anchor_price").alias("anchor_price"))


def held_lists(shortlists: DataFrame, owners: DataFrame, offers: DataFrame, depths: DataFrame) -> DataFrame:
    """One row per candidate of the base list that holds on a page: what the region sells of its owner's, to its depth.

    Out: base_rank (in the owner's list), is_available and price (in the region), anchor_price, and the columns of
    shortlists. `depths`: region_id, list_depth (contract list_regions). A base list is stored where it is not this.
    """
    sold = offers.select("region_id", F.col("variant_id").alias("candidate_id"), "is_available", "price")
    of_page = Window.partitionBy("region_id", "anchor_id").orderBy("base_rank")
    cut = (
        _owned(shortlists, owners)
        .join(sold, ["region_id", "candidate_id"])
        .join(F.broadcast(depths.select("region_id", "list_depth")), "region_id")
        .withColumn("place", F.row_number().over(of_page))
    )
    return cut.where(F.col("place") <= F.col("list_depth")).drop("place", "list_depth")


def unsold(shortlists: DataFrame, owners: DataFrame, offers: DataFrame) -> DataFrame:
    """One row per candidate of the list above a page that the region does not sell: as held_lists, none available."""
    sold = offers.select("region_id", F.col("variant_id").alias("candidate_id"))
    missing = _owned(shortlists, owners).join(sold, ["region_id", "candidate_id"], "left_anti")
    return missing.withColumn("is_available", F.lit(False))


def _owned(shortlists: DataFrame, owners: DataFrame) -> DataFrame:
    """The list of its owner on every page, whatever is sold there."""
    # A table of before had prices of its own; those of now are the offers'.
    stored = shortlists.drop("price").withColumnsRenamed({"region_id": "list_region_id", "rank": "base_rank"})
    return owners.join(stored, ["list_region_id", "anchor_id"])


def resolved_lists(held: DataFrame, goods: Goods, rules: DataFrame | None, day: date) -> DataFrame:
    """One row per candidate of a final list: what is live in the region, passes the rules, one variant per group.

    In: held_lists. Out: region_id, anchor_id, rank, list_region_id, base_rank, rule_id (of the rule that allowed it, if
    one had to), price there, and every other column of shortlists. `goods`: see rules.goods_of. A shop without
    rules says None, and pays nothing for them.
    """
    listed = held.where("is_available").drop("is_available")
    ruled = _ruled(listed, goods, rules if rules is None else rules_on(rules, day))
    of_group = Window.partitionBy("region_id", "anchor_id", "candidate_group_id").orderBy("base_rank")
    of_list = Window.partitionBy("region_id", "anchor_id").orderBy("base_rank")
    best = ruled.withColumn("place", F.row_number().over(of_group)).where("place = 1").drop("place")
    return best.withColumn("rank", F.row_number().over(of_list))


def refusals(held: DataFrame, resolved: DataFrame, ruled: DataFrame, shown: int) -> DataFrame:
    """One row per candidate of a base list that is not among the first `shown` of the final one, and why.

    refused_by: sold_out (not available in the region), rule (rule_id), group (another variant of its group stands),
    diversity (better evidence than one that is shown, but too like others) or rank.

    In: held_lists and unsold; final lists (contract shortlists_resolved); `ruled`: region_id, anchor_id, candidate_id
    and `ruling` of live candidates, null where no rule speaks.
    """
    keys = ["region_id", "anchor_id", "candidate_id"]
    by_evidence = Window.partitionBy("region_id", "anchor_id").orderBy("tier", "base_rank")
    placed = resolved.withColumn("place", F.row_number().over(by_evidence)).select(*keys, "rank", "place")
    judged = ruled.select(*keys, F.lit(True).alias("is_live"), "ruling")
    told = held.join(placed, keys, "left").join(judged, keys, "left")
    reason = (
        F.when(F.col("is_live").isNull(), F.lit("sold_out"))
        .when(F.coalesce("ruling.is_deny", F.lit(False)), F.lit("rule"))
        .when(F.col("rank").isNull(), F.lit("group"))
        .when(F.col("place") <= shown, F.lit("diversity"))
        .otherwise(F.lit("rank"))
    )
    hidden = told.where(F.coalesce(F.col("rank") > shown, F.lit(True)))
    rule = F.when(reason == "rule", F.col("ruling.rule_id"))
    return hidden.select(
        *keys, reason.alias("refused_by"), rule.alias("rule_id"), "base_rank", "rank", "score_key", "source"
    )


def _ruled(listed: DataFrame, goods: Goods, rules: DataFrame | None) -> DataFrame:
    """The rows that no rule denies, with rule_id of the rule that decided them."""
    kept = [name for name in listed.columns if name != "anchor_price"]
    if rules is None:
        return listed.select(*kept, F.lit(None).cast("string").alias("rule_id"))
    allowed = with_ruling(listed, goods, rules).where(~F.coalesce("ruling.is_deny", F.lit(False)))
    return allowed.select(*kept, F.col("ruling.rule_id").alias("rule_id"))
