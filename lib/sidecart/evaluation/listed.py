"""Lists as they are judged: any table of them, in the integers of variants."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_OPTIONAL = {"region_id": ("string", None), "score": ("double", None), "is_fill": ("boolean", False)}
"""What a table may lack: type, and what holds where it does."""


def named(table_name: str, lists: DataFrame) -> DataFrame:
    """The lists with the name of their table in every row, ready to be judged beside others."""
    kept = [name for name in ("anchor_id", "rank", "candidate_id", *_OPTIONAL) if name in lists.columns]
    return lists.select(F.lit(table_name).alias("table_name"), *kept)


def together(*tables: DataFrame) -> DataFrame:
    """Named tables as one frame, judged in one pass; a column that one of them lacks is null there."""
    return reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), tables)


def listed(lists: DataFrame, facts: DataFrame) -> DataFrame:
    """One row per candidate of a list: table_name, region_id, anchor, rank, candidate, score and is_fill.

    In: table_name, anchor_id, rank, candidate_id and, where a table has them, region_id (lists hold there only),
    score (larger is better, and scores of one candidate can be added) and is_fill (it only fills the page: lists of a
    cart are joined without it). Variants that `facts` does not know fall out.
    """
    whole = lists.withColumns(
        {
            name: F.coalesce(F.col(name), missing) if name in lists.columns else missing
            for name, missing in ((name, F.lit(value).cast(type_)) for name, (type_, value) in _OPTIONAL.items())
        }
    )
    return (
        whole.join(F.broadcast(_numbers(facts, "anchor")), "anchor_id")
        .join(F.broadcast(_numbers(facts, "candidate")), "candidate_id")
        .select("table_name", "rank", *_OPTIONAL, "anchor", "candidate")
    )


def holding(listed: DataFrame, pages: DataFrame, on: list[str]) -> DataFrame:
    """Rows of lists beside the pages they hold on: equal in `on`, and of the page's region where a list names one.

    In: rows of `listed`; pages with region_id and the columns of `on`. Out: both, region_id being the page's.
    """
    everywhere = listed.where("region_id IS NULL").drop("region_id").join(pages, on)
    regional = listed.where("region_id IS NOT NULL").join(pages, [*on, "region_id"])
    return everywhere.unionByName(regional)


def _numbers(facts: DataFrame, side: str) -> DataFrame:
    return facts.select(F.col("variant_id").alias(f"{side}_id"), F.col("variant").alias(side))
