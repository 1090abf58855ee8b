"""Extremes: the few buyers and baskets that would make most of the pairs."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sidecart.baskets import BASKET_CAP
from sidecart.settings import BasketSettings

EXTREME_USER = "EXTREME_USER"


def buyer_activity(baskets: DataFrame, settings: BasketSettings) -> DataFrame:
    """One row per buyer: what they did, and whether they are left out (contract buyer_activity).

    A buyer is extreme when their pair events exceed T, the smallest observed value that at most
    `extreme_buyer_share` of buyers exceed: exact, and ties at T stay in. Baskets above the cap make no pair events.
    """
    activity = activity_counts(baskets, settings)
    return with_extremes(activity, threshold(activity, settings))


def activity_counts(baskets: DataFrame, settings: BasketSettings) -> DataFrame:
    """One row per buyer: buyer_key, is_guest, baskets, baskets_over_cap, items and pair_events."""
    size = F.size("variants").cast("bigint")
    is_over = size > settings.max_basket_variants
    return baskets.groupBy("buyer_key", "is_guest").agg(
        F.count(F.lit(1)).alias("baskets"),
        F.count_if(is_over).alias("baskets_over_cap"),
        F.sum(size).alias("items"),
        F.coalesce(F.sum(F.when(~is_over, pairs_among(size))), F.lit(0)).cast("bigint").alias("pair_events"),
    )


def with_extremes(activity: DataFrame, threshold: DataFrame) -> DataFrame:
    """Buyers' counts with threshold, is_extreme and reason_code (contract buyer_activity)."""
    is_extreme = F.col("pair_events") > F.col("threshold")
    reason = F.when(is_extreme, EXTREME_USER).when(F.col("baskets_over_cap") > 0, BASKET_CAP)
    return activity.crossJoin(threshold).withColumns({"is_extreme": is_extreme, "reason_code": reason})


def pairs_among(size: Column) -> Column:
    """How many pairs so many variants make, each once."""
    return size * (size - 1) / 2


def excluded_baskets(baskets: DataFrame, activity: DataFrame, settings: BasketSettings) -> DataFrame:
    """The baskets with why each is left out of statistics, or null (contract baskets)."""
    extreme = activity.where("is_extreme").select("buyer_key", F.lit(True).alias("is_extreme"))
    exclusion = F.when(F.size("variants") > settings.max_basket_variants, BASKET_CAP).when(
        F.col("is_extreme"), EXTREME_USER
    )
    return baskets.join(extreme, "buyer_key", "left").withColumn("exclusion", exclusion).drop("is_extreme")


def threshold(activity: DataFrame, settings: BasketSettings) -> DataFrame:
    """One row: the smallest observed value of pair_events (of activity, all buyers) that at most
    `extreme_buyer_share` of buyers exceed.
    """
    values = activity.groupBy("pair_events").agg(F.count(F.lit(1)).alias("buyers"))
    running = values.select(
        "pair_events",
        F.sum("buyers").over(Window.orderBy("pair_events")).alias("at_most"),
        F.sum("buyers").over(Window.partitionBy()).alias("all"),
    )
    exceeding = F.col("all") - F.col("at_most")
    enough = running.where(exceeding <= F.floor(F.col("all") * F.lit(settings.extreme_buyer_share)))
    return enough.agg(F.coalesce(F.min("pair_events"), F.lit(0)).alias("threshold"))
