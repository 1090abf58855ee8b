"""Base lists: the best candidates of each region and anchor among what the region may sell, stored where they differ.

A base list is scored, gated and over-fetched; what is live now, rules and one variant per group come when it is
resolved (resolution.py). A region stores one only where it is not its parent's, cut to what the region sells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from sidecart import list_kernel
from sidecart.contracts.state import PAIR_GROUPS
from sidecart.fill_kernel import Drawing
from sidecart.list_places import Range
from sidecart.list_sheets import COUNTED, MET, NOBODY, PAGE, POOLED, SOLD, ListMaker
from sidecart.regional_kernel import Weighing
from sidecart.scoring import best_first

_ANCHORS_OF_PART = 4096
"""Anchors of one category that stand side by side on a sheet, at most some more."""

_PAYLOAD = {
    "anchor": "INT",
    "candidate": "INT",
    "tier": "INT",
    "score_key": "BIGINT",
    "pair_buyers": "INT",
    "pair_baskets": "INT",
    "group_support": "BIGINT",
    "attribute_lift": "DOUBLE",
    "effective_support": "DOUBLE",
    "expected_baskets": "DOUBLE",
    "evidence_class": "STRING",
    "view_support": "INT",
    "category_lift": "DOUBLE",
    "required_support": "INT",
    "confidence": "DOUBLE",
    "exposure_factor": "DOUBLE",
}
_TOLD = {
    "slot": "INT",
    "rank": "INT",
    "fill_support": "BIGINT",
    "evidence_slot": "INT",
    "region_pair_support": "INT",
    "region_anchor_support": "INT",
    "region_weight": "DOUBLE",
}
_SHEET = _PAYLOAD | {
    "sheet": "INT",
    "category_id": "STRING",
    "part": "INT",
    "kind": "INT",
    "slot": "INT",
    "slots": "ARRAY<BIGINT>",
    "support": "BIGINT",
    "candidate_id_order": "INT",
    "anchor_support": "BIGINT",
    "candidate_support": "BIGINT",
    "counted": PAIR_GROUPS,
    "id_order": "INT",
    "step": "INT",
    "key": "STRING",
    "keys": "ARRAY<STRING>",
    "fit": "DOUBLE",
    "plain_fit": "DOUBLE",
    "group": "BIGINT",
    "own": "BIGINT",
    "brand": "BIGINT",
    "brand_mode": "STRING",
    "draw": "BIGINT",
    "is_sold": "BOOLEAN",
    "fill_support": "BIGINT",
}
_NEVER_NULL = {"slot": -1, "candidate": -1, "anchor": NOBODY, "tier": 0}


@dataclass(frozen=True)
class Candidates:
    """What stands in lists: candidates that orders and joint views bring, what regions counted, and what fills."""

    met: DataFrame
    """Rows of the payload with support, candidate_id_order and what a score is made of, by the whole shop's score."""
    counted: DataFrame
    """What regions with enough evidence of an anchor counted of it (regional_lists.regional_counts)."""
    pools: DataFrame | None
    """What fits each category (cold_start.pools); None where nothing is to be filled."""


def base_lists(
    candidates: Candidates, pages: DataFrame, where: Range, drawing: Drawing, weighing: Weighing
) -> DataFrame:
    """Rows of the base lists that are stored: slot, rank, fill_support and a pair's columns, null where fills lack it.

    The list of a region is the first candidates that it sells, to its depth: by trust, then score, then id. `pages`:
    one row per anchor, with what its fills are chosen by (cold_start.pages); `drawing`: cold_start.drawing; `weighing`:
    regional_lists.weighing.
    """
    sheets = _sheets(where.variants)
    placed = _placed(pages, sheets)
    homes = F.broadcast(placed.select("anchor", "category_id", "part", "sheet"))
    met = candidates.met.join(F.broadcast(where.sold()), "candidate", "left_semi")
    parts = [
        _sold(where, sheets),
        *([] if candidates.pools is None else [_pooled(candidates.pools, placed)]),
        placed.withColumn("kind", F.lit(PAGE)),
        met.join(homes, "anchor").withColumn("kind", F.lit(MET)),
        candidates.counted.join(homes, "anchor").withColumn("kind", F.lit(COUNTED)),
    ]
    rows = reduce(DataFrame.unionByName, (_sheet(part) for part in parts)).repartitionById(sheets, "sheet")
    in_order = rows.sortWithinPartitions("category_id", "part", "anchor", "kind", "slot", *best_first())
    maker = ListMaker(where.places.tree, drawing, weighing, tuple(_PAYLOAD))

    def cut(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return maker.lists(batches)

    columns = _TOLD | _PAYLOAD
    return in_order.mapInArrow(cut, schema=", ".join(f"{name} {type_}" for name, type_ in columns.items()))


def warm() -> None:
    """Compile what cuts lists: once per process."""
    list_kernel.warm()


def _sheets(variants: int) -> int:
    """How many sheets: enough for some cores, and few in a large shop, as who sells what comes with each."""
    return min(variants // 2_048 + 1, variants // 16_384 + 12)


def _placed(pages: DataFrame, sheets: int) -> DataFrame:
    """The pages with `part` and `sheet`: a category's anchors are looked at in parts, the largest categories' first
    dealt to sheets in turn, so that these are about alike.
    """
    sizes = pages.groupBy("category_id").agg(F.count(F.lit(1)).alias("pages"))
    parted = sizes.withColumn("parts", F.floor(F.col("pages") / _ANCHORS_OF_PART) + 1)
    larger = Window.orderBy(F.col("pages").desc(), "category_id").rowsBetween(Window.unboundedPreceding, -1)
    dealt = parted.withColumn("place", F.coalesce(F.sum("parts").over(larger), F.lit(0)))
    placed = pages.join(F.broadcast(dealt), "category_id").withColumn("part", F.pmod("anchor", "parts").cast("int"))
    sheet = F.pmod(F.col("place") + F.col("part"), F.lit(sheets)).cast("int")
    return placed.withColumn("sheet", sheet).drop("pages", "parts", "place")


def _sold(where: Range, sheets: int) -> DataFrame:
    """Who sells what, once for every sheet: beside each candidate of each anchor its bits would be most of a sheet."""
    sheet = F.explode(F.sequence(F.lit(0), F.lit(sheets - 1))).alias("sheet")
    return where.sellers.select(F.col("variant").alias("candidate"), "slots", sheet, F.lit(SOLD).alias("kind"))


def _pooled(pools: DataFrame, placed: DataFrame) -> DataFrame:
    """What fits a category, for each part of its anchors."""
    parts = F.broadcast(placed.select("category_id", "part", "sheet").distinct())
    return pools.join(parts, "category_id").withColumns(
        {"kind": F.lit(POOLED), "candidate_id_order": F.col("id_order"), "anchor": F.lit(NOBODY)}
    )


def _sheet(rows: DataFrame) -> DataFrame:
    """The rows with every column of a sheet."""
    held = {n: F.col(n) if n in rows.columns else F.lit(None) for n in _SHEET}
    whole = {n: F.coalesce(c, F.lit(_NEVER_NULL[n])) if n in _NEVER_NULL else c for n, c in held.items()}
    return rows.select(*(column.cast(_SHEET[n]).alias(n) for n, column in whole.items()))
