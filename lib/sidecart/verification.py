"""Verification: support counted again from what silver says, and where the stored counts are others."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart.baskets import baskets, counted, view_baskets
from sidecart.extremes import buyer_activity, excluded_baskets
from sidecart.settings import BasketSettings

_SIDES = ("stored", "recounted")
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


def holding(anchors: DataFrame, rows: DataFrame, ids: DataFrame, basket: str) -> DataFrame:
    """The baskets of order lines (or views) that still hold one of the anchors (anchor).

    `basket`: the column that names one, order_id or session_id. What was taken back of order lines holds nothing.
    """
    named = F.broadcast(ids.join(F.broadcast(anchors.withColumnRenamed("anchor", "variant")), "variant", "left_semi"))
    left = rows.where("quantity_left > 0") if "quantity_left" in rows.columns else rows
    return left.join(named, "variant_id", "left_semi").select(basket).distinct()


def mismatches(stored: DataFrame, recounted: DataFrame) -> DataFrame:
    """One row per count that is stored otherwise than recounted; no rows where all agree.

    In: pair support of the same anchors. Out: region_id, anchor, candidate (the anchor itself for its own counts), and
    stored_buyers, stored_baskets, recounted_buyers, recounted_baskets, 0 where a side has no such pair.
    """
    # Equal counts are equal rows, so only rows that differ are laid out.
    sides = dict(zip(_SIDES, (stored, recounted), strict=True))
    rows = {
        side: frame.select("region_id", "anchor", F.struct("anchor_buyers", "anchor_baskets", "met").alias(side))
        for side, frame in sides.items()
    }
    both = rows["stored"].join(rows["recounted"], ["region_id", "anchor"], "full")
    differing = both.where(~F.col("stored").eqNullSafe(F.col("recounted")))
    told = F.explode(F.concat(*(_counts(side) for side in sides)))
    counts = differing.select("region_id", "anchor", told.alias("told")).select("region_id", "anchor", "told.*")
    keys = ["region_id", "anchor", "candidate"]
    sums = [F.sum(f"{side}_{count}").alias(f"{side}_{count}") for side in sides for count in _COUNTS]
    compared = counts.groupBy(*keys).agg(*sums, F.count_if(F.col("stored_baskets") > 0).alias("stored_times"))
    is_other = " OR ".join(f"stored_{count} <> recounted_{count}" for count in _COUNTS)
    # A candidate that is stored twice is wrong whatever its sum.
    return compared.where(f"{is_other} OR stored_times > 1").drop("stored_times")


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


def _counts(side: str) -> Column:
    """What a side says of an anchor, with itself and each candidate; of a side that is null, that its own are 0."""
    row = F.col(side)

    def entry(candidate: Column, *counts: Column) -> Column:
        mine = {f"{side}_{name}": count for name, count in zip(_COUNTS, counts, strict=True)}
        zero = F.lit(0)
        numbers = [mine.get(f"{one}_{name}", zero).alias(f"{one}_{name}") for one in _SIDES for name in _COUNTS]
        return F.struct(candidate.alias("candidate"), *numbers)

    def of_group(alike: Column) -> Column:
        return F.transform(alike["candidates"], lambda one: entry(one, alike["pair_buyers"], alike["pair_baskets"]))

    own = (F.coalesce(row[f"anchor_{name}"], F.lit(0)) for name in _COUNTS)
    return F.concat(
        F.array(entry(F.col("anchor"), *own)),
        F.flatten(F.transform(F.coalesce(row["met"], F.array()), of_group)),
    )
