"""Base lists: the best candidates of each region and anchor among what the region may sell.

A base list is scored, gated and over-fetched; what is live now, rules and one variant per group come when it is
resolved (resolution.py). Regions with enough baskets have base lists of their own; all others resolve to their
nearest ancestor's. The seam for storing fewer lists is `list_regions` and the choice of anchors per slot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sidecart.list_kernel import Depths, cut_lists
from sidecart.scoring import best_first
from sidecart.settings import ListSettings, RegionSettings

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


def list_regions(region_support: DataFrame, regions: DataFrame, settings: RegionSettings) -> DataFrame:
    """One row per region with base lists of its own: region_id, slot (0 is the root) and path.

    The root always; any other from `min_region_baskets` counted baskets.
    """
    supported = regions.join(region_support, "region_id", "left").where(
        (F.col("depth") == 0) | (F.col("baskets") >= settings.min_region_baskets)
    )
    slot = F.row_number().over(Window.orderBy(F.col("depth") > 0, "region_id")) - 1
    return supported.select("region_id", slot.alias("slot"), "path")


def slot_members(offers: DataFrame, list_regions: DataFrame, facts: DataFrame) -> DataFrame:
    """One row per (variant, slot) that may be sold: available now or not."""
    slots = F.broadcast(list_regions.select("region_id", "slot"))
    return (
        offers.join(slots, "region_id")
        .join(facts.select("variant_id", "variant"), "variant_id")
        .select("variant", "slot")
    )


def list_pages(members: DataFrame, facts: DataFrame) -> DataFrame:
    """One row per (slot, anchor) with a base list: every variant at the root, in a region what it sells."""
    at_root = facts.select(F.lit(0).alias("slot"), F.col("variant").alias("anchor"))
    return members.where("slot > 0").select("slot", F.col("variant").alias("anchor")).unionByName(at_root)


def cut_base_lists(
    scored: DataFrame, members: DataFrame, pages: DataFrame, list_regions: DataFrame, settings: ListSettings
) -> DataFrame:
    """Rows of base lists ranked by the whole shop's score: slot, rank, anchor, candidate, score_key and pair counts.

    `members` (variant, slot): what a slot may sell; `pages` (slot, anchor): which lists are cut.
    """
    offered = slot_bitsets(members, list_regions, "candidate")
    anchored = slot_bitsets(pages.withColumnRenamed("anchor", "variant"), list_regions, "anchor")
    ranked = (
        scored.join(F.broadcast(offered), "candidate")
        .join(F.broadcast(anchored), "anchor")
        .repartition("anchor")
        .sortWithinPartitions("anchor", *best_first())
        .select(*_PAYLOAD, "anchor_slots", "candidate_slots")
    )
    depths = Depths(settings.root_depth, settings.region_depth)
    payload = list(_PAYLOAD)

    def cut(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return cut_lists(batches, payload, depths)

    columns = {"slot": "INT", "rank": "INT"} | _PAYLOAD
    return ranked.mapInArrow(cut, schema=", ".join(f"{name} {type_}" for name, type_ in columns.items()))


def slot_bitsets(members: DataFrame, list_regions: DataFrame, side: str) -> DataFrame:
    """The slots of each variant as words of 64 bits: columns `side` and `side`_slots."""
    last_word = list_regions.agg(F.floor(F.max("slot") / 64).cast("int").alias("last_word"))
    gathered = members.groupBy(F.col("variant").alias(side)).agg(F.collect_set("slot").alias("members"))
    words = F.transform(F.sequence(F.lit(0), F.col("last_word")), _word)
    return gathered.crossJoin(F.broadcast(last_word)).select(side, words.alias(f"{side}_slots"))


def _word(index: Column) -> Column:
    one, none = F.lit(1).cast("bigint"), F.lit(0).cast("bigint")
    inside = F.filter("members", lambda slot: F.floor(slot / 64) == index)
    return F.aggregate(
        inside, none, lambda bits, slot: bits.bitwiseOR(F.call_function("shiftleft", one, (slot % 64).cast("int")))
    )
