"""The scorecard: seven properties of a run's lists as rows, so that their trend over runs is one query.

Figures are those of the evaluation, of the root's lists; docs/audits.md says what each measure means.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart.baskets import within_cap
from sidecart.contracts import gold, silver, state
from sidecart.evaluation.category_logic import related
from sidecart.evaluation.gains import UNIT
from sidecart.evaluation.item_page import (
    EVERY_BUCKET,
    bucket,
    page_counts,
    page_sums,
    page_targets,
    with_region_size,
)
from sidecart.evaluation.listed import listed, named
from sidecart.evaluation.table_figures import assortment, table_figures
from sidecart.quality.audits.audited import SHOWN, Audited

ALL = "all"
_PROPERTY_OF = {
    "logic": "logic",
    "illogic": "logic",
    "full_lists": "coverage",
    "overlap_in_category": "specificity",
    "reach": "reach",
    "gini": "reach",
    "bestseller_share": "reach",
    "top20_slots": "reach",
}
"""Figures of evaluation.table_figures that the scorecard keeps, and the property that each measures."""


@dataclass(frozen=True)
class Previous:
    """The release before: the root's final lists as it left them, and the moment it speaks of."""

    lists: DataFrame
    as_of: datetime


def scorecard(audited: Audited, as_of: datetime, previous: Previous | None) -> DataFrame:
    """One row per measure and slice: property, measure, slice, value, n (contract scorecard but the run's columns)."""
    parts = [
        effectiveness(audited, previous),
        figures(audited),
        coverage(audited),
        specificity(audited),
        freshness(audited, as_of),
        regions(audited),
    ]
    return reduce(DataFrame.unionByName, parts)


def effectiveness(audited: Audited, previous: Previous | None) -> DataFrame:
    """Hit rate and NDCG at 10 of the previous release's root lists on the baskets since; nothing without either.

    The baskets of extreme buyers judge too, as they do in a backtest: what they buy moves no count here.
    """
    if previous is None:
        return audited.spark.range(1).select(
            F.inline(F.array(*(_measure("effectiveness", name, None, F.lit(0)) for name in ("hit_rate", "ndcg"))))
        )
    facts, unit = audited.tables.read(state.VARIANT_FACTS), audited.settings.scoring.support_unit
    after = F.col("ordered_at") > F.lit(previous.as_of)
    baskets = within_cap(audited.tables.read(state.BASKETS)).where(after & (F.size("variants") >= 2))
    sized = with_region_size(baskets, audited.tables.read(state.REGION_SUPPORT))
    targets = page_targets(sized, facts, unit)
    whole = F.col("bucket") == EVERY_BUCKET
    lists = listed(named("previous", previous.lists.drop("region_id")), facts)
    hits = page_sums(lists, targets).where(whole).groupBy("targets").agg(_summed("hit_rate"), _summed("ndcg"))
    pages = page_counts(targets).where(whole).groupBy("targets").agg(F.sum("pages").alias("pages"))
    kinds = audited.spark.createDataFrame([("all",), ("other_category",)], "targets STRING")
    told = kinds.join(pages, "targets", "left").join(hits, "targets", "left")
    n, zero = F.coalesce("pages", F.lit(0)), F.lit(0)
    measures = (
        _measure("effectiveness", name, F.try_divide(F.coalesce(name, zero) / F.lit(UNIT), n), n, F.col("targets"))
        for name in ("hit_rate", "ndcg")
    )
    return told.select(F.inline(F.array(*measures)))


def figures(audited: Audited) -> DataFrame:
    """Logic, full lists, overlap of neighbours and reach, of the root's top tens of live anchors (table_figures).

    Two categories belong together where they met significantly more often than baskets of each size expect.
    """
    facts, settings = audited.tables.read(state.VARIANT_FACTS), audited.settings
    live = audited.pages().where((F.col("region_id") == audited.root) & F.col("is_available"))
    sold, met = (
        live.select(F.col("anchor_id").alias("variant_id")),
        facts.select("variant", F.col("recent_baskets").alias("met")),
    )
    known = assortment(facts, sold, met, settings.scoring.support_unit)
    level = F.col("level") == settings.compatibility.category_level
    relations = related(audited.tables.read(gold.CATEGORY_COMPATIBILITY).where(level))
    lists = listed(named("run", audited.root_lists.drop("region_id")), facts)
    found = table_figures(lists, known, relations)
    names = F.create_map(*(F.lit(text) for pair in _PROPERTY_OF.items() for text in pair))
    return found.where(F.col("metric").isin(*_PROPERTY_OF)).select(
        F.try_element_at(names, F.col("metric")).alias("property"),
        F.col("metric").alias("measure"),
        F.lit(ALL).alias("slice"),
        "value",
        F.coalesce("n", F.lit(0)).cast("bigint").alias("n"),
    )


def coverage(audited: Audited) -> DataFrame:
    """Of the root's live anchors, those with ten candidates, by popularity bucket; `0` is new to history."""
    support = F.col("baskets")
    pages = _pages_with_candidates(audited).where(F.col("region_id") == audited.root)
    return _full(pages.withColumn("slice", bucket(support)), "coverage")


def specificity(audited: Audited) -> DataFrame:
    """Of the root's lists, those with a candidate that the anchor's own orders or views brought; and of slots."""
    is_own = F.col("source").isin("orders", "views").cast("int")
    lists = audited.root_lists.groupBy("anchor_id").agg(F.sum(is_own).alias("own"), F.count(F.lit(1)).alias("slots"))
    counted_ = lists.agg(
        F.count_if(F.col("own") > 0).alias("lists_own"),
        F.count(F.lit(1)).alias("lists"),
        F.sum("own").alias("slots_own"),
        F.sum("slots").alias("slots"),
    ).fillna(0)
    return counted_.select(
        F.inline(
            F.array(
                _share("specificity", "lists_with_own_evidence", "lists_own", "lists"),
                _share("specificity", "slots_by_own_evidence", "slots_own", "slots"),
            )
        )
    )


def freshness(audited: Audited, as_of: datetime) -> DataFrame:
    """Age of the newest order, in days; and of shown rows, those that are available at the price they bear."""
    orders = audited.tables.read(state.BASKETS).agg(
        F.max("ordered_at").alias("newest"), F.count(F.lit(1)).alias("orders")
    )
    seconds = F.unix_timestamp(F.lit(as_of)) - F.unix_timestamp("newest")
    age = orders.select(
        F.inline(F.array(_measure("freshness", "newest_order_age_days", seconds / F.lit(86_400), F.col("orders"))))
    )
    is_current = F.col("is_live") & F.col("price").eqNullSafe(F.col("price_now"))
    current = _slots(audited).agg(F.count_if(is_current).alias("current"), F.count(F.lit(1)).alias("slots"))
    share = _share("freshness", "available_at_current_price", "current", "slots")
    return age.unionByName(current.select(F.inline(F.array(share))))


def regions(audited: Audited) -> DataFrame:
    """Of live anchors of the sampled regions, those with ten candidates, and of what they show what they do not sell;
    by the baskets of the region.
    """
    support = audited.tables.read(state.REGION_SUPPORT)
    pages, slots = (
        with_region_size(rows.where(F.col("region_id") != audited.root), support).withColumnRenamed(
            "region_size", "slice"
        )
        for rows in (_pages_with_candidates(audited), _slots(audited))
    )
    counted_ = slots.groupBy("slice").agg(F.count_if(~F.col("is_live")).alias("dead"), F.count(F.lit(1)).alias("slots"))
    dead = _share("multi-region", "dead_slots", "dead", "slots", F.col("slice"))
    return _full(pages, "multi-region").unionByName(counted_.select(F.inline(F.array(dead))))


def _slots(audited: Audited) -> DataFrame:
    """One row per slot of the root's and the sampled regions' lists: region_id, price, is_live and price_now."""
    there = F.col("region_id").isin(audited.root, *audited.regions)
    now = audited.tables.read(silver.OFFERS).where(there & F.col("is_available"))
    offers = now.select("region_id", F.col("variant_id").alias("candidate_id"), F.col("price").alias("price_now"))
    shown = audited.lists.where(F.col("rank") <= SHOWN).select("region_id", "candidate_id", "price")
    met = shown.join(offers.withColumn("is_live", F.lit(True)), ["region_id", "candidate_id"], "left")
    return met.fillna(False, ["is_live"])


def _pages_with_candidates(audited: Audited) -> DataFrame:
    """Live pages of the root and the sampled regions, with how many candidates their final lists hold."""
    held = audited.lists.groupBy("region_id", "anchor_id").agg(F.count(F.lit(1)).alias("candidates"))
    live = audited.pages().where("is_available")
    return live.join(held, ["region_id", "anchor_id"], "left").fillna(0, ["candidates"])


def _full(pages: DataFrame, name: str) -> DataFrame:
    """The share of full lists per slice."""
    counted_ = pages.groupBy("slice").agg(
        F.count_if(F.col("candidates") >= SHOWN).alias("full"), F.count(F.lit(1)).alias("lists")
    )
    return counted_.select(F.inline(F.array(_share(name, "full_lists", "full", "lists", F.col("slice")))))


def _summed(name: str) -> Column:
    return F.sum(name).alias(name)


def _share(name: str, measure: str, part: str, whole: str, slice_: Column | None = None) -> Column:
    value = F.try_divide(F.col(part).cast("double"), F.col(whole).cast("double"))
    return _measure(name, measure, value, F.col(whole), slice_)


def _measure(name: str, measure: str, value: Column | None, n: Column, slice_: Column | None = None) -> Column:
    return F.struct(
        F.lit(name).alias("property"),
        F.lit(measure).alias("measure"),
        (F.lit(ALL) if slice_ is None else slice_).alias("slice"),
        (F.lit(None) if value is None else value).cast("double").alias("value"),
        n.cast("bigint").alias("n"),
    )
