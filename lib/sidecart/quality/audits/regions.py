"""Component 12: every region has full lists of what it sells."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.contracts import silver, state
from sidecart.quality.audits.audited import (
    AT_LEAST,
    AT_MOST,
    Audited,
    found,
    is_small,
    not_asked,
    share_of,
    wished_lists,
)

FULL_SHARE_OF_SMALL = 0.95


def live_in_region(audited: Audited) -> DataFrame:
    """Of rows of final lists, those that their region does not sell now: none."""
    there = F.col("region_id").isin(audited.root, *audited.regions)
    offers = audited.tables.read(silver.OFFERS).where(there)
    sold = offers.select("region_id", F.col("variant_id").alias("candidate_id"), "is_available")
    rows = audited.lists.select("region_id", "candidate_id").join(sold, ["region_id", "candidate_id"], "left")
    is_dead = ~F.coalesce(F.col("is_available"), F.lit(False))
    return found("live_in_region", share_of(rows, is_dead), AT_MOST, 0.0, "rows of the root's and sampled lists")


def full_lists_of_small_regions(audited: Audited) -> DataFrame:
    """Of live anchors of known category in small sampled regions, those with ten candidates (audited.wished_lists)."""
    if not audited.settings.cold_start.fills:
        return not_asked(audited, "full_lists_of_small_regions")
    support = audited.tables.read(state.REGION_SUPPORT).select("region_id", "baskets")
    lists = wished_lists(audited).where(F.col("region_id") != audited.root)
    small = lists.join(F.broadcast(support), "region_id", "left").where(is_small(audited.settings))
    counted = share_of(small, F.col("has_enough"))
    detail = "live anchors of small regions with ten candidates, or all that their categories complement"
    return found("full_lists_of_small_regions", counted, AT_LEAST, FULL_SHARE_OF_SMALL, detail)
