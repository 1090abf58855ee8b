"""Basket pages: a part of a held-out basket is in the cart, and the lists of all of it are joined into one."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sidecart.evaluation.gains import TOP, UNIT, gain, ndcg, recall
from sidecart.evaluation.listed import holding

RANK_CONSTANT = 10
"""k of the joined rank, the sum of 1 / (rank + k): larger lets what many lists show pass what one shows first."""

JOINED_DEPTH = 50
"""How far down each list of the cart is read: what many lists of a cart hold stands low in each."""

BY_RANK, BY_SCORE = "by_rank", "by_score"


def carts(baskets: DataFrame) -> DataFrame:
    """One row per held-out basket: order_id, buyer_key, region_id, and its variants as `seen` and `targets`.

    Half of the variants, rounded down, are seen: those with the smallest md5 of order and variant.
    """
    whole = baskets.select("order_id", "buyer_key", "region_id", _shuffled("variants").alias("variants"))
    half = F.floor(F.size("variants") / 2).cast("int")
    return whole.select(
        "order_id",
        "buyer_key",
        "region_id",
        F.slice("variants", F.lit(1), half).alias("seen"),
        F.slice("variants", half + 1, F.size("variants")).alias("targets"),
    )


def cart_counts(carts: DataFrame) -> DataFrame:
    """One row per buyer: how many basket pages are judged."""
    return carts.groupBy("buyer_key").agg(F.count(F.lit(1)).alias("pages"))


def cart_sums(listed: DataFrame, carts: DataFrame) -> DataFrame:
    """One row per (table, joined by, buyer) with a hit: sums of hit_rate, recall and ndcg, in billionths.

    By rank, a candidate has the sum of 1 / (rank + k) over the lists of the cart; by score, the sum of its scores
    there. What is in the cart is not shown, and fills are not joined: they say nothing of their anchor.
    """
    by_page = _shown(_joined(listed, carts)).groupBy("table_name", "joined", "order_id", "buyer_key", "targets")
    hits = by_page.agg(F.sum("gain").alias("gain"), F.count(F.lit(1)).alias("hits"))
    wanted = F.size("targets")
    return hits.groupBy("table_name", "joined", "buyer_key").agg(
        (F.count(F.lit(1)) * F.lit(UNIT)).alias("hit_rate"),
        F.sum(recall(F.col("hits"), wanted)).alias("recall"),
        F.sum(ndcg(F.col("gain"), wanted)).alias("ndcg"),
    )


def _joined(listed: DataFrame, carts: DataFrame) -> DataFrame:
    """One row per candidate of a basket page, with what it gathered by rank and by score; sums are exact."""
    in_cart = carts.select("order_id", "region_id", F.explode("seen").alias("anchor"))
    read = listed.where((F.col("rank") <= JOINED_DEPTH) & ~F.col("is_fill"))
    reciprocal = F.round(F.lit(UNIT) / (F.col("rank") + RANK_CONSTANT)).cast("bigint")
    gathered = holding(read, in_cart, ["anchor"]).groupBy("table_name", "order_id", "candidate")
    return gathered.agg(
        F.sum(reciprocal).cast("double").alias(BY_RANK),
        F.sum(F.col("score").cast("decimal(28,12)")).cast("double").alias(BY_SCORE),
    ).join(carts, "order_id")


def _shown(joined: DataFrame) -> DataFrame:
    """One row per target among the first ten of a basket page, with its gain."""
    ways = F.array(*(F.struct(F.lit(way).alias("joined"), F.col(way).alias("strength")) for way in (BY_RANK, BY_SCORE)))
    offered = joined.where(~F.array_contains("seen", F.col("candidate"))).select("*", F.inline(ways))
    order = Window.partitionBy("table_name", "joined", "order_id").orderBy(F.col("strength").desc(), "candidate")
    first = (
        offered.where("strength IS NOT NULL").withColumn("rank", F.row_number().over(order)).where(F.col("rank") <= TOP)
    )
    return first.where(F.array_contains("targets", F.col("candidate"))).withColumn("gain", gain(F.col("rank")))


def _shuffled(variants: str) -> Column:
    """The array in the order of the md5 of order and variant."""

    def placed(variant: Column) -> Column:
        key = F.md5(F.concat_ws(":", F.col("order_id"), variant.cast("string")))
        return F.struct(key.alias("key"), variant.alias("variant"))

    return F.transform(F.array_sort(F.transform(variants, placed)), lambda item: item["variant"])
