"""Components 13 and 15: every order since the first counts, but for the few that would drown the rest."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.baskets import counted
from sidecart.contracts import silver, state
from sidecart.extremes import EXTREME_USER, buyer_activity
from sidecart.pairs import flat_pairs
from sidecart.quality.audits.audited import AT_MOST, Audited, found, not_asked, share_of

RECOUNTED = 10
"""Anchors whose pairs are counted again from the order lines."""


def all_of_history(audited: Audited) -> DataFrame:
    """Of the pairs of a few anchors, those whose stored support is not what all order lines say: none.

    The anchors are the same on every run, by the md5 of their ids.
    """
    tables = audited.tables
    at_root = tables.read(state.PAIR_SUPPORT).where(F.col("region_id") == F.lit(audited.root))
    ids = tables.read(state.VARIANT_IDS)
    bought = ids.join(at_root.select(F.col("anchor").alias("variant")), "variant", "left_semi")
    drawn = F.broadcast(bought.orderBy(F.md5("variant_id"), "variant_id").limit(RECOUNTED))
    sample = drawn.select(F.col("variant").alias("anchor"))
    stored = flat_pairs(at_root.join(F.broadcast(sample), "anchor", "left_semi"))
    keys = ["anchor", "candidate"]
    told = stored.select(*keys, F.col("pair_buyers").alias("told_buyers"), F.col("pair_baskets").alias("told_baskets"))
    both = told.join(recounted(tables.read(silver.ORDER_LINES), tables.read(state.BASKETS), ids, sample), keys, "outer")
    is_right = F.col("told_buyers").eqNullSafe(F.col("buyers")) & F.col("told_baskets").eqNullSafe(F.col("baskets"))
    return found("all_of_history", share_of(both, ~is_right), AT_MOST, 0.0, f"pairs of {RECOUNTED} anchors, recounted")


def recounted(order_lines: DataFrame, baskets: DataFrame, ids: DataFrame, anchors: DataFrame) -> DataFrame:
    """One row per pair of the anchors in counted orders, from their lines: anchor, candidate, buyers, baskets."""
    left = order_lines.where("quantity_left > 0").select("order_id", "variant_id")
    lines = left.join(F.broadcast(ids), "variant_id").select("order_id", "variant").distinct()
    of_anchors = lines.withColumnRenamed("variant", "anchor").join(F.broadcast(anchors), "anchor", "left_semi")
    buyers = counted(baskets).select("order_id", "buyer_key")
    met = of_anchors.join(buyers, "order_id").join(lines.withColumnRenamed("variant", "candidate"), "order_id")
    return (
        met.where("anchor <> candidate")
        .groupBy("anchor", "candidate")
        .agg(F.count_distinct("buyer_key").alias("buyers"), F.count_distinct("order_id").alias("baskets"))
    )


def extremes_left_out(audited: Audited) -> DataFrame:
    """Of the baskets that count, those above the cap or of a buyer found extreme again: none.

    Its detail reports what leaving them out took away.
    """
    wish, baskets = audited.settings.baskets, audited.tables.read(state.BASKETS)
    extreme = buyer_activity(baskets, wish).where("is_extreme").select("buyer_key", F.lit(True).alias("is_extreme"))
    size = F.size("variants").cast("bigint")
    is_out = F.col("exclusion").isNotNull()
    should_be = (size > wish.max_basket_variants) | F.coalesce(F.col("is_extreme"), F.lit(False))
    events = (size * (size - 1) / 2).cast("bigint")
    judged = baskets.join(extreme, "buyer_key", "left").agg(
        F.count_if(should_be & ~is_out).alias("part"),
        F.count_if(~is_out).alias("whole"),
        F.count(F.lit(1)).alias("looked_at"),
        F.count_if(is_out).alias("baskets_out"),
        F.coalesce(F.sum(F.when(is_out, events)), F.lit(0)).alias("events_out"),
        F.coalesce(F.sum(events), F.lit(0)).alias("events"),
    )
    share = F.coalesce(F.try_divide(F.col("events_out") * F.lit(100.0), F.col("events")), F.lit(0.0))
    detail = F.format_string(
        "%,d of %,d baskets are left out, and with them %,d of %,d pair events (%.1f %%)",
        "baskets_out", "looked_at", "events_out", "events", share,
    )  # fmt: skip
    return found("extremes_left_out", judged, AT_MOST, 0.0, detail)


def buyers_left_out(audited: Audited) -> DataFrame:
    """Of all buyers, those left out as extreme: at most the share that the shop allows."""
    share = audited.settings.baskets.extreme_buyer_share
    if not share:
        return not_asked(audited, "buyers_left_out")
    is_out = F.max(F.coalesce(F.col("exclusion") == EXTREME_USER, F.lit(False)))
    buyers = audited.tables.read(state.BASKETS).groupBy("buyer_key").agg(is_out.alias("is_out"))
    return found("buyers_left_out", share_of(buyers, F.col("is_out")), AT_MOST, share, "buyers")
