"""Baskets: what each order still holds."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from sidecart.settings import BasketSettings

BASKET_CAP = "BASKET_CAP"
"""Why a basket is left out that holds too many variants."""
GUEST_PREFIX = "guest:"
"""A guest order is a buyer of its own, known by its order."""


def variant_ids(known: DataFrame, catalog: DataFrame) -> DataFrame:
    """One row per variant with the integer that state tables know it by (contract variant_ids).

    Variants of `known` keep their integer; new ones of the catalogue follow in the order of their ids,
    so that the same arrivals get the same integers on any cluster.
    """
    newcomers = catalog.select("variant_id").join(known, "variant_id", "left_anti").distinct()
    numbered = newcomers.select(
        "variant_id",
        F.row_number().over(Window.orderBy("variant_id")).alias("position"),
    )
    last = known.agg(F.coalesce(F.max("variant"), F.lit(0)).alias("last"))
    fresh = numbered.crossJoin(last).select("variant_id", (F.col("last") + F.col("position")).alias("variant"))
    return known.select("variant_id", "variant").unionByName(fresh)


def baskets(order_lines: DataFrame, ids: DataFrame) -> DataFrame:
    """One row per order with anything left, as its distinct variants (columns of contract baskets but `exclusion`).

    Time is the earliest line's; buyer and region are the newest line's, by source_seq, then ordered_at, then line.
    """
    lines = order_lines.where("quantity_left > 0").join(ids, "variant_id")
    newest = F.max_by(
        F.struct("buyer_key", "region_id"),
        F.struct("source_seq", "ordered_at", "line_key"),
    )
    orders = lines.groupBy("order_id").agg(
        newest.alias("newest"),
        F.min("ordered_at").alias("ordered_at"),
        F.array_sort(F.collect_set("variant")).alias("variants"),
    )
    return orders.select(
        "order_id",
        F.coalesce("newest.buyer_key", F.concat(F.lit(GUEST_PREFIX), "order_id")).alias("buyer_key"),
        F.col("newest.buyer_key").isNull().alias("is_guest"),
        F.col("newest.region_id").alias("region_id"),
        "ordered_at",
        "variants",
    )


def view_baskets(views: DataFrame, ids: DataFrame, settings: BasketSettings) -> DataFrame:
    """One row per session, as the distinct variants looked at (contract view_baskets).

    Buyer and region are the last look's; one above the basket cap (a crawler, mostly) is left out of counts.
    """
    last = F.max_by(F.struct("buyer_key", "region_id"), F.struct("viewed_at", "variant_id", "kind"))
    sessions = views.join(ids, "variant_id").groupBy("session_id")
    found = sessions.agg(last.alias("last"), F.array_sort(F.collect_set("variant")).alias("variants"))
    return found.select(
        "session_id",
        F.coalesce("last.buyer_key", F.concat(F.lit(GUEST_PREFIX), "session_id")).alias("buyer_key"),
        F.col("last.region_id").alias("region_id"),
        "variants",
        F.when(F.size("variants") > settings.max_basket_variants, BASKET_CAP).alias("exclusion"),
    )


def counted(stored_baskets: DataFrame) -> DataFrame:
    """The baskets that enter statistics."""
    return stored_baskets.where("exclusion IS NULL")


def within_cap(stored_baskets: DataFrame) -> DataFrame:
    """The baskets that are not above the basket cap, whoever bought them."""
    return stored_baskets.where(~F.col("exclusion").eqNullSafe(BASKET_CAP))


def basket_counts(baskets: DataFrame) -> DataFrame:
    """How many of the baskets hold each variant: variant, baskets; one in none is not there."""
    held = baskets.select(F.explode("variants").alias("variant")).groupBy("variant")
    return held.agg(F.count(F.lit(1)).cast("int").alias("baskets"))


def recent_baskets(counted_baskets: DataFrame, weeks: int) -> DataFrame:
    """How often each variant's page is met now, as far as baskets tell: variant, recent_baskets.

    Baskets of the `weeks` up to the newest one; a variant without any is not there.
    """
    newest = counted_baskets.agg((F.max("ordered_at") - F.expr(f"INTERVAL {weeks} WEEKS")).alias("since"))
    recent = counted_baskets.crossJoin(F.broadcast(newest)).where("ordered_at > since")
    return basket_counts(recent).withColumnRenamed("baskets", "recent_baskets")
