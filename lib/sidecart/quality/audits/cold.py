"""Components 4, 5 and 6: lists are full, of what can complement, the anchor's brand first or alone."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.cold_start import TIER_BEHIND
from sidecart.contracts import gold
from sidecart.quality.audits.audited import (
    AT_LEAST,
    AT_MOST,
    Audited,
    found,
    is_of_other_brand,
    not_asked,
    share_of,
    wished_lists,
)
from sidecart.settings import ColdStartSettings

FULL_SHARE = 0.99


def full_lists(audited: Audited) -> DataFrame:
    """Of the root's live anchors of known category, new ones too, those with ten candidates (audited.wished_lists)."""
    if not audited.settings.cold_start.fills:
        return not_asked(audited, "full_lists")
    lists = wished_lists(audited).where(F.col("region_id") == audited.root)
    counted = share_of(lists, F.col("has_enough"))
    detail = "live anchors of the root with ten candidates, or all that its categories complement"
    return found("full_lists", counted, AT_LEAST, FULL_SHARE, detail)


def incompatible_fills(audited: Audited) -> DataFrame:
    """Of what stands in base lists for want of orders, that whose categories do not complement each other: none."""
    if not audited.settings.cold_start.fills:
        return not_asked(audited, "incompatible_fills")
    there = F.col("region_id").isin(audited.root, *audited.regions)
    rows = audited.tables.read(gold.SHORTLISTS).where(there & (F.col("source") != "orders"))
    counted = share_of(rows, F.col("category_lift") < 1)
    return found("incompatible_fills", counted, AT_MOST, 0.0, "rows of joint views and fills with lift below 1")


def brand_first(audited: Audited) -> DataFrame:
    """Of lists with fills, those where another brand's fill stands before one of the anchor's: none.

    But for what stands behind all else, of its brand too (cold_start.TIER_BEHIND).
    """
    if "first" not in _wishes(audited.settings.cold_start):
        return not_asked(audited, "brand_first")
    fills = audited.lists.where("is_fill AND brand_wish = 'first' AND anchor_brand IS NOT NULL")
    rank, is_other = F.col("rank"), is_of_other_brand()
    is_own = ~is_other & (F.col("tier") < TIER_BEHIND)
    lists = fills.groupBy("region_id", "anchor_id").agg(
        F.min(F.when(is_other, rank)).alias("first_other"), F.max(F.when(is_own, rank)).alias("last_own")
    )
    counted = share_of(lists, F.coalesce(F.col("first_other") < F.col("last_own"), F.lit(False)))
    return found("brand_first", counted, AT_MOST, 0.0, "lists with fills of an anchor with a brand")


def brand_only(audited: Audited) -> DataFrame:
    """Of fills of anchors whose brand alone may be filled in, those of another brand: none."""
    if "only" not in _wishes(audited.settings.cold_start):
        return not_asked(audited, "brand_only")
    fills = audited.lists.where("is_fill AND brand_wish = 'only'")
    return found("brand_only", share_of(fills, is_of_other_brand()), AT_MOST, 0.0, "fills of the brand's own anchors")


def _wishes(settings: ColdStartSettings) -> set[str]:
    return {settings.brand, *settings.brand_by_category.values()} if settings.fills else set()
