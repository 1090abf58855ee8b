"""Verification: support counted again from what silver says, and where the stored counts are others."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.baskets import baskets, counted, view_baskets
from sidecart.extremes import buyer_activity, excluded_baskets
from sidecart.pairs import flat_pairs
from sidecart.settings import BasketSettings

_COUNTS = ("buyers", "baskets")


@dataclass(frozen=True)
class History:
    """What is counted: silver's order lines and views, and variant_ids."""

    order_lines: DataFrame
    views: DataFrame
    variant_ids: DataFrame


def counted_orders(history: History, settings: BasketSettings) -> DataFrame:
    """Counted baskets (buyer_key, region_id, variants) as order lines make them, extremes found again."""
    found = baskets(history.order_lines, history.variant_ids)
    return counted(excluded_baskets(found, buyer_activity(found, settings), settings))


def counted_views(history: History, settings: BasketSettings) -> DataFrame:
    """Counted sessions (buyer_key, region_id, variants) as views make them."""
    return counted(view_baskets(history.views, history.variant_ids, settings))


def held_in(counted_baskets: DataFrame) -> DataFrame:
    """The variants (variant) that baskets hold."""
    return counted_baskets.select(F.explode("variants").alias("variant")).distinct()


def drawn_anchors(held: DataFrame, ids: DataFrame, how_many: int, salt: str) -> DataFrame:
    """So many of the variants of `held` (variant), by the md5 of the salt and their id: anchor."""
    drawn = ids.join(held, "variant", "left_semi").orderBy(F.md5(F.concat(F.lit(salt), "variant_id")), "variant_id")
    return drawn.limit(how_many).select(F.col("variant").alias("anchor"))


def drawn_of_both(changed: DataFrame, every: DataFrame, ids: DataFrame, how_many: int, salt: str) -> DataFrame:
    """The same of two sets, half of `changed` and half of `every`; one that both draw is there once."""
    of_changed = drawn_anchors(changed, ids, how_many - how_many // 2, salt)
    return of_changed.union(drawn_anchors(every, ids, how_many // 2, salt)).distinct()


def baskets_of(anchors: DataFrame, counted_baskets: DataFrame) -> DataFrame:
    """The baskets that hold one of the anchors: all that their support is counted from."""
    wanted = anchors.agg(F.collect_set("anchor").alias("wanted"))
    among = counted_baskets.crossJoin(F.broadcast(wanted))
    return among.where(F.arrays_overlap("variants", "wanted")).drop("wanted")


def rows_around(anchors: DataFrame, rows: DataFrame, ids: DataFrame, basket: str) -> DataFrame:
    """The order lines (or views) of every basket that still holds one of the anchors (anchor).

    `basket`: the column that names it, order_id or session_id. What was taken back of order lines holds nothing.
    """
    named = F.broadcast(ids.join(F.broadcast(anchors.withColumnRenamed("anchor", "variant")), "variant", "left_semi"))
    left = rows.where("quantity_left > 0") if "quantity_left" in rows.columns else rows
    return rows.join(left.join(named, "variant_id", "left_semi").select(basket), basket, "left_semi")


def mismatches(stored: DataFrame, recounted: DataFrame) -> DataFrame:
    """One row per count that is stored otherwise than recounted; no rows where all agree.

    In: pair support of the same anchors. Out: region_id, anchor, candidate (the anchor itself for its own counts), and
    stored_buyers, stored_baskets, recounted_buyers, recounted_baskets, 0 where a side has no such pair.
    """
    # Equal counts are equal rows, so only rows that differ are laid out.
    sides = {"stored": stored, "recounted": recounted}
    rows = {
        side: frame.select("region_id", "anchor", F.struct("anchor_buyers", "anchor_baskets", "met").alias(side))
        for side, frame in sides.items()
    }
    both = rows["stored"].join(rows["recounted"], ["region_id", "anchor"], "full")
    differing = both.where(~F.col("stored").eqNullSafe(F.col("recounted")))
    flat = [_counts(differing.where(F.col(side).isNotNull()), side) for side in sides]
    keys = ["region_id", "anchor", "candidate"]
    numbers = [f"{side}_{count}" for side in sides for count in _COUNTS]
    compared = flat[0].join(flat[1], keys, "full").fillna(0, numbers)
    is_other = [F.col(f"stored_{count}") != F.col(f"recounted_{count}") for count in _COUNTS]
    return compared.where(is_other[0] | is_other[1]).select(*keys, *numbers)


def mismatches_in_words(differing: DataFrame, ids: DataFrame, how_many: int) -> list[str]:
    """The first of `mismatches`, a line each, in the shop's ids (contract variant_ids)."""
    for side in ("anchor", "candidate"):
        differing = differing.join(ids.withColumnsRenamed({"variant": side, "variant_id": f"{side}_id"}), side, "left")
    first = differing.orderBy("region_id", "anchor_id", "candidate_id").limit(how_many).collect()
    return [
        f"{row['region_id']}, {row['anchor_id'] or row['anchor']} with {row['candidate_id'] or row['candidate']}:"
        f" stored {row['stored_buyers']:,} buyers in {row['stored_baskets']:,} baskets,"
        f" recounted {row['recounted_buyers']:,} in {row['recounted_baskets']:,}"
        for row in first
    ]


def _counts(differing: DataFrame, side: str) -> DataFrame:
    """One side's counts of rows that differ, flat, and each anchor with itself."""
    rows = differing.select("region_id", "anchor", f"{side}.*")
    itself = rows.select("region_id", "anchor", F.col("anchor").alias("candidate"), "anchor_buyers", "anchor_baskets")
    pairs = flat_pairs(rows).select("region_id", "anchor", "candidate", "pair_buyers", "pair_baskets")
    return pairs.union(itself).toDF("region_id", "anchor", "candidate", *(f"{side}_{count}" for count in _COUNTS))
