"""Base lists: the best candidates of each region and anchor among what the region may sell, stored where they differ.

A base list is scored, gated and over-fetched; what is live now, rules and one variant per group come when it is
resolved (resolution.py). A region stores one only where it is not its parent's, cut to what the region sells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart import list_kernel
from sidecart.contracts.state import PAIR_GROUPS
from sidecart.fill_kernel import Drawing
from sidecart.list_places import Places
from sidecart.list_sheets import COUNTED, MET, NOBODY, PAGE, POOLED, ListMaker
from sidecart.regional_kernel import Weighing
from sidecart.scoring import best_first

_ANCHORS_OF_PART = 4096
"""Anchors of one category that one task looks at, at most some more."""

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
    candidates: Candidates, pages: DataFrame, sellers: DataFrame, places: Places, drawing: Drawing, weighing: Weighing
) -> DataFrame:
    """Rows of the base lists that are stored: slot, rank, fill_support and a pair's columns, null where fills lack it.

    The list of a region is the first candidates that it sells, to its depth: by trust, then score, then id. `pages`:
    one row per anchor, with what its fills are chosen by (cold_start.pages); `sellers`: list_places.sellers; `drawing`:
    cold_start.drawing; `weighing`: regional_lists.weighing.
    """
    placed = _placed(pages)
    sheets = [
        *([] if candidates.pools is None else [_pooled(candidates.pools, placed)]),
        _paged(placed, sellers, places),
        _met(candidates.met, placed, sellers).withColumn("kind", F.lit(MET)),
        _counted(candidates.counted, placed, places),
    ]
    rows = reduce(DataFrame.unionByName, (_sheet(part) for part in sheets))
    in_order = rows.repartition("category_id", "part").sortWithinPartitions(
        "category_id", "part", "anchor", "kind", "slot", *best_first()
    )
    maker = ListMaker(places.tree, drawing, weighing, tuple(_PAYLOAD))

    def cut(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return maker.lists(batches)

    columns = _TOLD | _PAYLOAD
    return in_order.mapInArrow(cut, schema=", ".join(f"{name} {type_}" for name, type_ in columns.items()))


def warm() -> None:
    """Compile what cuts lists: once per process."""
    list_kernel.warm()


def _placed(pages: DataFrame) -> DataFrame:
    """The pages with `part`: the anchors of a category are looked at in parts."""
    sizes = pages.groupBy("category_id").agg(F.count(F.lit(1)).alias("pages"))
    parts = F.floor(F.col("pages") / _ANCHORS_OF_PART) + 1
    placed = pages.join(F.broadcast(sizes), "category_id")
    return placed.withColumn("part", F.pmod("anchor", parts).cast("int")).drop("pages")


def _pooled(pools: DataFrame, placed: DataFrame) -> DataFrame:
    """What fits a category, for each part of its anchors."""
    parts = F.broadcast(placed.select("category_id", "part").distinct())
    return pools.join(parts, "category_id").withColumns(
        {"kind": F.lit(POOLED), "candidate_id_order": F.col("id_order"), "anchor": F.lit(NOBODY)}
    )


def _paged(placed: DataFrame, sellers: DataFrame, places: Places) -> DataFrame:
    """The root has a page of every variant, other regions of what they sell."""
    at_root = F.array(*(F.lit(int(word == 0)).cast("bigint") for word in range(places.tree.words)))
    sold = placed.join(sellers.withColumnRenamed("variant", "anchor"), "anchor", "left")
    return sold.withColumns({"kind": F.lit(PAGE), "slots": F.coalesce("slots", at_root)})


def _met(met: DataFrame, placed: DataFrame, sellers: DataFrame) -> DataFrame:
    """Candidates that are sold, beside their anchors' pages."""
    sold = F.broadcast(sellers.withColumnRenamed("variant", "candidate"))
    return met.join(sold, "candidate").join(_homes(placed), "anchor")


def _counted(counted: DataFrame, placed: DataFrame, places: Places) -> DataFrame:
    """What regions counted, beside their anchors' pages; nobody sells it, but every row of a sheet has its bits."""
    nobody = F.array_repeat(F.lit(0).cast("bigint"), places.tree.words)
    return counted.join(_homes(placed), "anchor").withColumns({"kind": F.lit(COUNTED), "slots": nobody})


def _homes(placed: DataFrame) -> DataFrame:
    """On whose sheet an anchor stands."""
    return F.broadcast(placed.select("anchor", "category_id", "part"))


def _sheet(rows: DataFrame) -> DataFrame:
    """The rows with every column of a sheet."""
    held = {n: F.col(n) if n in rows.columns else F.lit(None) for n in _SHEET}
    whole = {n: F.coalesce(c, F.lit(_NEVER_NULL[n])) if n in _NEVER_NULL else c for n, c in held.items()}
    return rows.select(*(column.cast(_SHEET[n]).alias(n) for n, column in whole.items()))
