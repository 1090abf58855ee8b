"""What audits look at, and the row that each of them gives."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from sidecart.cold_start import compatible_categories
from sidecart.contracts import gold, silver, state
from sidecart.contracts.frames import Tables
from sidecart.scoring import TIER_ORDERS
from sidecart.settings import Settings
from sidecart.variants import brand_mode, own_category, with_bestsellers

SHOWN = 10
"""Candidates of a list that a shop shows."""
LOOKED_AT = 20
"""Candidates of a final list that audits look at."""
REGIONS_OF_A_KIND = 3
"""Regions beside the root that audits look at, of those whose own counts may enter and of the others."""

_KEPT = (
    "region_id", "anchor_id", "rank", "candidate_id", "candidate_group_id", "list_region_id", "base_rank", "tier",
    "score_key", "source", "evidence_class", "category_lift", "candidate_subcategory_id", "candidate_brand", "price",
)  # fmt: skip

AT_MOST, AT_LEAST = "at most", "at least"
SWITCHED_OFF = "switched off"


@dataclass(frozen=True)
class Audited:
    """A run's tables before they are released, and the final lists that audits share."""

    tables: Tables
    lists: DataFrame
    """audited_lists of the root and of `regions`."""
    regions: tuple[str, ...]
    """The sampled regions, the root left out."""
    rules: DataFrame | None
    """Rules in force, none where the shop has none."""
    settings: Settings

    @property
    def spark(self) -> SparkSession:
        return self.lists.sparkSession

    @property
    def root(self) -> str:
        return self.settings.shop.root_region

    @property
    def root_lists(self) -> DataFrame:
        """The shown candidates of the root's lists."""
        return self.lists.where((F.col("region_id") == F.lit(self.root)) & (F.col("rank") <= SHOWN))

    def pages(self) -> DataFrame:
        """One row per page of the root and the sampled regions: region_id, anchor_id, is_available and its facts.

        Facts: group_id, category_id, baskets, recent_baskets and brand_wish (see with_wishes).
        """
        there = F.col("region_id").isin(self.root, *self.regions)
        offered = self.tables.read(silver.OFFERS).where(there).select("region_id", "variant_id", "is_available")
        facts = with_wishes(self.tables.read(state.VARIANT_FACTS), self.settings)
        known = facts.select("variant_id", "group_id", "category_id", "baskets", "recent_baskets", "brand_wish")
        return offered.join(known, "variant_id").withColumnRenamed("variant_id", "anchor_id")


def audited_lists(final: DataFrame, facts: DataFrame, settings: Settings) -> DataFrame:
    """The first LOOKED_AT rows of final lists, with what audits ask of both variants.

    Out: of final (contract shortlists_resolved) what audits read, and anchor_baskets, anchor_brand, brand_wish (how
    fills should treat the anchor's brand), anchor_own and candidate_own (the category that the shop wishes to
    exclude), is_fill, is_bestseller (the candidate). anchor_baskets are the recent ones.
    """
    known = with_bestsellers(with_wishes(facts, settings), settings.scoring.support_unit)
    anchors = known.select(
        F.col("variant_id").alias("anchor_id"),
        F.col("recent_baskets").cast("bigint").alias("anchor_baskets"),
        F.col("brand").alias("anchor_brand"),
        "brand_wish",
        F.col("own_wish").alias("anchor_own"),
    )
    candidates = known.select(
        F.col("variant_id").alias("candidate_id"), F.col("own_wish").alias("candidate_own"), "is_bestseller"
    )
    first = final.where(F.col("rank") <= LOOKED_AT).select(*_KEPT).withColumn("is_fill", F.col("tier") != TIER_ORDERS)
    return first.join(F.broadcast(anchors), "anchor_id").join(F.broadcast(candidates), "candidate_id")


def with_wishes(facts: DataFrame, settings: Settings) -> DataFrame:
    """variant_facts with brand_wish and own_wish as the settings wish them, whatever the facts say of them."""
    path = F.col("category_path")
    return facts.withColumns(
        {
            "brand_wish": brand_mode(path, settings.cold_start),
            "own_wish": own_category(path, settings.lists),
        }
    )


def sampled_regions(tables: Tables, settings: Settings) -> tuple[str, ...]:
    """Regions beside the root, the same on every run: some of them small, by their md5."""
    support = tables.read(state.REGION_SUPPORT).select("region_id", "baskets")
    offering = tables.read(silver.OFFERS).select("region_id").distinct()
    below = tables.read(silver.REGIONS).where("depth > 0").join(offering, "region_id", "left_semi")
    kinds = below.join(support, "region_id", "left").withColumn("is_small", is_small(settings))
    in_turn = Window.partitionBy("is_small").orderBy(F.md5("region_id"), "region_id")
    drawn = kinds.withColumn("place", F.row_number().over(in_turn)).where(F.col("place") <= REGIONS_OF_A_KIND)
    return tuple(sorted(row["region_id"] for row in drawn.select("region_id").collect()))


def is_small(settings: Settings) -> Column:
    """Whether a region's baskets are too few for its own counts to enter its lists."""
    return F.coalesce(F.col("baskets"), F.lit(0)) < settings.regions.min_region_baskets


def wished_lists(audited: Audited) -> DataFrame:
    """One row per page of a live anchor of known category: region_id, anchor_id, has_enough.

    Enough is ten candidates, or as many groups as the region sells that complement the anchor's category. Anchors
    whose brand alone may be filled in are left out: it may have no more.
    """
    settings, facts = audited.settings, audited.tables.read(state.VARIANT_FACTS)
    level = settings.compatibility.category_level
    beside = compatible_categories(audited.tables.read(gold.CATEGORY_COMPATIBILITY), facts, level)
    if excludes_own_category(settings):
        beside = beside.where("category_id <> beside")
    pages = audited.pages().where("is_available AND category_id IS NOT NULL")
    sold = pages.where("baskets > 0").groupBy("region_id", F.col("category_id").alias("beside"))
    groups = sold.agg(F.count_distinct("group_id").alias("groups"))
    possible = F.broadcast(groups).join(beside, "beside").groupBy("region_id", "category_id")
    held = audited.lists.groupBy("region_id", "anchor_id").agg(F.count(F.lit(1)).alias("candidates"))
    lists = (
        pages.where("brand_wish <> 'only'")
        .join(F.broadcast(possible.agg((F.sum("groups") - 1).alias("possible"))), ["region_id", "category_id"], "left")
        .join(held, ["region_id", "anchor_id"], "left")
        .fillna(0, ["possible", "candidates"])
    )
    enough = F.least(F.lit(SHOWN if settings.cold_start.fills else 0), F.col("possible"))
    return lists.select("region_id", "anchor_id", (F.col("candidates") >= enough).alias("has_enough"))


def excludes_own_category(settings: Settings) -> bool:
    """Whether anchors of some category have no candidates of their own."""
    levels = {settings.lists.own_category_level, *settings.lists.own_category_by_category.values()}
    return levels != {"none"}


def found(audit: str, counted: DataFrame, asks: str, bound: Column | float, detail: str | Column) -> DataFrame:
    """The audit's row: audit, measured, bound, asks, passed, looked_at, detail.

    `counted` is one row of part, whole and looked_at; measured is part / whole, null (and passed) where whole is 0.
    """
    limit = bound if isinstance(bound, Column) else F.lit(float(bound))
    measured = F.try_divide(F.col("part").cast("double"), F.col("whole").cast("double"))
    is_within = measured <= limit if asks == AT_MOST else measured >= limit
    return counted.select(
        F.lit(audit).alias("audit"),
        measured.alias("measured"),
        limit.cast("double").alias("bound"),
        F.lit(asks).alias("asks"),
        F.coalesce(is_within, F.lit(True)).alias("passed"),
        F.coalesce(F.col("looked_at").cast("bigint"), F.lit(0).cast("bigint")).alias("looked_at"),
        (detail if isinstance(detail, Column) else F.lit(detail)).alias("detail"),
    )


def not_asked(audited: Audited, audit: str, detail: str = SWITCHED_OFF) -> DataFrame:
    """The row of an audit whose component the shop does without."""
    return audited.spark.range(1).select(
        F.lit(audit).alias("audit"),
        F.lit(None).cast("double").alias("measured"),
        F.lit(None).cast("double").alias("bound"),
        F.lit(AT_MOST).alias("asks"),
        F.lit(True).alias("passed"),
        F.lit(0).cast("bigint").alias("looked_at"),
        F.lit(detail).alias("detail"),
    )


def share_of(rows: DataFrame, condition: Column) -> DataFrame:
    """One row: of all rows (whole, looked_at) those of the condition (part)."""
    whole = F.count(F.lit(1))
    return rows.agg(F.count_if(condition).alias("part"), whole.alias("whole"), whole.alias("looked_at"))


def is_of_other_brand() -> Column:
    """Whether a row's candidate is not of its anchor's brand; an unknown brand is of none."""
    return ~F.coalesce(F.col("candidate_brand") == F.col("anchor_brand"), F.lit(False))
