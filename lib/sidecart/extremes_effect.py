"""What leaving extremes out changed: the whole shop's lists as they are, beside those with every basket counted."""

from __future__ import annotations

from dataclasses import replace

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from sidecart.contracts.frames import Keep
from sidecart.group_support import group_pair_support
from sidecart.pairs import flat_pairs, pair_support, pairs_met, variant_support
from sidecart.scoring import ScoringParameters, admitted, best_first, with_score_key
from sidecart.settings import Settings
from sidecart.shortlists import ListInputs, pairs_at_root, root_members

SHOWN = 10
"""Candidates of a list that are compared."""


def with_extremes(inputs: ListInputs, baskets: DataFrame, shards: int, settings: Settings, keep: Keep) -> ListInputs:
    """The inputs as if nothing were left out of the whole shop's counts; what judges pairs stays as it is.

    `baskets`: all stored ones (contract baskets), those with an exclusion too.
    """
    root = inputs.regions.where("depth = 0")
    of_shop = baskets.drop("region_id").crossJoin(F.broadcast(root.select("region_id")))
    support = keep("pair_support", pair_support(of_shop, root, shards))
    counts = variant_support(support).select("variant", "buyers", "baskets")
    known = inputs.variant_facts.drop("buyers", "baskets").join(counts, "variant", "left")
    facts = keep("facts", known.fillna(0, ["buyers", "baskets"]).select(*inputs.variant_facts.columns))
    groups = inputs.group_pair_support
    if groups is not None:
        groups = group_pair_support(flat_pairs(support), facts, settings.scoring.support_unit)
    return replace(inputs, pair_support=support, variant_facts=facts, group_pair_support=groups)


def first_ten(inputs: ListInputs, parameters: ScoringParameters, settings: Settings) -> DataFrame:
    """One row per candidate that orders bring into the first ten of what the root sells: anchor, candidate.

    By score, before fills, diversity and rules.
    """
    sold = root_members(inputs)
    passing = admitted(pairs_at_root(inputs, inputs.sold(), settings))
    for side in ("anchor", "candidate"):
        passing = passing.join(F.broadcast(sold.withColumnRenamed("variant", side)), side, "left_semi")
    order = Window.partitionBy("anchor").orderBy(*best_first())
    scored = with_score_key(passing, parameters, settings.scoring).withColumn("rank", F.row_number().over(order))
    return scored.where(F.col("rank") <= SHOWN).select("anchor", "candidate")


def changed_lists(released: DataFrame, with_all: DataFrame) -> DataFrame:
    """One row per anchor of either side: anchor, slots of its released list, and how many are lost
    and gained with every basket counted.

    In: first_ten of both.
    """
    both = released.withColumn("is_released", F.lit(True)).join(
        with_all.withColumn("is_in_all", F.lit(True)), ["anchor", "candidate"], "full"
    )
    return both.groupBy("anchor").agg(
        F.count_if("is_released").alias("slots"),
        F.count_if(F.col("is_released") & F.col("is_in_all").isNull()).alias("lost"),
        F.count_if(F.col("is_released").isNull()).alias("gained"),
    )


def pairs_added(released: DataFrame, with_all: DataFrame) -> DataFrame:
    """One row: pairs with every basket counted, and those of them that nobody else ever bought together.

    In: pair_support of the root, of both.
    """
    size = F.sum(pairs_met())
    without = released.agg(F.coalesce(size, F.lit(0)).alias("kept"))
    return (
        with_all.agg(F.coalesce(size, F.lit(0)).alias("pairs"))
        .crossJoin(without)
        .select(
            (F.col("pairs") / 2).cast("bigint").alias("pairs"),
            ((F.col("pairs") - F.col("kept")) / 2).cast("bigint").alias("added"),
        )
    )
