"""The judge: any table of lists against held-out baskets, as rows of figures.

Hand it several tables at once (listed.named, listed.together): they are judged in one pass, on the same pages.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.evaluation import basket_page, item_page
from sidecart.evaluation.category_logic import category_relations
from sidecart.evaluation.intervals import METRICS, with_intervals
from sidecart.evaluation.listed import listed
from sidecart.evaluation.table_figures import assortment, table_figures

ITEM_PAGE, BASKET_PAGE, TABLE = "item", "basket", "table"
NO_TARGETS = "none"
"""Targets of figures that no basket was asked for."""


@dataclass(frozen=True)
class Evidence:
    """What lists are judged by: tables of one split."""

    held_out: DataFrame
    """Baskets of the window, contract baskets (held_out.held_out_baskets)."""
    in_window: DataFrame
    """All counted baskets of the window, those of one variant too: what category logic is read from."""
    facts: DataFrame
    """variant_facts of training: support is what training knew."""
    live: DataFrame
    """variant_id of what the root sells."""
    root_region: str
    support_unit: str


def judge(lists: DataFrame, evidence: Evidence) -> DataFrame:
    """One row per figure: table_name, page, targets, bucket, metric, value, low, high and n.

    `lists`: table_name, anchor_id, rank, candidate_id, and region_id and score where a table has them (listed.py).
    Pages `item` and `basket_by_rank`, `basket_by_score` have hit_rate, recall and ndcg, each a mean over the n
    pages; an anchor without a list counts as 0. Page `table` has what the table shows as a whole (table_figures.py).
    """
    known = listed(lists, evidence.facts)
    at_root = known.where(F.coalesce(F.col("region_id") == evidence.root_region, F.lit(True)))
    shelf = assortment(evidence.facts, evidence.live, evidence.support_unit)
    relations = category_relations(evidence.in_window, evidence.facts)
    of_tables = table_figures(at_root, shelf, relations).select(
        "table_name",
        F.lit(TABLE).alias("page"),
        F.lit(NO_TARGETS).alias("targets"),
        F.lit(item_page.EVERY_BUCKET).alias("bucket"),
        "metric",
        "value",
        *(F.lit(None).cast("double").alias(bound) for bound in ("low", "high")),
        "n",
    )
    return with_intervals(_buyer_sums(known, lists, evidence)).unionByName(of_tables)


def _buyer_sums(known: DataFrame, lists: DataFrame, evidence: Evidence) -> DataFrame:
    """Every judged buyer of every table and kind of page, with zeros where no list helped."""
    tables = F.broadcast(lists.select("table_name").distinct())
    sums = _on_item_pages(known, evidence).unionByName(_on_basket_pages(known, evidence))
    counts = _page_counts(evidence).crossJoin(tables)
    keys = ["table_name", "page", "targets", "bucket", "buyer_key"]
    return counts.join(sums, keys, "left").fillna(0, list(METRICS))


def _page_counts(evidence: Evidence) -> DataFrame:
    pages = item_page.pages(evidence.held_out, evidence.facts, evidence.support_unit)
    on_items = item_page.page_counts(pages).withColumn("page", F.lit(ITEM_PAGE))
    ways = F.explode(F.array(*(F.lit(f"{BASKET_PAGE}_{way}") for way in (basket_page.BY_RANK, basket_page.BY_SCORE))))
    carts = basket_page.cart_counts(basket_page.carts(evidence.held_out)).withColumn("page", ways)
    return on_items.unionByName(_of_all_targets(carts))


def _on_item_pages(known: DataFrame, evidence: Evidence) -> DataFrame:
    pages = item_page.pages(evidence.held_out, evidence.facts, evidence.support_unit)
    return item_page.page_sums(known, pages).withColumn("page", F.lit(ITEM_PAGE))


def _on_basket_pages(known: DataFrame, evidence: Evidence) -> DataFrame:
    sums = basket_page.cart_sums(known, basket_page.carts(evidence.held_out))
    return _of_all_targets(sums.withColumn("page", F.concat(F.lit(f"{BASKET_PAGE}_"), "joined")).drop("joined"))


def _of_all_targets(frame: DataFrame) -> DataFrame:
    return frame.withColumns({"targets": F.lit(item_page.ALL), "bucket": F.lit(item_page.EVERY_BUCKET)})
