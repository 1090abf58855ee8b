"""Lists as they are judged: any table of them, in the integers of variants."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_COLUMNS = ("table_name", "region_id", "rank", "score")


def named(table_name: str, lists: DataFrame) -> DataFrame:
    """The lists with the name of their table in every row, ready to be judged beside others."""
    kept = [name for name in ("region_id", "anchor_id", "rank", "candidate_id", "score") if name in lists.columns]
    return lists.select(F.lit(table_name).alias("table_name"), *kept)


def together(*tables: DataFrame) -> DataFrame:
    """Named tables as one frame, judged in one pass; a column that one of them lacks is null there."""
    return reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), tables)


def listed(lists: DataFrame, facts: DataFrame) -> DataFrame:
    """One row per candidate of a list: table_name, region_id, anchor, rank, candidate and score.

    In: table_name, anchor_id, rank, candidate_id and, where a table has them, region_id (lists hold there only) and
    score (larger is better, and scores of one candidate can be added). Variants that `facts` does not know fall out.
    """
    whole = lists.withColumns(
        {
            name: F.lit(None).cast(type_)
            for name, type_ in (("region_id", "string"), ("score", "double"))
            if name not in lists.columns
        }
    )
    return (
        whole.join(F.broadcast(_numbers(facts, "anchor")), "anchor_id")
        .join(F.broadcast(_numbers(facts, "candidate")), "candidate_id")
        .select(*_COLUMNS, "anchor", "candidate")
    )


def _numbers(facts: DataFrame, side: str) -> DataFrame:
    return facts.select(F.col("variant_id").alias(f"{side}_id"), F.col("variant").alias(side))
