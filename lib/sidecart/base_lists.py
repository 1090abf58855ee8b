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
from sidecart.scoring import best_first, score_key
from sidecart.settings import ListSettings, RegionSettings, ScoringSettings

_PAYLOAD = {
    "anchor": "INT",
    "candidate": "INT",
    "score_key": "BIGINT",
    "pair_buyers": "INT",
    "pair_baskets": "INT",
    "candidate_support": "INT",
    "category_lift": "DOUBLE",
    "required_support": "INT",
    "confidence": "DOUBLE",
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


def anchor_members(members: DataFrame, facts: DataFrame, with_own_evidence: DataFrame) -> DataFrame:
    """One row per (variant, slot) whose list is cut by the whole shop's score.

    Every variant has a list at the root, what is sold in a region has one there, but for those
    `with_own_evidence` (slot, anchor), which regional_lists.py makes.
    """
    at_root = facts.select("variant", F.lit(0).alias("slot"))
    own = with_own_evidence.select(F.col("anchor").alias("variant"), "slot")
    return members.where("slot > 0").unionByName(at_root).join(own, ["variant", "slot"], "left_anti")


def scored_at_root(admitted: DataFrame, settings: ScoringSettings) -> DataFrame:
    """The admitted pairs with the score_key of the whole shop."""
    return admitted.withColumn("score_key", score_key(F.col("confidence"), settings))


def cut_base_lists(
    scored: DataFrame, members: DataFrame, anchors: DataFrame, list_regions: DataFrame, settings: ListSettings
) -> DataFrame:
    """Rows of base lists ranked by the whole shop's score: slot, rank, anchor, candidate, score_key and pair counts.

    `members` and `anchors` are (variant, slot): what a slot may sell, and which anchors have a list there.
    """
    last_word = list_regions.agg(F.floor(F.max("slot") / 64).cast("int").alias("last_word"))
    offered = _bitsets(members, last_word, "candidate")
    anchored = _bitsets(anchors, last_word, "anchor")
    ranked = (
        scored.join(offered, "candidate")
        .join(anchored, "anchor")
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


def _bitsets(members: DataFrame, last_word: DataFrame, side: str) -> DataFrame:
    """The slots of each variant as words of 64 bits: columns `side` and `side`_slots."""
    gathered = members.groupBy(F.col("variant").alias(side)).agg(F.collect_set("slot").alias("members"))
    words = F.transform(F.sequence(F.lit(0), F.col("last_word")), _word)
    return gathered.crossJoin(F.broadcast(last_word)).select(side, words.alias(f"{side}_slots"))


def _word(index: Column) -> Column:
    one, none = F.lit(1).cast("bigint"), F.lit(0).cast("bigint")
    inside = F.filter("members", lambda slot: F.floor(slot / 64) == index)
    return F.aggregate(
        inside, none, lambda bits, slot: bits.bitwiseOR(F.call_function("shiftleft", one, (slot % 64).cast("int")))
    )
