"""Components 2 and 3: few lists share the same few products, and bananas stay where they belong."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from sidecart.contracts import gold, silver, state
from sidecart.quality.audits.audited import (
    AT_LEAST,
    AT_MOST,
    Audited,
    found,
    not_asked,
)
from sidecart.variants import with_bestsellers

TOLERANCE = 0.03
"""How far the share of lists with a best seller may exceed the wish: fills, groups and rules come after calibration."""
MOST_SHOWN = 20
MOST_SHOWN_SHARE = {"rich": 0.35, "standard": 0.20, "banana": 0.10}
"""Share of slots that the twenty most shown may take in a large shop, by profile."""
EVENLY = 4
"""In a small shop they may take so many times what they would if all were shown alike."""
ELSEWHERE_SHARE = 0.02
"""Share of lists that may show a best seller in categories that avoid each other."""
KEPT_SHARE = 0.5
"""Share of best sellers with a strong complement that must still stand in the list of one."""


def bestseller_share(audited: Audited) -> DataFrame:
    """Of the root's lists, weighted by their anchors' recent baskets, those that show a best seller: at most as wished.

    Only where the exponent was calibrated to the wish: a shop too small for it, or one that sets the exponent, has
    no share to be held to, and the bound is 1.
    """
    tops = audited.root_lists.groupBy("anchor_id").agg(F.max("is_bestseller").alias("has_bestseller"))
    live = audited.pages().where((F.col("region_id") == audited.root) & (F.col("recent_baskets") > 0))
    weighed = live.join(tops, "anchor_id", "left").fillna(False, ["has_bestseller"])
    counted = weighed.agg(
        F.sum(F.when(F.col("has_bestseller"), F.col("recent_baskets")).otherwise(0)).alias("part"),
        F.sum("recent_baskets").alias("whole"),
        F.count(F.lit(1)).alias("looked_at"),
    )
    told = audited.tables.read(gold.SCORING_PARAMETERS).select("basis", "wished_share")
    limit = F.when(F.col("basis") == "calibrated", F.col("wished_share") + TOLERANCE).otherwise(1.0)
    detail = F.concat(F.lit("lists with one of the 20 best sellers; the exponent is "), "basis")
    return found("bestseller_share", counted.crossJoin(told), AT_MOST, limit, detail)


def most_shown(audited: Audited) -> DataFrame:
    """Of the root's slots, weighted by their anchors' recent baskets, those of the twenty most shown candidates."""
    exposed = audited.root_lists.groupBy("candidate_id").agg(F.sum("anchor_baskets").alias("met"))
    place = F.row_number().over(Window.orderBy(F.col("met").desc(), "candidate_id"))
    counted = exposed.withColumn("place", place).agg(
        F.sum(F.when(F.col("place") <= MOST_SHOWN, F.col("met")).otherwise(0)).alias("part"),
        F.sum("met").alias("whole"),
        F.count(F.lit(1)).alias("looked_at"),
    )
    live = audited.tables.read(silver.OFFERS).where(F.col("region_id") == F.lit(audited.root))
    evenly = F.try_divide(F.lit(float(EVENLY * MOST_SHOWN)), F.col("live"))
    of_profile = MOST_SHOWN_SHARE[audited.settings.scoring.profile]
    limit = F.least(F.lit(1.0), F.coalesce(evenly, F.lit(1.0)) + of_profile)
    sold = live.agg(F.count(F.lit(1)).alias("live"))
    return found("most_shown", counted.crossJoin(sold), AT_MOST, limit, "slots of the 20 most shown candidates")


def bananas_elsewhere(audited: Audited) -> DataFrame:
    """Profile banana: of the root's lists those that show a best seller whose category avoids the anchor's."""
    if audited.settings.scoring.profile != "banana":
        return not_asked(audited, "bananas_elsewhere")
    is_elsewhere = F.col("is_bestseller") & (F.col("category_lift") < 1)
    lists = audited.root_lists.groupBy("anchor_id", "anchor_baskets").agg(F.max(is_elsewhere).alias("is_elsewhere"))
    counted = lists.agg(
        F.sum(F.when(F.col("is_elsewhere"), F.col("anchor_baskets")).otherwise(0)).alias("part"),
        F.sum("anchor_baskets").alias("whole"),
        F.count(F.lit(1)).alias("looked_at"),
    )
    detail = "lists that show a best seller of a category with lift below 1"
    return found("bananas_elsewhere", counted, AT_MOST, ELSEWHERE_SHARE, detail)


def bananas_where_needed(audited: Audited) -> DataFrame:
    """Profile banana: of best sellers that are strong complements of some anchor, those that such a list shows."""
    if audited.settings.scoring.profile != "banana":
        return not_asked(audited, "bananas_where_needed")
    facts = with_bestsellers(audited.tables.read(state.VARIANT_FACTS), audited.settings.scoring.support_unit)
    best = facts.where("is_bestseller").select(F.col("variant_id").alias("candidate_id"))
    at_root = audited.tables.read(gold.SHORTLISTS).where(F.col("region_id") == F.lit(audited.root))
    strong = (F.col("evidence_class") == "strong") & (F.col("category_lift") >= 1)
    needed = at_root.where(strong).join(F.broadcast(best), "candidate_id", "left_semi")
    shown = audited.root_lists.where(strong).select("candidate_id").distinct()
    kept = needed.select("candidate_id").distinct().join(shown.withColumn("is_kept", F.lit(1)), "candidate_id", "left")
    counted = kept.agg(
        F.count("is_kept").alias("part"), F.count(F.lit(1)).alias("whole"), F.count(F.lit(1)).alias("looked_at")
    )
    detail = "best sellers with a strong complement that its list shows"
    return found("bananas_where_needed", counted, AT_LEAST, KEPT_SHARE, detail)
