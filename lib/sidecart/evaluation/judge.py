"""The judge: any table of lists against held-out baskets, as rows of figures.

Hand it several tables at once (listed.named, listed.together): they are judged in one pass, on the same pages.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart.baskets import basket_counts
from sidecart.evaluation import basket_page, item_page
from sidecart.evaluation.category_logic import category_relations
from sidecart.evaluation.intervals import METRICS, with_intervals, with_ratios
from sidecart.evaluation.table_figures import assortment, met_figures, met_pages, table_figures

ITEM_PAGE, BASKET_PAGE, TABLE, MET = "item", "basket", "table", "met"
FROM_ABOVE = ", from above"
"""What the name of a table ends with that shows in each region the list of the region above."""
NO_TARGETS = "none"
"""Targets of figures that no basket was asked for."""


@dataclass(frozen=True)
class HeldOut:
    """What lists are judged by: tables of one split, and what training knew."""

    baskets: DataFrame
    """The judged baskets, contract baskets (held_out.held_out_baskets)."""
    window: DataFrame
    """All baskets of the window (held_out.in_window), those of one variant too: what category logic is read from."""
    facts: DataFrame
    """variant_facts of training: support is what training knew."""
    live: DataFrame
    """variant_id of what the root sells."""
    region_support: DataFrame
    """region_support of training: how many baskets each region had."""
    support_unit: str


@dataclass(frozen=True)
class Evidence:
    """The same as it meets lists. No frame depends on a list, so a job keeps them once for all tables it judges."""

    page_targets: DataFrame
    """item_page.page_targets"""
    page_counts: DataFrame
    """Per page, targets, bucket and buyer: how many pages are judged."""
    carts: DataFrame
    """basket_page.carts"""
    assortment: DataFrame
    """table_figures.assortment"""
    met_pages: DataFrame
    """table_figures.met_pages"""
    relations: DataFrame
    """category_logic.category_relations"""


def evidence(held_out: HeldOut) -> Evidence:
    """What the judge needs of held-out baskets."""
    baskets = item_page.with_region_size(held_out.baskets, held_out.region_support)
    targets = item_page.page_targets(baskets, held_out.facts, held_out.support_unit)
    carts = basket_page.carts(held_out.baskets)
    met = basket_counts(held_out.window).withColumnRenamed("baskets", "met")
    return Evidence(
        page_targets=targets,
        page_counts=_page_counts(targets, carts),
        carts=carts,
        assortment=assortment(held_out.facts, held_out.live, met, held_out.support_unit),
        met_pages=met_pages(baskets),
        relations=category_relations(held_out.window, held_out.facts),
    )


def judge(listed: DataFrame, evidence: Evidence, root_region: str) -> DataFrame:
    """One row per figure: table_name, page, targets, bucket, metric, value, low, high and n.

    `listed`: lists as listed.listed gives them. Pages `item`, `basket_by_rank` and `basket_by_score` have hit_rate,
    recall and ndcg, each a mean over the n pages; an anchor without a list counts as 0. Page `table` has what the
    table shows as a whole at the root, page `met` what was shown where the judged buyers bought (table_figures.py).
    Beside a table named T + FROM_ABOVE, table T has ndcg_over_above: the ratio of both, with its interval.
    """
    at_root = listed.where(F.coalesce(F.col("region_id") == root_region, F.lit(True)))
    of_root = table_figures(at_root, evidence.assortment, evidence.relations).withColumns(
        {"page": F.lit(TABLE), "bucket": F.lit(item_page.EVERY_BUCKET)}
    )
    of_met = met_figures(listed, evidence.met_pages, evidence.assortment).withColumn("page", F.lit(MET))
    of_tables = of_root.unionByName(of_met).select(
        "table_name",
        "page",
        F.lit(NO_TARGETS).alias("targets"),
        "bucket",
        "metric",
        "value",
        *(F.lit(None).cast("double").alias(bound) for bound in ("low", "high")),
        "n",
    )
    sums = _buyer_sums(listed, evidence)
    return with_intervals(sums).unionByName(with_ratios(sums, FROM_ABOVE)).unionByName(of_tables)


def _buyer_sums(listed: DataFrame, evidence: Evidence) -> DataFrame:
    """Every judged buyer of every table and kind of page, with zeros where no list helped."""
    tables = F.broadcast(listed.select("table_name").distinct())
    on_items = item_page.page_sums(listed, evidence.page_targets).withColumn("page", F.lit(ITEM_PAGE))
    on_baskets = _of_all_targets(
        basket_page.cart_sums(listed, evidence.carts).withColumn("page", _basket_page("joined"))
    )
    sums = on_items.unionByName(on_baskets.drop("joined"))
    keys = ["table_name", "page", "targets", "bucket", "buyer_key"]
    return evidence.page_counts.crossJoin(tables).join(sums, keys, "left").fillna(0, list(METRICS))


def _page_counts(page_targets: DataFrame, carts: DataFrame) -> DataFrame:
    on_items = item_page.page_counts(page_targets).withColumn("page", F.lit(ITEM_PAGE))
    ways = F.explode(F.array(F.lit(basket_page.BY_RANK), F.lit(basket_page.BY_SCORE)))
    on_baskets = basket_page.cart_counts(carts).withColumn("joined", ways).withColumn("page", _basket_page("joined"))
    return on_items.unionByName(_of_all_targets(on_baskets.drop("joined")))


def _basket_page(joined: str) -> Column:
    return F.concat(F.lit(f"{BASKET_PAGE}_"), F.col(joined))


def _of_all_targets(frame: DataFrame) -> DataFrame:
    return frame.withColumns({"targets": F.lit(item_page.ALL), "bucket": F.lit(item_page.EVERY_BUCKET)})
