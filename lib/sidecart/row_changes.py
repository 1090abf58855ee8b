"""Row changes: what makes the rows of a table as they were those that they are."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart.contracts.frames import conform
from sidecart.contracts.model import Contract


def changed_rows(before: DataFrame, after: DataFrame, contract: Contract) -> DataFrame:
    """The rows of `after` that `before` lacks or has otherwise, and those of `before` that are gone.

    Out: the contract's columns, is_gone (as it was, to be taken away), is_known (`before` has its key) and `was`, the
    row that `before` has of it (a struct of the contract's columns, null where it has none).
    """
    keys = list(contract.key)
    sides = {
        side: conform(frame, contract).select(*keys, F.struct(*contract.column_names).alias(side))
        for side, frame in (("was", before), ("now", after))
    }
    is_same = _comparable("was", contract).eqNullSafe(_comparable("now", contract))
    both = sides["was"].join(sides["now"], keys, "full").where(~is_same)
    row = F.coalesce("now", "was").alias("row")
    told = both.select(row, F.col("now").isNull().alias("is_gone"), F.col("was").isNotNull().alias("is_known"), "was")
    return told.select("row.*", "is_gone", "is_known", "was")


def gone_rows(rows: DataFrame, contract: Contract) -> DataFrame:
    """The same columns (changed_rows), of rows that are to be taken away."""
    gone = conform(rows, contract)
    row = F.struct(*contract.column_names).alias("was")
    return gone.select("*", F.lit(True).alias("is_gone"), F.lit(True).alias("is_known"), row)


def added(
    contract: Contract, stored: DataFrame, plus: DataFrame | None = None, minus: DataFrame | None = None
) -> DataFrame:
    """A table of counts with what came (signed, or) without what went; a row whose counts come to nothing is gone.

    Each frame has the contract's columns: its key, and counts that are sums over baskets or buyers.
    """
    counts = [name for name in contract.column_names if name not in contract.key]
    together = stored.select(*contract.key, *counts)
    if plus is not None:
        together = together.unionByName(plus.select(*contract.key, *counts))
    if minus is not None:
        together = together.unionByName(minus.select(*contract.key, *(_negative(count) for count in counts)))
    sums = together.groupBy(*contract.key).agg(*(F.sum(count).alias(count) for count in counts))
    return conform(sums.where(" OR ".join(f"{count} <> 0" for count in counts)), contract)


def _comparable(side: str, contract: Contract) -> Column:
    """A row as something that Spark compares: maps as their sorted entries."""
    cells = ((F.col(f"{side}.{c.name}"), c.type.startswith("MAP")) for c in contract.columns)
    return F.struct(*(F.array_sort(F.map_entries(cell)) if is_map else cell for cell, is_map in cells))


def _negative(count: str) -> Column:
    return (-F.col(count)).alias(count)
