"""Item pages: each variant of a held-out basket as the anchor, the basket's others as what should be shown."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, GroupedData
from pyspark.sql import functions as F

from sidecart.evaluation.gains import TOP, UNIT, gain, ndcg, recall
from sidecart.evaluation.listed import holding

ALL, OTHER = "all", "other_category"
"""Targets: the basket's other variants, or those of another category than the anchor's."""

EVERY_BUCKET, KNOWN = "all", "1+"
"""Buckets that hold others: every page, and those whose anchor has a history."""

NEW = "0"
_BASKET = ("order_id", "buyer_key", "region_id", "region_size")
_PAGE = (*_BASKET, "anchor", "bucket", "all_targets", "other_targets")
_BUCKETS = ((1000, "1000+"), (100, "100-999"), (10, "10-99"), (3, "3-9"), (1, "1-2"))
_SIZES = ((10_000, "10000+"), (2000, "2000-9999"), (500, "500-1999"), (100, "100-499"), (1, "1-99"))
REGION = "region "
"""What the names of buckets of regions begin with."""


def bucket(support: Column) -> Column:
    """The popularity bucket of an anchor by its support in training; 0 is new to history."""
    return F.coalesce(*(F.when(support >= least, F.lit(name)) for least, name in _BUCKETS), F.lit(NEW))


def region_size(baskets: Column) -> Column:
    """The bucket of a region by its baskets in training."""
    named = (F.when(baskets >= least, F.lit(REGION + name)) for least, name in _SIZES)
    return F.coalesce(*named, F.lit(f"{REGION}0"))


def with_region_size(pages: DataFrame, region_support: DataFrame) -> DataFrame:
    """Baskets or pages with the bucket of their region: region_size. `region_support`: what training counted."""
    known = region_support.select("region_id", F.col("baskets").alias("region_baskets"))
    sized = pages.join(F.broadcast(known), "region_id", "left")
    return sized.withColumn("region_size", region_size(F.col("region_baskets"))).drop("region_baskets")


def page_targets(baskets: DataFrame, facts: DataFrame, support_unit: str) -> DataFrame:
    """One row per variant of a held-out basket and other variant of it: a page, and what its list should hold.

    In: baskets with_region_size. Out: order_id, buyer_key, region_id, region_size, anchor, bucket, all_targets and
    other_targets (how many the page has), candidate, is_other. A variant without a category is of no other category
    than any.
    """
    known = F.broadcast(facts.select("variant", "category_id", F.col(support_unit).alias("support")))
    items = baskets.select(*_BASKET, F.explode("variants").alias("variant")).join(known, "variant")
    whole = items.groupBy(*_BASKET).agg(
        F.array_sort(F.collect_list(F.struct("variant", "category_id", "support"))).alias("items")
    )
    page = whole.select(*_BASKET, "items", F.explode("items").alias("here"))
    others = F.transform(F.filter("items", lambda item: item["variant"] != F.col("here.variant")), _target)
    described = page.select(
        *_BASKET,
        F.col("here.variant").alias("anchor"),
        bucket(F.col("here.support")).alias("bucket"),
        others.alias("others"),
    )
    counted = described.withColumns(
        {
            "all_targets": F.size("others"),
            "other_targets": F.size(F.filter("others", lambda other: other["is_other"])),
        }
    )
    return counted.select(*_PAGE, F.inline("others"))


def page_counts(page_targets: DataFrame) -> DataFrame:
    """One row per (targets, bucket, buyer): how many pages are judged; a page without such a target is not."""
    pages = page_targets.select(*_PAGE).distinct()
    counted = _by_targets(pages, {"targets_met": (F.col("all_targets"), F.col("other_targets"))})
    return _by_bucket(counted.where("targets_met > 0")).agg(F.count(F.lit(1)).alias("pages"))


def page_sums(listed: DataFrame, page_targets: DataFrame) -> DataFrame:
    """One row per (table, targets, bucket, buyer) with a hit: sums of hit_rate, recall and ndcg over its pages.

    The sums are in billionths. Pages that no list helped are not here; page_counts has them.
    """
    is_other = F.col("is_other").cast("int")
    by_page = (
        _hits(listed, page_targets)
        .groupBy("table_name", *_PAGE)
        .agg(
            F.count(F.lit(1)).alias("all_hits"),
            F.sum(is_other).alias("other_hits"),
            F.sum("gain").alias("all_gain"),
            F.sum(F.col("gain") * is_other).alias("other_gain"),
        )
    )
    paired = {what: (F.col(f"all_{what}"), F.col(f"other_{what}")) for what in ("targets", "hits", "gain")}
    scored = _by_targets(by_page, {f"{what}_met": both for what, both in paired.items()}).where("hits_met > 0")
    return _by_bucket(scored, "table_name").agg(
        (F.count(F.lit(1)) * F.lit(UNIT)).alias("hit_rate"),
        F.sum(recall(F.col("hits_met"), F.col("targets_met"))).alias("recall"),
        F.sum(ndcg(F.col("gain_met"), F.col("targets_met"))).alias("ndcg"),
    )


def _hits(listed: DataFrame, page_targets: DataFrame) -> DataFrame:
    """One row per target that a list of its page shows, with its gain."""
    shown = listed.where(F.col("rank") <= TOP)
    return holding(shown, page_targets, ["anchor", "candidate"]).withColumn("gain", gain(F.col("rank")))


def _target(item: Column) -> Column:
    is_other = F.coalesce(item["category_id"] != F.col("here.category_id"), F.lit(False))
    return F.struct(item["variant"].alias("candidate"), is_other.alias("is_other"))


def _by_targets(frame: DataFrame, measured: dict[str, tuple[Column, Column]]) -> DataFrame:
    """Each row twice, once per kind of targets, with the columns that differ."""
    kinds = [
        F.struct(F.lit(kind).alias("targets"), *(both[place].alias(name) for name, both in measured.items()))
        for place, kind in enumerate((ALL, OTHER))
    ]
    return frame.select(*frame.columns, F.inline(F.array(*kinds)))


def _by_bucket(frame: DataFrame, *keys: str) -> GroupedData:
    """Each row in its bucket, in that of known anchors if it is one, of its region and of all; grouped by buyer."""
    known = F.when(F.col("bucket") != NEW, F.lit(KNOWN))
    buckets = F.array_compact(F.array(F.lit(EVERY_BUCKET), known, F.col("bucket"), F.col("region_size")))
    return frame.withColumn("bucket", F.explode(buckets)).groupBy(*keys, "targets", "bucket", "buyer_key")
