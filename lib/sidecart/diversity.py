"""Diversity: ten of one kind do not help, so each repeat of a subcategory falls behind, within a bound."""

from __future__ import annotations

import math
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sidecart.settings import DiversitySettings


def diversified(lists: DataFrame, settings: DiversitySettings) -> DataFrame:
    """The rows with `rank`, and `likes_before`: better candidates of their subcategory in the list, of the same trust.

    Greedy: the best first, then the best given what was taken; a score loses `factor` for each one taken of its
    subcategory but the first `free`, and `brand_factor` for each of its brand there. Of one kind the better is taken
    first, so what was taken before a candidate is its place among its kind, and one sort does what a loop would. At
    most `floor` is lost: a candidate never falls behind one whose score is less than `floor` times its own.

    In: region_id, anchor_id, base_rank, tier, score_key, candidate_subcategory_id, candidate_brand.
    """
    placed = lists.withColumns({"likes_before": _likes("base_rank"), "kept_key": kept_key("base_rank", settings)})
    of_list = Window.partitionBy("region_id", "anchor_id").orderBy("tier", F.col("kept_key").desc(), "base_rank")
    return placed.withColumn("rank", F.row_number().over(of_list)).drop("kept_key")


def kept_key(order: str, settings: DiversitySettings) -> Column:
    """score_key less what the like ones before it take off (see diversified), in a list ordered by the column."""
    loss = F.greatest(_likes(order) - settings.free, F.lit(0)) * math.log(settings.factor)
    # Every ranking is one more sort of all lists.
    if settings.brand_factor < 1:
        branded = _before(order, "candidate_subcategory_id", "candidate_brand")
        loss = loss + branded * math.log(settings.brand_factor)
    return F.col("score_key") + F.round(F.greatest(loss, F.lit(math.log(settings.floor))) * 1e6).cast("bigint")


def _likes(order: str) -> Column:
    return _before(order, "candidate_subcategory_id")


def _before(order: str, *kind: str) -> Column:
    """Candidates of the kind before this one in the same tier of the list; none where the kind is unknown."""
    of_kind = Window.partitionBy("region_id", "anchor_id", "tier", *kind).orderBy(order)
    known = reduce(Column.__and__, (F.col(name).isNotNull() for name in kind))
    return F.when(known, F.row_number().over(of_kind) - 1).otherwise(0)
