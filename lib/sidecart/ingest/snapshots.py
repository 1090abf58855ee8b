"""Snapshots: inputs whose files together say how things are now. One row of each key stays."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from sidecart.contracts.model import InputContract
from sidecart.ingest.parsing import Moment, fault, typed_rows
from sidecart.ingest.staged import with_fault

Checks = Callable[[DataFrame], DataFrame]


def _unchecked(rows: DataFrame) -> DataFrame:
    return rows


def staged_snapshot(
    raw: DataFrame, contract: InputContract, moment: Moment, time: str | None = None, checks: Checks = _unchecked
) -> DataFrame:
    """Typed rows of a snapshot, `came` included, with `is_newest`: the row of its key that stays.

    That is, of the rows that pass `checks` too, the newest by the column `time`, then the one of the last file name,
    then the last line of it.
    """
    rows = checks(typed_rows(raw, contract, moment))
    order = [] if time is None else [F.col(time).desc_nulls_last()]
    newest_first = [*order, F.desc("source_file"), F.desc("source_line")]
    versions = Window.partitionBy(*contract.key, F.col("fault").isNull()).orderBy(*newest_first)
    return rows.withColumn("is_newest", F.col("fault").isNull() & (F.row_number().over(versions) == 1))


def with_duplicate_keys(rows: DataFrame, contract: InputContract) -> DataFrame:
    """Older rows of a key get DUPLICATE_KEY where the newest is of the same file and says something else.

    Equal rows, and those of earlier files, are just replaced.
    """
    content = F.to_json(F.struct(*(F.col(f"came.{name}") for name in contract.column_names)))
    newest = F.max(F.when(F.col("is_newest"), F.struct("source_file", content.alias("content"))))
    winner = newest.over(Window.partitionBy(*contract.key))
    is_other = (F.col("winner.source_file") == F.col("source_file")) & (F.col("winner.content") != content)
    is_older = F.col("fault").isNull() & ~F.col("is_newest")
    blamed = with_fault(rows.withColumn("winner", winner), fault(is_older & is_other, "DUPLICATE_KEY", contract.key[0]))
    return blamed.drop("winner")
